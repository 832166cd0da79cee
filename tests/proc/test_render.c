/* SPDX-License-Identifier: MIT */
/*
 * test_render.c - the text files, made of a control block filled by hand.
 *
 * usage: test_render FOLDER         compare with the texts in FOLDER
 *        test_render --print NAME   print the text as it is now
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_control.h"
#include "proc/proc.h"

struct control_block control;
static uint64_t headers[FAKE_CPUS][NR_CLASSES];
static const char *golden_folder;
static char golden[65536];
static char text[262144];


static void append(struct seq_file *m)
{
	size_t *len = m->private;

	assert_true(*len + m->len < sizeof(text));
	memcpy(text + *len, m->buf, m->len);
	*len += m->len;
	text[*len] = '\0';
}

/* The whole text of a file, handed on in pieces of @piece bytes. */
static void render(const char *name, const struct proc_snapshot *s,
		   size_t piece)
{
	const struct proc_file *file = proc_find(name);
	char buf[256];
	size_t len = 0;
	struct seq_file m = {
		.buf = buf,
		.size = piece,
		.flush = append,
		.private = &len,
	};

	assert_non_null(file);
	file->show(&m, s);
	append(&m);
}

static void load_golden(const char *name)
{
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", golden_folder, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s", path);
	len = fread(golden, 1, sizeof(golden) - 1, f);
	golden[len] = '\0';
	fclose(f);
}

static void setup_fake(struct proc_snapshot *s)
{
	memset(&control, 0, sizeof(control));
	memset(headers, 0, sizeof(headers));
	fake_control_fill(&control, headers);
	proc_snapshot_self(s);
}

static void test_snapshot(void **state)
{
	struct proc_snapshot s;

	(void)state;
	setup_fake(&s);
	assert_ptr_equal(s.control, &control);
	assert_int_equal(s.sheaf_objs[0], 0);
	assert_int_equal(s.sheaf_objs[1], 43);
	assert_int_equal(s.sheaf_objs[2], 128);
	assert_int_equal(s.sheaf_objs[30], 2);
	assert_int_equal(s.sheaf_objs[255], 0);

	/* No slot is looked at behind the last one in use. */
	control.percpu.online = 1;
	proc_snapshot_self(&s);
	assert_int_equal(s.sheaf_objs[1], 40);
	control.percpu.online = 0;
	control.percpu.base = 1;
	proc_snapshot_self(&s);
	assert_int_equal(s.sheaf_objs[1], 0);
}

static void test_golden(void **state)
{
	struct proc_snapshot s;

	(void)state;
	setup_fake(&s);
	for (size_t i = 0; i < nr_proc_files; i++) {
		const char *name = proc_files[i].name;

		print_message("%s (renew it with --print)\n", name);
		load_golden(name);
		render(name, &s, 256);
		assert_string_equal(text, golden);
		render(name, &s, 7);
		assert_string_equal(text, golden);
	}
}

/* Without flush() the text is cut, and it is known by how much. */
static void test_cut(void **state)
{
	struct proc_snapshot s;
	char buf[100];
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };

	(void)state;
	setup_fake(&s);
	render("slabinfo", &s, 256);
	slabinfo_show(&m, &s);
	assert_int_equal(m.len, sizeof(buf));
	assert_int_equal(m.len + m.lost, strlen(text));
	assert_memory_equal(buf, text, sizeof(buf));
}

static void test_find(void **state)
{
	(void)state;
	assert_null(proc_find(""));
	assert_null(proc_find("slab"));
	assert_null(proc_find("slabinfo "));
	for (size_t i = 0; i < nr_proc_files; i++)
		assert_ptr_equal(proc_find(proc_files[i].name), &proc_files[i]);
}

static uint64_t value_of(const char *file, const char *key)
{
	struct proc_snapshot s;
	unsigned long value;
	const char *line;

	setup_fake(&s);
	render(file, &s, 256);
	line = strstr(text, key);
	assert_non_null(line);
	assert_int_equal(sscanf(line + strlen(key), "%lu", &value), 1);
	return value;
}

static void test_sums(void **state)
{
	(void)state;
	assert_int_equal(value_of("meminfo", "MemTotal:"),
			 value_of("meminfo", "MemFree:") +
				 value_of("meminfo", "PcpFree:") +
				 value_of("meminfo", "Slab:") +
				 value_of("meminfo", "LargeAlloc:") +
				 value_of("meminfo", "LargeCached:") +
				 value_of("meminfo", "VmallocUsed:") +
				 value_of("meminfo", "VmallocFree:"));
	assert_int_equal(value_of("meminfo", "Slab:"),
			 value_of("meminfo", "SReclaimable:") +
				 value_of("meminfo", "SUnreclaim:"));
	assert_int_equal(value_of("meminfo", "MemFree:"),
			 value_of("vmstat", "nr_free_pages ") * 4);
}

/* Numbers read at different moments never wrap around. */
static void test_racing_numbers(void **state)
{
	struct proc_snapshot s;
	struct proc_objects o;
	struct proc_totals t;

	(void)state;
	setup_fake(&s);
	control.caches[1].nr_free = control.caches[1].nr_slabs * 512 + 1;
	control.caches[2].nr_empty_slabs = control.caches[2].nr_slabs + 1;
	control.vmalloc.groups[2].used = control.vmalloc.online + 4096;
	headers[1][1] = 257ull << 32 | 256; /* cur < begin */
	control.percpu.online = 3;
	proc_snapshot_self(&s);
	assert_int_equal(s.sheaf_objs[1], 43);
	proc_count_objects(&s, 1, &o);
	assert_int_equal(o.active, 0);
	proc_sum(&s, &t);
	assert_int_equal(t.vmalloc_free, 0);
	assert_true(t.live < GiB(1));
	render("slabinfo", &s, 256);
	assert_non_null(strstr(text, "kmalloc-16             0   5120"));
	assert_non_null(strstr(text, ": slabdata      0     40      0"));

	for (size_t class = 0; class < NR_CLASSES; class++)
		s.sheaf_objs[class] = 1ull << 40;
	proc_sum(&s, &t);
	assert_int_equal(t.slab_reclaimable, t.slab);
}

/* Before the allocator has started nothing is known, and nothing fails. */
static void test_empty(void **state)
{
	struct proc_snapshot s;

	(void)state;
	memset(&control, 0, sizeof(control));
	proc_snapshot_self(&s);
	for (size_t i = 0; i < nr_proc_files; i++)
		render(proc_files[i].name, &s, 256);
	render("buddyinfo", &s, 256);
	assert_string_equal(text, "");
}

/* A mode's value may fill its field to the last byte. */
static void test_long_mode(void **state)
{
	struct proc_snapshot s;
	char line[MODE_LEN + 20];

	(void)state;
	setup_fake(&s);
	memset(control.modes[MODE_ACTIVE], 'x', MODE_LEN);
	render("modes", &s, 256);
	snprintf(line, sizeof(line), "\nmode: %.*s\n", MODE_LEN,
		 control.modes[MODE_ACTIVE]);
	assert_non_null(strstr(text, line));
}

static size_t count_lines(void)
{
	size_t lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return lines;
}

static struct control_area *put_area(size_t i, uint64_t start, uint64_t size)
{
	struct control_area *r = &control.areas[AREAS_VMALLOC][i];

	*r = (struct control_area){
		.kind = AREA_VMALLOC,
		.start = start,
		.size = size,
		.used = size,
	};
	return r;
}

/* All records in use, in an order that has nothing to do with addresses. */
static void test_full_table(void **state)
{
	struct proc_snapshot s;
	uint64_t last = 0;
	char *line = text;

	(void)state;
	memset(&control, 0, sizeof(control));
	control.page_size = 4096;
	control.area_heads[AREAS_VMALLOC].nr = NR_AREA_RECORDS;
	control.area_heads[AREAS_VMALLOC].lost = 1;
	for (size_t i = 0; i < NR_AREA_RECORDS; i++)
		put_area(i, (1 + i * 37 % NR_AREA_RECORDS) << 20, MiB(1));
	proc_snapshot_self(&s);
	render("vmallocinfo", &s, 256);
	assert_int_equal(count_lines(), NR_AREA_RECORDS + 1);
	for (size_t i = 0; i < NR_AREA_RECORDS; i++) {
		unsigned long start, end;

		assert_int_equal(sscanf(line, "%lx-%lx", &start, &end), 2);
		assert_true(start > last);
		last = start;
		line = strchr(line, '\n') + 1;
	}
	assert_string_equal(line, "# 1 more vmalloc areas: their table is full\n");
}

/* What cannot be is not shown; what overlaps is shown once. */
static void test_strange_areas(void **state)
{
	struct proc_snapshot s;

	(void)state;
	memset(&control, 0, sizeof(control));
	control.page_size = 4096;
	control.area_heads[AREAS_VMALLOC].nr = 7;
	put_area(0, 0x100000, 0x10000);
	put_area(1, 0x108000, 0x1000);
	put_area(2, 0x100000, 0x4000);
	put_area(3, 0x200000, 0);
	put_area(4, UINT64_MAX - 4095, 8192);
	put_area(5, 0x300000, 0x1000)->seq = 7;
	put_area(6, 0x110000, 0x1000)->kind = 99;
	put_area(7, 0x400000, 0x1000);
	proc_snapshot_self(&s);
	render("vmallocinfo", &s, 256);
	assert_string_equal(
		text,
		"0x0000000000100000-0x0000000000110000   65536 pages=16 vmalloc N0=16\n"
		"# 1 vmalloc areas being changed\n");
	control.area_heads[AREAS_VMALLOC].nr = UINT32_MAX;
	render("maps", &s, 256);
	assert_int_equal(count_lines(), 3);
}

/* ZONE_DMA32 lies in a window of its own. */
static void test_low_zone(void **state)
{
	struct control_zone *z = &control.zones[0][ZONE_DMA32];
	struct proc_snapshot s;

	(void)state;
	setup_fake(&s);
	strcpy(z->name, "DMA32");
	z->start_pfn = control.span_bytes / 4096 + 16;
	z->present = 256;
	render("maps", &s, 256);
	assert_null(strstr(text, "DMA32"));
	control.low_base = 0x40000000;
	render("maps", &s, 256);
	assert_memory_equal(text, "40010000-40110000 rw-p", 22);
	assert_non_null(strstr(text, "[pagoda:DMA32]\n"));
}

static int print(const char *name)
{
	struct proc_snapshot s;

	if (!proc_find(name))
		return 2;
	setup_fake(&s);
	render(name, &s, 256);
	fputs(text, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_racing_numbers),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_long_mode),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_strange_areas),
		cmocka_unit_test(test_low_zone),
	};

	if (argc == 3 && !strcmp(argv[1], "--print"))
		return print(argv[2]);
	if (argc != 2)
		return 2;
	golden_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
