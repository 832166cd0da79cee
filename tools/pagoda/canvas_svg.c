/* SPDX-License-Identifier: MIT */
/*
 * canvas_svg.c - draws as SVG, in colours that follow the reader's choice of
 * light or dark.
 */
#include <inttypes.h>

#include "canvas.h"

static const uint32_t fixed_colours[COLOUR_INK][2] = {
	[COLOUR_PAPER] = { 0xfbfaf8, 0x15171a },
	[COLOUR_TEXT] = { 0x1f2328, 0xe6e4e0 },
	[COLOUR_FAINT] = { 0x6e7781, 0x979ea7 },
	[COLOUR_TYPE + MIGRATE_UNMOVABLE] = { 0x24292f, 0xfafafa },
	[COLOUR_TYPE + MIGRATE_MOVABLE] = { 0x1f9d87, 0x3fbfa8 },
	[COLOUR_TYPE + MIGRATE_RECLAIMABLE] = { 0xb0487f, 0xd97fb0 },
};

uint32_t canvas_colour(const struct palette *p, unsigned int colour, bool dark)
{
	const struct ink *ink;

	if (colour < COLOUR_INK)
		return fixed_colours[colour][dark];
	ink = &p->inks[colour - COLOUR_INK];
	return dark ? ink->dark : ink->light;
}

static void write_colours(FILE *out, const struct palette *p, bool dark)
{
	for (unsigned int i = 0; i < COLOUR_INK + p->nr_inks; i++)
		fprintf(out,
			".c%u{fill:#%06" PRIx32 ";background:#%06" PRIx32 "}",
			i, canvas_colour(p, i, dark),
			canvas_colour(p, i, dark));
}

void canvas_write_colours(FILE *out, const struct palette *p)
{
	write_colours(out, p, false);
	fputs("\n@media (prefers-color-scheme: dark){", out);
	write_colours(out, p, true);
	fputs("}\n", out);
}

void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

static bool begin(struct canvas *c, const char *title, const char *comment)
{
	fprintf(c->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%" PRIu32
		"\" height=\"%" PRIu32 "\" viewBox=\"0 0 %" PRIu32 " %" PRIu32
		"\" shape-rendering=\"crispEdges\" role=\"img\">\n<title>",
		c->width, c->height, c->width, c->height);
	write_escaped(c->out, title);
	fprintf(c->out, "</title>\n<desc>%s</desc>\n<style>\n", comment);
	canvas_write_colours(c->out, c->palette);
	fprintf(c->out,
		"text{font-family:system-ui,\"DejaVu Sans\",sans-serif;"
		"font-size:15px}.large{font-size:24px;font-weight:600}\n"
		"</style>\n<rect class=\"c%d\" width=\"100%%\" "
		"height=\"100%%\"/>\n",
		COLOUR_PAPER);
	return true;
}

static void begin_group(struct canvas *c, const char *what)
{
	fputs("<g><title>", c->out);
	write_escaped(c->out, what);
	fputs("</title>", c->out);
}

static void end_group(struct canvas *c)
{
	fputs("</g>\n", c->out);
}

static void begin_path(struct canvas *c, unsigned int colour)
{
	fprintf(c->out, "<path class=\"c%u\" d=\"", colour);
	c->in_path = true;
}

static void end_path(struct canvas *c)
{
	fputs("\"/>", c->out);
	c->in_path = false;
}

static void rect(struct canvas *c, unsigned int colour, uint32_t x, uint32_t y,
		 uint32_t w, uint32_t h)
{
	if (c->in_path)
		fprintf(c->out,
			"M%" PRIu32 " %" PRIu32 "h%" PRIu32 "v%" PRIu32
			"h-%" PRIu32 "z",
			x, y, w, h, w);
	else
		fprintf(c->out,
			"<rect class=\"c%u\" x=\"%" PRIu32 "\" y=\"%" PRIu32
			"\" width=\"%" PRIu32 "\" height=\"%" PRIu32 "\"/>\n",
			colour, x, y, w, h);
}

static void text(struct canvas *c, unsigned int colour, uint32_t x, uint32_t y,
		 uint32_t size, bool right, const char *what)
{
	fprintf(c->out,
		"<text class=\"c%u%s\" x=\"%" PRIu32 "\" y=\"%" PRIu32 "\"%s>",
		colour, size == TEXT_LARGE ? " large" : "", x,
		y + (size == TEXT_LARGE ? 20 : 13),
		right ? " text-anchor=\"end\"" : "");
	write_escaped(c->out, what);
	fputs("</text>\n", c->out);
}

static bool end(struct canvas *c)
{
	fputs("</svg>\n", c->out);
	return !ferror(c->out);
}

const struct canvas_ops svg_canvas = {
	.begin = begin,
	.begin_group = begin_group,
	.end_group = end_group,
	.begin_path = begin_path,
	.rect = rect,
	.end_path = end_path,
	.text = text,
	.end = end,
};
