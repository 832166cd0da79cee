/* SPDX-License-Identifier: MIT */
/*
 * table.c - see table.h.
 */
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

void table_begin(struct table *t, const struct column *columns, int nr_columns)
{
	if (t->nr_columns != nr_columns)
		table_free(t);
	t->columns = columns;
	t->nr_columns = nr_columns;
	t->nr = 0;
	t->note[0] = '\0';
}

void table_free(struct table *t)
{
	free(t->cells);
	free(t->ids);
	free(t->order);
	memset(t, 0, sizeof(*t));
}

static void *resize(void *mem, size_t nr, size_t size)
{
	mem = reallocarray(mem, nr, size);
	if (!mem) {
		complain("out of memory");
		exit(TOOL_FAILED);
	}
	return mem;
}

struct cell *table_add(struct table *t, uint64_t id)
{
	size_t nr_columns = (size_t)t->nr_columns;
	struct cell *row;

	if (t->nr == t->room) {
		t->room = max_size(2 * t->room, 64);
		t->cells = resize(t->cells, t->room * nr_columns,
				  sizeof(*t->cells));
		t->ids = resize(t->ids, t->room, sizeof(*t->ids));
		t->order = resize(t->order, t->room, sizeof(*t->order));
	}
	row = t->cells + t->nr * nr_columns;
	memset(row, 0, nr_columns * sizeof(*row));
	t->ids[t->nr] = id;
	t->order[t->nr] = t->nr;
	t->nr++;
	return row;
}

/* --- order --- */

struct sorting {
	const struct table *table;
	int column;
	bool reverse;
};

static const struct cell *cell_of(const struct table *t, size_t row, int column)
{
	return &t->cells[row * (size_t)t->nr_columns + (size_t)column];
}

/* What is not known comes last, either way. */
static int compare_numbers(double left, double right)
{
	if (isnan(left) || isnan(right))
		return 0;
	return left < right ? -1 : left > right;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct column *column = &s->table->columns[s->column];
	size_t left_row = *(const size_t *)a, right_row = *(const size_t *)b;
	const struct cell *left = cell_of(s->table, left_row, s->column);
	const struct cell *right = cell_of(s->table, right_row, s->column);
	int order;

	if (isnan(left->number) != isnan(right->number))
		return isnan(left->number) ? 1 : -1;
	order = column->unit == UNIT_TEXT ?
			strcmp(left->text, right->text) :
			compare_numbers(left->number, right->number);
	if (column->ascending == s->reverse)
		order = -order;
	return order ? order : left_row < right_row ? -1 : 1;
}

void table_sort(struct table *t, int column, bool reverse)
{
	struct sorting s = { t, column, reverse };

	if (t->nr)
		qsort_r(t->order, t->nr, sizeof(*t->order), compare_rows, &s);
}

/* --- lines --- */

/* Those that are extra come in as they fit, the first ones first. */
bool columns_show(const struct column *columns, int nr, int column, int width)
{
	int needed = -1;

	if (!columns[column].extra)
		return true;
	for (int i = 0; i < nr; i++)
		if (!columns[i].extra || i <= column)
			needed += columns[i].width + 1;
	return needed <= width;
}

static bool shows(const struct table *t, int column, int width)
{
	return columns_show(t->columns, t->nr_columns, column, width);
}

static bool is_left(const struct column *c)
{
	return c->unit == UNIT_TEXT || c->unit == UNIT_BAR;
}

/* @text in its column; the last one goes to the end of the line. */
static void put_cell(const struct table *t, struct output *o, int column,
		     enum style style, const char *text)
{
	const struct column *c = &t->columns[column];
	int start = o->line.len;
	bool last = column == t->nr_columns - 1;

	if (is_left(c))
		put(o, style, "%.*s", last ? MAX_WIDTH : c->width, text);
	else
		put(o, style, "%*s", c->width, text);
	put_blanks(o, style, last ? o->width : start + c->width);
}

void table_put_titles(const struct table *t, struct output *o, int sorted)
{
	for (int i = 0; i < t->nr_columns; i++) {
		if (!shows(t, i, o->width))
			continue;
		if (o->line.len)
			put(o, STYLE_HEAD, " ");
		put_cell(t, o, i, i == sorted ? STYLE_CHOSEN : STYLE_HEAD,
			 t->columns[i].title);
	}
	put_blanks(o, STYLE_HEAD, o->width);
	end_line(o);
}

static void put_value(const struct table *t, struct output *o, size_t row,
		      int column, enum style style)
{
	const struct column *c = &t->columns[column];
	const struct cell *cell = cell_of(t, row, column);
	char buf[NUMBER_LEN];

	if (c->unit == UNIT_BAR) {
		struct part part = { cell->number, '|', STYLE_USED };
		int width = o->width - o->line.len;

		put_bar(o, width < 40 ? width : 40, &part, 1, "");
		return;
	}
	put_cell(t, o, column, style,
		 c->unit == UNIT_TEXT ?
			 cell->text :
			 format_number(buf, c->unit, c->width, cell->number));
}

void table_put_row(const struct table *t, struct output *o, size_t place,
		   bool cursor)
{
	enum style style = cursor ? STYLE_CURSOR : STYLE_PLAIN;

	for (int i = 0; i < t->nr_columns; i++) {
		if (!shows(t, i, o->width))
			continue;
		if (o->line.len)
			put(o, style, " ");
		put_value(t, o, t->order[place], i, style);
	}
	end_line(o);
}
