/* SPDX-License-Identifier: MIT */
/*
 * parse.c - see parse.h.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static bool parse_seconds(const char *text, uint64_t *ret_ms)
{
	char *end;
	double seconds;

	/* strtod() also takes blanks, signs, "inf" and hexadecimal. */
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c) && *c != '.')
			return false;
	seconds = strtod(text, &end);
	if (*end || end == text || seconds < 0.001 || seconds > 1e7)
		return false;
	*ret_ms = (uint64_t)(seconds * 1000 + 0.5);
	return true;
}

enum tool_status seconds_option(const struct command *c, const char *text,
				uint64_t *ret_ms)
{
	if (parse_seconds(text, ret_ms))
		return TOOL_OK;
	return usage_error(c, "%s: '%s' is not a number of seconds from 0.001 "
			      "to 10000000", c->name, text);
}

bool parse_count(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && !errno && !*end && *ret;
}
