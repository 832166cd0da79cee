/* SPDX-License-Identifier: MIT */
/*
 * output.h - lines of "pagoda top": text with a style for each character, made
 * one at a time and handed to whoever shows it.
 */
#ifndef PAGODA_TOP_OUTPUT_H
#define PAGODA_TOP_OUTPUT_H

#include "base/compiler.h"

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_HEAD, /* the titles of columns, the last line */
	STYLE_CHOSEN, /* among those: the view, the column that sorts */
	STYLE_CURSOR, /* the row that Enter opens */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_USED, /* parts of bars */
	STYLE_LARGE,
	STYLE_CACHED,
	STYLE_KEPT,
	NR_STYLES
};

enum { MAX_WIDTH = 512 };

struct line {
	int len;
	char text[MAX_WIDTH];
	uint8_t style[MAX_WIDTH];
};

struct output {
	void (*emit)(const struct line *line, void *arg);
	void *arg;
	int width; /* columns, at most MAX_WIDTH */
	struct line line;
};

/* Append to the line; what is beyond the width is cut. */
void put(struct output *o, enum style style, const char *format, ...)
	PRINTF(3, 4);

/* Blanks up to @column. */
void put_blanks(struct output *o, enum style style, int column);

/* A part of a bar. */
struct part {
	double share; /* of the bar, which is 1 */
	char mark;
	enum style style;
};

/*
 * put_bar() - "[|||::    label]", @width columns wide; the parts begin on the
 * left, one behind the other.
 */
void put_bar(struct output *o, int width, const struct part *parts,
	     size_t nr_parts, const char *label);

/* Hand the line on, and begin the next one. */
void end_line(struct output *o);

#endif
