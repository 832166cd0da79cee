/* SPDX-License-Identifier: MIT */
/*
 * json.h - prints JSON, value by value.
 *
 * Inside an object every value has a name; elsewhere it is NULL.
 */
#ifndef PAGODA_TOOL_JSON_H
#define PAGODA_TOOL_JSON_H

#include <stdio.h>

#include "base/compiler.h"

struct json {
	FILE *to; /* NULL: standard output */
	bool compact; /* all on one line, instead of indented */
	int depth;
	bool follows; /* a value of the same object or array */
};

void json_open(struct json *j, const char *name, char bracket);
void json_close(struct json *j, char bracket);
void json_number(struct json *j, const char *name, uint64_t value);
void json_signed(struct json *j, const char *name, int64_t value);
/* To nine digits; whole numbers below 2^53 as they are. */
void json_real(struct json *j, const char *name, double value);
void json_bool(struct json *j, const char *name, bool value);
/* At most @len bytes of @text, up to its NUL. */
void json_text(struct json *j, const char *name, const char *text, size_t len);
void json_string(struct json *j, const char *name, const char *text);
/* [numbers], on one line */
void json_numbers(struct json *j, const char *name, const uint64_t *values,
		  size_t nr);

#endif
