/* SPDX-License-Identifier: MIT */
/*
 * json.c - see json.h.
 */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_text(const char *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void begin_value(struct json *j, const char *name)
{
	if (j->follows)
		putchar(',');
	if (j->depth)
		printf("\n%*s", 2 * j->depth, "");
	if (name) {
		put_text(name, strlen(name));
		printf(": ");
	}
	j->follows = true;
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin_value(j, name);
	putchar(bracket);
	j->depth++;
	j->follows = false;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->follows)
		printf("\n%*s", 2 * j->depth, "");
	putchar(bracket);
	j->follows = true;
	if (!j->depth)
		putchar('\n');
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	begin_value(j, name);
	printf("%" PRIu64, value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin_value(j, name);
	printf("%s", value ? "true" : "false");
}

void json_text(struct json *j, const char *name, const char *text, size_t len)
{
	begin_value(j, name);
	put_text(text, strnlen(text, len));
}

void json_string(struct json *j, const char *name, const char *text)
{
	json_text(j, name, text, strlen(text));
}

void json_numbers(struct json *j, const char *name, const uint64_t *values,
		  size_t nr)
{
	begin_value(j, name);
	putchar('[');
	for (size_t i = 0; i < nr; i++)
		printf("%s%" PRIu64, i ? ", " : "", values[i]);
	putchar(']');
}
