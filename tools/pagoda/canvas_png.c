/* SPDX-License-Identifier: MIT */
/*
 * canvas_png.c - draws the pixels of a PNG file, in the light colours.
 */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "font.h"

const bool have_png = true;

static bool begin(struct canvas *c, const char *title, const char *comment)
{
	snprintf(c->title, sizeof(c->title), "%s", title);
	snprintf(c->comment, sizeof(c->comment), "%s", comment);
	c->pixels = calloc(c->height, c->width); /* COLOUR_PAPER */
	return c->pixels != NULL;
}

static void begin_group(struct canvas *c, const char *what)
{
	(void)c;
	(void)what;
}

static void end_group(struct canvas *c)
{
	(void)c;
}

static void begin_path(struct canvas *c, unsigned int colour)
{
	(void)c;
	(void)colour;
}

static void end_path(struct canvas *c)
{
	(void)c;
}

static void rect(struct canvas *c, unsigned int colour, uint32_t x, uint32_t y,
		 uint32_t w, uint32_t h)
{
	uint32_t right = (uint32_t)min_size((size_t)x + w, c->width);
	uint32_t bottom = (uint32_t)min_size((size_t)y + h, c->height);

	for (; y < bottom && x < right; y++)
		memset(c->pixels + (size_t)y * c->width + x, (int)colour,
		       right - x);
}

static void text(struct canvas *c, unsigned int colour, uint32_t x, uint32_t y,
		 uint32_t size, bool right, const char *what)
{
	uint32_t dot = size / (FONT_COLUMNS + 1);

	if (right)
		x -= (uint32_t)min_size(x, strlen(what) * size);
	for (; *what; what++, x += size) {
		const uint8_t *letter;

		if (*what < FONT_FIRST || *what >= FONT_FIRST + FONT_LETTERS)
			continue;
		letter = font[*what - FONT_FIRST];
		for (uint32_t i = 0; i < FONT_COLUMNS * FONT_ROWS; i++) {
			uint32_t column = i / FONT_ROWS, row = i % FONT_ROWS;

			if (letter[column] >> row & 1)
				rect(c, colour, x + column * dot, y + row * dot,
				     dot, dot);
		}
	}
}

static void set_colours(png_structp png, png_infop info,
			const struct palette *p)
{
	png_color colours[NR_COLOURS];
	unsigned int nr = COLOUR_INK + (unsigned int)p->nr_inks;

	for (unsigned int i = 0; i < nr; i++) {
		uint32_t rgb = canvas_colour(p, i, false);

		colours[i].red = (png_byte)(rgb >> 16);
		colours[i].green = (png_byte)(rgb >> 8);
		colours[i].blue = (png_byte)rgb;
	}
	png_set_PLTE(png, info, colours, (int)nr);
}

static void set_texts(struct canvas *c, png_structp png, png_infop info)
{
	static char title_key[] = "Title", comment_key[] = "Comment";
	png_text texts[] = {
		{ .compression = PNG_TEXT_COMPRESSION_NONE,
		  .key = title_key,
		  .text = c->title },
		{ .compression = PNG_TEXT_COMPRESSION_NONE,
		  .key = comment_key,
		  .text = c->comment },
	};

	png_set_text(png, info, texts, ARRAY_SIZE(texts));
}

/* libpng comes back to setjmp() when something fails. */
static bool write_png(struct canvas *c, png_structp png, png_infop info)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	png_init_io(png, c->out);
	png_set_IHDR(png, info, c->width, c->height, 8, PNG_COLOR_TYPE_PALETTE,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	set_colours(png, info, c->palette);
	set_texts(c, png, info);
	png_write_info(png, info);
	for (uint32_t y = 0; y < c->height; y++)
		png_write_row(png, c->pixels + (size_t)y * c->width);
	png_write_end(png, info);
	return true;
}

static bool end(struct canvas *c)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL,
						  NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	bool done = info && write_png(c, png, info);

	png_destroy_write_struct(&png, &info);
	free(c->pixels);
	c->pixels = NULL;
	return done && !ferror(c->out);
}

const struct canvas_ops png_canvas = {
	.begin = begin,
	.begin_group = begin_group,
	.end_group = end_group,
	.begin_path = begin_path,
	.rect = rect,
	.end_path = end_path,
	.text = text,
	.end = end,
};
