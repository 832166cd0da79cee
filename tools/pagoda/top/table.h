/* SPDX-License-Identifier: MIT */
/*
 * table.h - a table that can be sorted by any column.
 */
#ifndef PAGODA_TOP_TABLE_H
#define PAGODA_TOP_TABLE_H

#include "number.h"
#include "output.h"

struct column {
	const char *title;
	int width; /* the last column takes what is left, but not less */
	enum unit unit;
	char key; /* sorts by it; 0: none */
	bool ascending; /* is what one wants to see first */
	bool extra; /* only where there is room: the first ones first */
};

struct cell {
	double number;
	const char *text; /* UNIT_TEXT: not copied */
};

struct table {
	const struct column *columns;
	int nr_columns;
	size_t nr; /* rows */
	size_t room;
	struct cell *cells; /* @nr_columns of each row */
	uint64_t *ids; /* what a row is about, for the cursor */
	size_t *order; /* of the rows, after table_sort() */
	char note[160]; /* "" or a line to show with it */
};

/* Empty it for the same or other columns. */
void table_begin(struct table *t, const struct column *columns, int nr_columns);
/* Add a row. Return: its cells, all 0, to be filled; ends the tool if there is
 * no memory. */
struct cell *table_add(struct table *t, uint64_t id);
void table_free(struct table *t);

/* Rows that are equal in the column stay in the order in which they came. */
void table_sort(struct table *t, int column, bool reverse);

/* Is the column, one of @nr, shown at that width? */
bool columns_show(const struct column *columns, int nr, int column, int width);

/* Lines: the titles; a row, @place of the order. */
void table_put_titles(const struct table *t, struct output *o, int sorted);
void table_put_row(const struct table *t, struct output *o, size_t place,
		   bool cursor);

#endif
