/* SPDX-License-Identifier: MIT */
/*
 * parse.h - numbers from the command line.
 */
#ifndef PAGODA_TOOL_PARSE_H
#define PAGODA_TOOL_PARSE_H

#include "tool.h"

/*
 * seconds_option() - @text, the value of an option of @c: "0.5". From a
 * millisecond to 115 days.
 * Return: TOOL_OK, or TOOL_USAGE after a complaint.
 */
enum tool_status seconds_option(const struct command *c, const char *text,
				uint64_t *ret_ms);

/* At least 1. */
bool parse_count(const char *text, uint64_t *ret);

#endif
