/* SPDX-License-Identifier: MIT */
/*
 * layout.c - the lines of a screen: from above the head (numbers of the
 * process), the tabs, the view, the keys. Where there is little room the head
 * is shorter.
 */
#include <stdio.h>
#include <string.h>

#include "top/head.h"
#include "top/internal.h"

enum { BRIEF_BELOW = 14 }; /* lines of the screen */

/* --- a part of many lines --- */

struct window {
	struct output *to;
	size_t first;
	size_t most; /* lines from there */
	size_t nr; /* all of them */
};

static void pass_line(const struct line *line, void *arg)
{
	struct window *w = arg;

	if (w->nr >= w->first && w->nr - w->first < w->most)
		w->to->emit(line, w->to->arg);
	w->nr++;
}

/* @most of the lines that @show makes, from *first, which is cut to fit. */
static size_t show_window(struct output *o, size_t *first, size_t most,
			  void (*show)(struct output *o, struct top *t),
			  struct top *t)
{
	struct window w = { .to = o };
	struct output inner = { .emit = pass_line,
				.arg = &w,
				.width = o->width };

	show(&inner, t);
	t->page = most;
	t->nr_rows = w.nr;
	*first = min_size(*first, w.nr > most ? w.nr - most : 0);
	w = (struct window){ .to = o, .first = *first, .most = most };
	show(&inner, t);
	return min_size(w.nr, most);
}

/* --- tables --- */

size_t top_cursor_place(const struct top *t)
{
	for (size_t i = 0; t->cursor && i < t->table.nr; i++)
		if (t->table.ids[t->table.order[i]] == (uint64_t)t->cursor)
			return i;
	return min_size(t->cursor_place, t->table.nr - 1);
}

pid_t top_cursor(const struct top *t)
{
	return (pid_t)t->table.ids[t->table.order[top_cursor_place(t)]];
}

static size_t put_table_head(struct top *t, struct output *o)
{
	table_put_titles(&t->table, o, top_state(t)->sorted);
	if (!t->table.note[0])
		return 1;
	put(o, STYLE_WARN, "%s", t->table.note);
	end_line(o);
	return 2;
}

/* @most lines at most. Return: how many. */
static size_t show_table(struct top *t, struct output *o, size_t most)
{
	struct view_state *state = top_state(t);
	size_t cursor = SIZE_MAX, rows, used;

	top_fill(t);
	used = put_table_head(t, o);
	rows = most > used ? most - used : 0;
	if (!t->pid && t->table.nr) {
		cursor = t->cursor_place = top_cursor_place(t);
		if (cursor < state->first)
			state->first = cursor;
		else if (cursor >= state->first + rows)
			state->first = cursor - rows + 1;
	}
	state->first = min_size(state->first,
				t->table.nr > rows ? t->table.nr - rows : 0);
	t->page = rows;
	t->nr_rows = t->table.nr;
	rows = min_size(rows, t->table.nr - state->first);
	for (size_t i = state->first; i < state->first + rows; i++)
		table_put_row(&t->table, o, i, i == cursor);
	return used + rows;
}

static void show_lines(struct output *o, struct top *t)
{
	top_view(t)->show(o, &t->samples);
}

static size_t show_view(struct top *t, struct output *o, size_t most)
{
	if (!top_view(t)->show)
		return show_table(t, o, most);
	return show_window(o, &top_state(t)->first, most, show_lines, t);
}

/* --- help --- */

static void put_help(struct output *o, const char *key, const char *text)
{
	put(o, STYLE_BOLD, "%12s", key);
	put(o, STYLE_PLAIN, "  %s", text);
	end_line(o);
}

static void put_column_keys(struct output *o, const struct view *view)
{
	enum { INDENT = 14 };

	put(o, STYLE_PLAIN, "%*s", INDENT, "");
	for (int i = 0; i < view->nr_columns; i++) {
		const struct column *c = &view->columns[i];
		int len = (int)strlen(c->title) + 4;

		if (!c->key)
			continue;
		if (o->line.len + len > o->width && o->line.len > INDENT) {
			end_line(o);
			put(o, STYLE_PLAIN, "%*s", INDENT, "");
		}
		put(o, STYLE_BOLD, "%c", c->key);
		put(o, STYLE_PLAIN, " %s  ", c->title);
	}
	end_line(o);
}

static void show_help(struct output *o, struct top *t)
{
	const struct view *view = top_view(t);

	put(o, STYLE_BOLD, "pagoda top " PAGODA_VERSION ", keys");
	end_line(o);
	if (t->pid) {
		put_help(o, "Tab, 1-5", "the next view, one of the views");
		put_help(o, t->has_list ? "q, Esc" : "q",
			 t->has_list ? "back to the list" : "quit");
	} else {
		put_help(o, "Enter", "look at the process of the cursor");
		put_help(o, "q", "quit");
	}
	put_help(o, "arrows, PgDn", "other rows; also PgUp, Home, End");
	put_help(o, "Space", "look again now");
	put_help(o, "h, ?", "this text; any key leaves it");
	if (!view->nr_columns)
		return;
	put_help(o, "<, >", "sort by the next column; also left, right");
	put_help(o, "r", "the other way round");
	put_help(o, "", "sort by a column:");
	put_column_keys(o, view);
	end_line(o);
	put(o, STYLE_PLAIN, "What the columns mean: man pagoda.");
	end_line(o);
}

/* --- the screen --- */

static void put_tabs(struct top *t, struct output *o)
{
	int needed = 0;

	for (int i = 0; i < NR_VIEWS; i++)
		needed += (int)strlen(views[i]->name) + 5;
	for (int i = 0; i < NR_VIEWS; i++) {
		bool chosen = i == t->view;

		put(o, chosen ? STYLE_CHOSEN : STYLE_PLAIN, " %d%s%s ", i + 1,
		    chosen || needed <= o->width ? " " : "",
		    chosen || needed <= o->width ? views[i]->name : "");
		put(o, STYLE_PLAIN, " ");
	}
	end_line(o);
}

/* "18-34 of 41" at the right end, if not all is on the screen. */
static void put_range(struct top *t, struct output *o)
{
	size_t first = t->help ? t->help_first : top_state(t)->first;
	char text[64];
	int len = snprintf(text, sizeof(text), " %zu-%zu of %zu", first + 1,
			   min_size(first + t->page, t->nr_rows), t->nr_rows);

	if (t->nr_rows <= t->page || o->line.len + len > o->width)
		return;
	put_blanks(o, STYLE_HEAD, o->width - len);
	put(o, STYLE_HEAD, "%s", text);
}

static void put_keys(struct top *t, struct output *o)
{
	if (t->help)
		put(o, STYLE_HEAD, "any key: back");
	else if (t->pid)
		put(o, STYLE_HEAD, "Tab view  <> sort  h help  q %s",
		    t->has_list ? "back" : "quit");
	else
		put(o, STYLE_HEAD, "Enter open  <> sort  h help  q quit");
	put_range(t, o);
	put_blanks(o, STYLE_HEAD, o->width);
	end_line(o);
}

static void show_small(struct output *o)
{
	put(o, STYLE_BAD, "too small: at least %dx%d", TOP_MIN_WIDTH,
	    TOP_MIN_HEIGHT);
	end_line(o);
}

/* What could not be looked at once, opened from the list. */
static size_t show_nothing(struct top *t, struct output *o)
{
	put(o, STYLE_BAD, "process %d %s", (int)t->pid,
	    t->trouble ? t->trouble : "is not known yet");
	end_line(o);
	return 1;
}

static size_t show_body(struct top *t, struct output *o, size_t height)
{
	bool brief = height < BRIEF_BELOW;
	size_t head = brief || !t->pid ? BRIEF_HEAD_LINES : HEAD_LINES;

	if (t->help)
		return show_window(o, &t->help_first, height - 1, show_help, t);
	if (!top_has_sample(t))
		return show_nothing(t, o);
	if (t->pid) {
		show_process_head(o, &t->samples, t->trouble, brief);
		put_tabs(t, o);
		head++;
	} else {
		show_list_head(o, &t->list, t->trouble);
	}
	return head + show_view(t, o, height - head - 1);
}

void top_show(struct top *t, struct output *o, int height)
{
	size_t used;

	t->width = o->width;
	if (o->width < TOP_MIN_WIDTH || height < TOP_MIN_HEIGHT) {
		show_small(o);
		return;
	}
	used = show_body(t, o, (size_t)height);
	for (; used < (size_t)height - 1; used++)
		end_line(o);
	put_keys(t, o);
}

/* --- a file --- */

static void print_view(struct top *t, struct output *o)
{
	const struct view *view = top_view(t);

	end_line(o);
	if (t->pid) {
		put(o, STYLE_BOLD, "%s", view->name);
		end_line(o);
	}
	if (view->show) {
		view->show(o, &t->samples);
		return;
	}
	top_fill(t);
	put_table_head(t, o);
	for (size_t i = 0; i < t->table.nr; i++)
		table_put_row(&t->table, o, i, false);
}

void top_print(struct top *t, struct output *o, int view)
{
	if (!t->pid) {
		show_list_head(o, &t->list, t->trouble);
		print_view(t, o);
		return;
	}
	show_process_head(o, &t->samples, t->trouble, false);
	for (int i = 0; i < NR_VIEWS; i++)
		if (view < 0 || i == view) {
			t->view = i;
			print_view(t, o);
		}
}
