/* SPDX-License-Identifier: MIT */
/*
 * parse.h - numbers from the command line.
 */
#ifndef PAGODA_TOOL_PARSE_H
#define PAGODA_TOOL_PARSE_H

#include <sys/types.h>

#include "tool.h"

/* A process id in decimal. */
bool parse_pid(const char *text, pid_t *ret);

/*
 * pid_from() - @text, an argument of @c, is one. first_pid() - the first of its
 * arguments has to be.
 * Return: TOOL_OK, or TOOL_USAGE after a complaint.
 */
enum tool_status pid_from(const struct command *c, const char *text,
			  pid_t *ret);
enum tool_status first_pid(const struct command *c, int argc, char **argv,
			   pid_t *ret);

/*
 * seconds_option() - @text, the value of an option of @c: "0.5". From @least,
 * which is a millisecond or more, to 115 days.
 * samples_option() - a number of samples, at least 1.
 * Return: TOOL_OK, or TOOL_USAGE after a complaint.
 */
enum tool_status seconds_option(const struct command *c, const char *text,
				double least, uint64_t *ret_ms);
enum tool_status samples_option(const struct command *c, const char *text,
				uint64_t *ret);

#endif
