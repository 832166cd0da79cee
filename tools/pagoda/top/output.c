/* SPDX-License-Identifier: MIT */
/*
 * output.c - puts lines together.
 */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put_char(struct output *o, enum style style, char c)
{
	struct line *line = &o->line;

	if (line->len >= o->width)
		return;
	line->text[line->len] = c;
	line->style[line->len++] = (uint8_t)style;
}

void put(struct output *o, enum style style, const char *format, ...)
{
	char text[MAX_WIDTH + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *c = text; *c; c++)
		put_char(o, style, *c);
}

void put_blanks(struct output *o, enum style style, int column)
{
	while (o->line.len < column && o->line.len < o->width)
		put_char(o, style, ' ');
}

static int round_down(double value)
{
	return value > 0 ? (int)(value + 1e-9) : 0;
}

void put_bar(struct output *o, int width, const struct part *parts,
	     size_t nr_parts, const char *label)
{
	int inner = width - 2, start = o->line.len + 1;
	int label_at = inner - (int)strlen(label);
	double end = 0;
	int at = 0;

	put_char(o, STYLE_BOLD, '[');
	for (size_t i = 0; i < nr_parts; i++) {
		end += parts[i].share;
		for (; at < round_down(end * inner) && at < inner; at++)
			put_char(o, parts[i].style, parts[i].mark);
	}
	put_blanks(o, STYLE_PLAIN, start + inner);
	/* Over what the bar has there. */
	for (int i = label_at; label_at >= 0 && i < inner; i++)
		if (start + i < o->line.len) {
			o->line.text[start + i] = label[i - label_at];
			o->line.style[start + i] = STYLE_BOLD;
		}
	put_char(o, STYLE_BOLD, ']');
}

void end_line(struct output *o)
{
	o->emit(&o->line, o->arg);
	o->line.len = 0;
}
