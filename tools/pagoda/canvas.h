/* SPDX-License-Identifier: MIT */
/*
 * canvas.h - what memory maps are drawn on: rectangles and lines of text, as
 * SVG or as the pixels of a PNG file. Lengths are in pixels.
 */
#ifndef PAGODA_TOOL_CANVAS_H
#define PAGODA_TOOL_CANVAS_H

#include <stdio.h>

#include "palette.h"

enum {
	COLOUR_PAPER,
	COLOUR_TEXT,
	COLOUR_FAINT,
	COLOUR_TYPE,				    /* + migrate type */
	COLOUR_INK = COLOUR_TYPE + NR_MIGRATETYPES, /* + ink of the palette */
	NR_COLOURS = COLOUR_INK + MAX_INKS,
};

/* Text of PNG files: every letter takes as much. */
enum { TEXT_SMALL = 12, TEXT_LARGE = 18, TEXT_HEIGHT = 14 };

struct canvas {
	const struct canvas_ops *ops;
	FILE *out;
	const struct palette *palette;
	bool in_path; /* SVG */
	uint32_t width;
	uint32_t height;
	/* PNG */
	uint8_t *pixels; /* numbers of colours */
	char title[256];
	char comment[64];
};

struct canvas_ops {
	/* @comment: for programs that read the file */
	bool (*begin)(struct canvas *c, const char *title, const char *comment);
	/* @what: shown to who points at the group; what follows belongs to it
	 */
	void (*begin_group)(struct canvas *c, const char *what);
	void (*end_group)(struct canvas *c);
	/* The rectangles up to end_path() have one colour. */
	void (*begin_path)(struct canvas *c, unsigned int colour);
	void (*rect)(struct canvas *c, unsigned int colour, uint32_t x,
		     uint32_t y, uint32_t w, uint32_t h);
	void (*end_path)(struct canvas *c);
	/* @y: of the upper edge; @size: TEXT_SMALL or TEXT_LARGE */
	void (*text)(struct canvas *c, unsigned int colour, uint32_t x,
		     uint32_t y, uint32_t size, bool right, const char *text);
	/* Return: false: out of memory, or the output could not be written. */
	bool (*end)(struct canvas *c);
};

extern const struct canvas_ops svg_canvas;
extern const struct canvas_ops png_canvas;
/* Was the tool built with it? */
extern const bool have_png;

/* The colour, 0xRRGGBB. */
uint32_t canvas_colour(const struct palette *p, unsigned int colour, bool dark);

/* Rules of CSS for all colours, light and dark. */
void canvas_write_colours(FILE *out, const struct palette *p);

/* @text with what means something in HTML or XML written as entities. */
void write_escaped(FILE *out, const char *text);

#endif
