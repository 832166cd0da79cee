/* SPDX-License-Identifier: MIT */
/*
 * parse.c - see parse.h.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum { MOST_SECONDS = 10000000 };

bool parse_pid(const char *text, pid_t *ret)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || end == text || pid < 1 || pid > INT_MAX)
		return false;
	*ret = (pid_t)pid;
	return true;
}

enum tool_status pid_from(const struct command *c, const char *text,
			  pid_t *ret)
{
	if (parse_pid(text, ret))
		return TOOL_OK;
	return usage_error(c, "%s: '%s' is not a process id", c->name, text);
}

enum tool_status first_pid(const struct command *c, int argc, char **argv,
			   pid_t *ret)
{
	if (argc < 1)
		return usage_error(c, "%s: which process?", c->name);
	return pid_from(c, argv[0], ret);
}

static bool parse_seconds(const char *text, double *ret)
{
	char *end;

	/* strtod() also takes blanks, signs, "inf" and hexadecimal. */
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c) && *c != '.')
			return false;
	*ret = strtod(text, &end);
	return !*end && end != text;
}

enum tool_status seconds_option(const struct command *c, const char *text,
				double least, uint64_t *ret_ms)
{
	double seconds;

	if (!parse_seconds(text, &seconds) || seconds < least ||
	    seconds > MOST_SECONDS)
		return usage_error(c, "%s: '%s' is not a number of seconds "
				      "from %g to %d",
				   c->name, text, least, MOST_SECONDS);
	*ret_ms = (uint64_t)(seconds * 1000 + 0.5);
	return TOOL_OK;
}

enum tool_status samples_option(const struct command *c, const char *text,
				uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && !errno && !*end && *ret)
		return TOOL_OK;
	return usage_error(c, "%s: '%s' is not a number of samples", c->name,
			   text);
}
