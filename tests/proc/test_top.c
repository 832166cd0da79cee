/* SPDX-License-Identifier: MIT */
/*
 * test_top.c - what "pagoda top" shows, without a terminal: two samples of a
 * control block filled by hand, a second apart, and a list of processes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_control.h"
#include "top/model.h"

enum { PAGER_FAULTS = 123, REFILLS = 123456789 }; /* of fake_control.c */

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fail();
}

/* --- what is shown --- */

static struct top top;

static void fill_sample(struct sample *s, double time)
{
	static uint64_t headers[FAKE_CPUS][NR_CLASSES];

	memset(s, 0, sizeof(*s));
	memset(headers, 0, sizeof(headers));
	fake_control_fill(&s->target.control, headers);
	s->target.snapshot.control = &s->target.control;
	for (int cpu = 0; cpu < FAKE_CPUS; cpu++)
		proc_add_sheaves(&s->target.snapshot, headers[cpu]);
	s->time = time;
	s->process.pid = 42;
	strcpy(s->process.command, "program with arguments");
}

/* Process 42, and a list of @nr processes with ids from 100. */
static void begin(size_t nr)
{
	struct processes *now, *before;

	assert_true(top_init(&top, 42));
	fill_sample(top.samples.before, 10);
	fill_sample(top.samples.now, 12);
	now = &top.list.now.processes;
	before = &top.list.before.processes;
	top.list.before.time = 10;
	top.list.now.time = 12;
	now->row = calloc(nr + 1, sizeof(*now->row));
	before->row = calloc(nr + 1, sizeof(*before->row));
	assert_true(now->row && before->row);
	now->nr = before->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		struct process *p = &now->row[i];

		p->pid = 100 + (pid_t)i;
		p->use.rss = MiB(10 + i * 7 % 5);
		p->heap = MiB(5 + i);
		p->kept = MiB(1);
		snprintf(p->command, sizeof(p->command), "command %zu",
			 (size_t)9 - i);
		before->row[i] = *p;
		p->use.minor_faults = 20 * i;
	}
}

static void end(void)
{
	top_free(&top);
}

/* --- lines --- */

struct screen {
	int nr;
	int longest;
	char text[200][MAX_WIDTH + 1];
};

static void take_line(const struct line *line, void *arg)
{
	struct screen *s = arg;

	assert_in_range(s->nr, 0, (int)ARRAY_SIZE(s->text) - 1);
	for (int i = 0; i < line->len; i++) {
		assert_in_range(line->text[i], ' ', '~');
		assert_in_range(line->style[i], 0, NR_STYLES - 1);
	}
	memcpy(s->text[s->nr], line->text, (size_t)line->len);
	s->text[s->nr++][line->len] = '\0';
	if (line->len > s->longest)
		s->longest = line->len;
}

static struct screen screen;

static void show(int width, int height)
{
	struct output o = { .emit = take_line, .arg = &screen,
			    .width = width };

	screen.nr = screen.longest = 0;
	top_show(&top, &o, height);
}

/* Return: the line that contains @text, or NULL. */
static const char *find(const char *text)
{
	for (int i = 0; i < screen.nr; i++)
		if (strstr(screen.text[i], text))
			return screen.text[i];
	return NULL;
}

static struct output one_line(int width)
{
	screen.nr = 0;
	return (struct output){ .emit = take_line, .arg = &screen,
				.width = width };
}

/* --- numbers and bars --- */

static void check_number(enum unit unit, int width, double value,
			 const char *expected)
{
	char buf[NUMBER_LEN];

	assert_string_equal(format_number(buf, unit, width, value), expected);
}

static void test_numbers(void **state)
{
	(void)state;
	check_number(UNIT_COUNT, 7, 0, "0");
	check_number(UNIT_COUNT, 7, 9999999, "9999999");
	check_number(UNIT_COUNT, 7, 10000000, "10.0M");
	check_number(UNIT_COUNT, 7, 999960000, "1.0G");
	check_number(UNIT_BYTES, 6, 0, "0");
	check_number(UNIT_BYTES, 6, 999, "999");
	check_number(UNIT_BYTES, 6, 1000, "1.0K");
	check_number(UNIT_BYTES, 6, 4096, "4.0K");
	check_number(UNIT_BYTES, 6, 1023.0 * 1024, "1.0M");
	check_number(UNIT_BYTES, 6, 999.9 * 1024, "999.9K");
	check_number(UNIT_BYTES, 6, 18446744073709551615.0, "16.0E");
	check_number(UNIT_RATE, 6, 0, "0");
	check_number(UNIT_RATE, 6, 0.5, "0.5");
	check_number(UNIT_RATE, 6, 12.4, "12");
	check_number(UNIT_RATE, 6, 1234567, "1.2M");
	check_number(UNIT_RATE, 6, NAN, "-");
	check_number(UNIT_PERCENT, 5, 99.96, "100.0");
	check_number(UNIT_INDEX, 7, -1, "-1.000");
	check_number(UNIT_ADDRESS, 12, 140737488351232.0, "7ffffffff000");
}

static void check_bar(double first, double second, const char *label,
		      const char *expected)
{
	struct part parts[] = { { first, '|', STYLE_USED },
				{ second, ':', STYLE_KEPT } };
	struct output o = one_line(80);

	put_bar(&o, 12, parts, 2, label);
	end_line(&o);
	assert_string_equal(screen.text[0], expected);
}

static void test_bars(void **state)
{
	struct output o = one_line(5);

	(void)state;
	check_bar(0, 0, "", "[          ]");
	check_bar(0.5, 0.2, "", "[|||||::   ]");
	check_bar(0.5, 0.5, "", "[|||||:::::]");
	check_bar(1, 1, "", "[||||||||||]");
	check_bar(0.3, 0.1, "1/2", "[|||:   1/2]");
	check_bar(1, 0, "a label that has no room", "[||||||||||]");
	/* What is too long is cut. */
	o = one_line(5);
	put(&o, STYLE_PLAIN, "%s", "1234567");
	put_bar(&o, 10, NULL, 0, "x");
	end_line(&o);
	assert_string_equal(screen.text[0], "12345");
}

/* --- tables --- */

static const struct cell *cell_at(const struct table *t, size_t place,
				  int column)
{
	return &t->cells[t->order[place] * (size_t)t->nr_columns +
			 (size_t)column];
}

static void fill_view(struct table *t, const struct view *view)
{
	table_begin(t, view->columns, view->nr_columns);
	if (view->fill)
		view->fill(t, &top.samples);
	else
		fill_processes(t, &top.list);
}

/* In order by @column, and what is equal or unknown as it came. */
static void check_order(const struct table *t, int column, bool reverse)
{
	const struct column *c = &t->columns[column];
	int sign = c->ascending == reverse ? -1 : 1;

	for (size_t i = 1; i < t->nr; i++) {
		const struct cell *left = cell_at(t, i - 1, column);
		const struct cell *right = cell_at(t, i, column);
		double order = left->number - right->number;

		if (c->unit == UNIT_TEXT)
			order = strcmp(left->text, right->text);
		else if (isnan(left->number) && isnan(right->number))
			order = 0;
		/* What is not known is at the end. */
		assert_true(isnan(right->number) || order * sign <= 0);
		if (order == 0)
			assert_true(t->order[i - 1] < t->order[i]);
	}
}

static void test_sorting(void **state)
{
	struct table t = { 0 };

	(void)state;
	begin(7);
	for (int v = -1; v < NR_VIEWS; v++) {
		const struct view *view = v < 0 ? &processes_view : views[v];

		if (view->show)
			continue;
		for (int column = 0; column < 2 * view->nr_columns; column++) {
			fill_view(&t, view);
			assert_true(t.nr > 3);
			table_sort(&t, column / 2, column % 2);
			check_order(&t, column / 2, column % 2);
		}
	}
	table_free(&t);
	end();
}

/* The cell of the row whose text in @name_column is @name. */
static double value_of(const struct table *t, const char *title,
		       int name_column, const char *name)
{
	for (int column = 0; column < t->nr_columns; column++)
		if (!strcmp(t->columns[column].title, title))
			for (size_t i = 0; i < t->nr; i++)
				if (!strcmp(cell_at(t, i, name_column)->text,
					    name))
					return cell_at(t, i, column)->number;
	fail_msg("no %s of %s", title, name);
	return 0;
}

static void test_caches(void **state)
{
	struct table t = { 0 };
	struct control_cache *old;
	int name = caches_view.nr_columns - 1;
	struct proc_objects o;

	(void)state;
	begin(0);
	old = &top.samples.before->target.control.caches[2];
	old->refills -= 300;
	/* Another cache had that place. */
	top.samples.before->target.control.caches[1].size = 99;
	fill_view(&t, &caches_view);
	proc_count_objects(&top.samples.now->target.snapshot, 2, &o);
#define VALUE(title) value_of(&t, title, name, "kmalloc-64")
	assert_true(VALUE("ACTIVE") == (double)o.active);
	assert_true(VALUE("OBJS") == 40 * 128);
	assert_true(fabs(VALUE("USE%") - 100.0 * (double)o.active / 5120) <
		    1e-9);
	assert_true(VALUE("SIZE") == 64);
	assert_true(VALUE("SLABS") == 40);
	assert_true(VALUE("ACTSLB") == 36);
	assert_true(VALUE("OB/S") == 128);
	assert_true(VALUE("PG/S") == 2);
	assert_true(VALUE("CACHE") == 40 * 8192);
	assert_true(VALUE("REFIL/S") == 150);
	assert_true(VALUE("FLUSH/S") == 0);
	assert_true(VALUE("IN_CPUS") == (double)o.in_sheaves);
#undef VALUE
	assert_true(isnan(value_of(&t, "REFIL/S", name, "kmalloc-16")));
	table_free(&t);
	end();
}

static void test_events(void **state)
{
	struct table t = { 0 };

	(void)state;
	begin(0);
	top.samples.now->target.control.events[7][PGPURGE] = 100;
	top.samples.before->target.control.events[2][PGPURGE] = 40;
	top.samples.now->process.use.minor_faults = 7;
	/* Counters of another program: a rate is never below 0. */
	top.samples.before->target.control.events[2][PGFREE] = 1000000;
	fill_view(&t, &events_view);
	assert_true(value_of(&t, "PER_S", 2, "pgpurge") == 30);
	assert_true(value_of(&t, "TOTAL", 2, "pgpurge") == 100);
	assert_true(value_of(&t, "PER_S", 2, "minor_faults") == 3.5);
	assert_true(value_of(&t, "PER_S", 2, "pgfree") == 0);
	assert_true(value_of(&t, "TOTAL", 2, "refills") >= REFILLS);
	/* The first sample knows no rates. */
	top.samples.before->time = 0;
	fill_view(&t, &events_view);
	assert_true(isnan(value_of(&t, "PER_S", 2, "pgpurge")));
	table_free(&t);
	end();
}

static void test_areas(void **state)
{
	struct table t = { 0 };

	(void)state;
	begin(0);
	top.samples.before->target.control.areas[AREAS_MM][2].faults =
		PAGER_FAULTS - 50;
	fill_view(&t, &areas_view);
	/* By address: no zone, and no record that makes no sense. */
	assert_int_equal(t.nr, 6);
	assert_int_equal(t.ids[0], 0x7e0000000000);
	assert_string_equal(cell_at(&t, 0, 3)->text, "pager");
	assert_true(cell_at(&t, 0, 5)->number == PAGER_FAULTS);
	assert_true(cell_at(&t, 0, 6)->number == 25);
	assert_int_equal(t.ids[3], 0x7f1fdf000000);
	assert_true(cell_at(&t, 3, 1)->number == (double)MiB(512));
	assert_true(cell_at(&t, 3, 2)->number == (double)MiB(300));
	assert_true(isnan(cell_at(&t, 3, 5)->number));
	assert_non_null(strstr(t.note, "17 more areas"));
	table_free(&t);
	end();
}

static bool is_near(double a, double b)
{
	return fabs(a - b) < 0.0005;
}

/* Against the kernel's formulas, worked out by hand. */
static void test_fragments(void **state)
{
	struct table t = { 0 };

	(void)state;
	begin(0);
	fill_view(&t, &fragments_view);
	/* Zones without memory are left out. */
	assert_int_equal(t.nr, 2 * NR_PAGE_ORDERS);
	assert_string_equal(cell_at(&t, 0, 0)->text, "0 Normal");
	/* Node 0: 3, 2, 5, 1 blocks of orders 0, 1, 2, 4 and 12 of order 10. */
	assert_true(cell_at(&t, 2, 3)->number == 5);
	assert_true(cell_at(&t, 2, 4)->number == 5 * 4 * 4096);
	assert_true(is_near(cell_at(&t, 0, 5)->number, 0));
	assert_true(is_near(cell_at(&t, 10, 5)->number, 43.0 / 12331));
	assert_true(cell_at(&t, 10, 6)->number == -1);
	/* Node 1: one block of order 8, one of order 9. */
	assert_string_equal(cell_at(&t, 11, 0)->text, "1 Normal");
	assert_true(is_near(cell_at(&t, 11 + 9, 5)->number, 256.0 / 768));
	assert_true(cell_at(&t, 11 + 9, 6)->number == -1);
	assert_true(cell_at(&t, 11 + 10, 5)->number == 1);
	assert_true(is_near(cell_at(&t, 11 + 10, 6)->number, 0.125));
	table_free(&t);
	end();
}

/* --- the screen --- */

static void test_zones(void **state)
{
	(void)state;
	begin(0);
	top_key(&top, '2');
	show(80, 24);
	assert_non_null(find("0 Normal"));
	assert_non_null(find("64.0M ready for use of 4.0G"));
	assert_non_null(find("| slabs 800.0K  # large 14.9M"));
	assert_non_null(find("free 48.2M  min 256.0K  low 320.0K  high 384.0K"
			     "  above high"));
	assert_non_null(find("1 Normal"));
	assert_null(find("DMA"));
	top.samples.now->target.control.zones[0][ZONE_NORMAL].free = 70;
	show(80, 24);
	assert_non_null(find("below low"));
	top.samples.now->target.control.zones[0][ZONE_NORMAL].free = 63;
	show(80, 24);
	assert_non_null(find("below min"));
	end();
}

/* As many lines as the screen has, none too long, whatever is shown. */
static void check_sizes(void)
{
	for (int width = TOP_MIN_WIDTH; width < 160; width += 7)
		for (int height = TOP_MIN_HEIGHT; height < 70; height += 3) {
			show(width, height);
			assert_int_equal(screen.nr, height);
			assert_in_range(screen.longest, 1, width);
		}
	show(TOP_MIN_WIDTH - 1, 24);
	assert_int_equal(screen.nr, 1);
	assert_non_null(find("too small"));
	show(3, 1);
	assert_string_equal(screen.text[0], "too");
	show(80, TOP_MIN_HEIGHT - 1);
	assert_non_null(find("too small"));
}

static void test_sizes(void **state)
{
	(void)state;
	begin(50);
	for (int v = 0; v < NR_VIEWS; v++) {
		top_key(&top, '1' + v);
		check_sizes();
		top_key(&top, TOP_KEY_END);
		check_sizes();
		top_key(&top, 'h');
		check_sizes();
		top_key(&top, 'h');
	}
	top.trouble = "has ended";
	check_sizes();
	assert_non_null(find("too small"));
	show(80, 24);
	assert_non_null(find("process 42 has ended"));
	top.samples.now->time = 0;
	check_sizes();
	top.trouble = NULL;
	top.pid = 0;
	check_sizes();
	top_key(&top, TOP_KEY_END);
	check_sizes();
	top_key(&top, 'h');
	check_sizes();
	end();
}

/* --- keys --- */

static void test_views(void **state)
{
	(void)state;
	begin(0);
	for (int i = 0; i < NR_VIEWS; i++) {
		assert_int_equal(top.view, i);
		assert_int_equal(top_key(&top, TOP_KEY_TAB), TOP_REDRAW);
	}
	assert_int_equal(top.view, 0);
	top_key(&top, TOP_KEY_BACKTAB);
	assert_int_equal(top.view, NR_VIEWS - 1);
	top_key(&top, '4');
	assert_int_equal(top.view, 3);
	top_key(&top, '6');
	assert_int_equal(top.view, 3);
	assert_int_equal(top_key(&top, ' '), TOP_SAMPLE);
	assert_int_equal(top_key(&top, TOP_KEY_ESCAPE), TOP_REDRAW);
	assert_int_equal(top_key(&top, 'q'), TOP_QUIT);
	end();
}

static void test_columns(void **state)
{
	int last = 0, most = 0;

	(void)state;
	begin(0);
	for (const char *key = "acblvnopsu"; *key; key++) {
		top_key(&top, *key);
		assert_int_equal(
			caches_view.columns[top.states[0].sorted].key, *key);
	}
	top_key(&top, 'r');
	assert_true(top.states[0].reverse);
	/* Only through what can be seen. */
	for (int width = 80; width <= 160; width += 80) {
		int seen = 0;

		show(width, 24);
		top_key(&top, 'a');
		last = -1;
		for (; top.states[0].sorted != last; seen++) {
			last = top.states[0].sorted;
			assert_non_null(find(caches_view.columns[last].title));
			top_key(&top, seen % 2 ? '>' : TOP_KEY_RIGHT);
		}
		assert_int_equal(last, caches_view.nr_columns - 1);
		assert_true(seen > most);
		most = seen;
	}
	top_key(&top, '<');
	assert_true(top.states[0].sorted < last);
	assert_true(top_sort_by(&top, "cache"));
	assert_true(top_sort_by(&top, "n"));
	assert_false(top_sort_by(&top, "x"));
	assert_false(top_sort_by(&top, ""));
	end();
}

static void test_help(void **state)
{
	(void)state;
	begin(0);
	top_key(&top, '?');
	show(80, 24);
	assert_non_null(find("a ACTIVE"));
	assert_int_equal(top_key(&top, 'q'), TOP_REDRAW);
	show(80, 24);
	assert_null(find("a ACTIVE"));
	end();
}

static bool is_at_cursor(const char *text)
{
	char line[64];

	snprintf(line, sizeof(line), "%d", (int)top.cursor);
	return find(line) && strstr(find(line), text);
}

static void test_list(void **state)
{
	(void)state;
	begin(7);
	top.pid = 0;
	top_key(&top, 'p');
	show(80, 24);
	assert_non_null(find("7 processes on Pagoda"));
	assert_null(find(" of 7"));
	for (int i = 0; i < 3; i++)
		top_key(&top, TOP_KEY_DOWN);
	assert_int_equal(top.cursor, 103);
	/* It stays with its process, and on the screen. */
	top_key(&top, 'n');
	show(80, TOP_MIN_HEIGHT);
	assert_int_equal(top.cursor, 103);
	assert_true(is_at_cursor("command 6"));
	assert_non_null(find(" of 7"));
	top_key(&top, TOP_KEY_HOME);
	top_key(&top, TOP_KEY_UP);
	assert_int_equal(top.cursor, 106);
	top_key(&top, TOP_KEY_PAGE_DOWN);
	top_key(&top, TOP_KEY_END);
	assert_int_equal(top.cursor, 100);
	/* When its process has gone, the row is somebody else's. */
	top.list.now.processes.nr = 3;
	for (int i = 0; i < 3; i++)
		top.list.now.processes.row[i].pid += 50;
	assert_int_equal(top_key(&top, TOP_KEY_ENTER), TOP_SAMPLE);
	assert_int_equal(top.pid, 150);
	assert_true(top.has_list);
	assert_false(top_has_sample(&top));
	assert_int_equal(top_key(&top, TOP_KEY_ESCAPE), TOP_SAMPLE);
	assert_int_equal(top.pid, 0);
	assert_int_equal(top_key(&top, TOP_KEY_ENTER), TOP_SAMPLE);
	assert_int_equal(top_key(&top, 'q'), TOP_SAMPLE);
	assert_int_equal(top_key(&top, TOP_KEY_ESCAPE), TOP_REDRAW);
	assert_int_equal(top_key(&top, 'q'), TOP_QUIT);
	end();
}

static void test_empty_list(void **state)
{
	(void)state;
	begin(0);
	top.pid = 0;
	top.list.now.processes.unread.refused = 2;
	show(80, 24);
	assert_non_null(find("Not listed: 2 may not be looked at"));
	top.list.now.processes.unread.refused = 0;
	show(80, 24);
	assert_non_null(find("No process runs on Pagoda"));
	top_key(&top, TOP_KEY_DOWN);
	top_key(&top, TOP_KEY_ENTER);
	assert_int_equal(top.pid, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_sorting),
		cmocka_unit_test(test_caches),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
