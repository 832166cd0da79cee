/* SPDX-License-Identifier: MIT */
/*
 * json.c - see json.h.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static FILE *output_of(const struct json *j)
{
	return j->to ? j->to : stdout;
}

/* No '<': the text may be part of an HTML page. */
static void put_text(FILE *to, const char *text, size_t len)
{
	putc('"', to);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < ' ' || c > '~' || c == '<')
			fprintf(to, "\\u%04x", c);
		else
			putc(c, to);
	}
	putc('"', to);
}

/* Where the next value stands. */
static void start_line(const struct json *j)
{
	if (!j->compact)
		fprintf(output_of(j), "\n%*s", 2 * j->depth, "");
}

static void begin_value(struct json *j, const char *name)
{
	FILE *to = output_of(j);

	if (j->follows)
		putc(',', to);
	if (j->depth)
		start_line(j);
	if (name) {
		put_text(to, name, strlen(name));
		fputs(j->compact ? ":" : ": ", to);
	}
	j->follows = true;
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin_value(j, name);
	putc(bracket, output_of(j));
	j->depth++;
	j->follows = false;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->follows)
		start_line(j);
	putc(bracket, output_of(j));
	j->follows = true;
	if (!j->depth)
		putc('\n', output_of(j));
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	begin_value(j, name);
	fprintf(output_of(j), "%" PRIu64, value);
}

void json_signed(struct json *j, const char *name, int64_t value)
{
	begin_value(j, name);
	fprintf(output_of(j), "%" PRId64, value);
}

void json_real(struct json *j, const char *name, double value)
{
	begin_value(j, name);
	fprintf(output_of(j), "%.*g",
		floor(value) == value && fabs(value) < 0x1p53 ? 17 : 9, value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin_value(j, name);
	fputs(value ? "true" : "false", output_of(j));
}

void json_text(struct json *j, const char *name, const char *text, size_t len)
{
	begin_value(j, name);
	put_text(output_of(j), text, strnlen(text, len));
}

void json_string(struct json *j, const char *name, const char *text)
{
	json_text(j, name, text, strlen(text));
}

void json_numbers(struct json *j, const char *name, const uint64_t *values,
		  size_t nr)
{
	FILE *to = output_of(j);

	begin_value(j, name);
	putc('[', to);
	for (size_t i = 0; i < nr; i++)
		fprintf(to, "%s%" PRIu64, !i ? "" : j->compact ? "," : ", ",
			values[i]);
	putc(']', to);
}
