/* SPDX-License-Identifier: MIT */
/*
 * tool.h - what the subcommands of the pagoda tool share.
 */
#ifndef PAGODA_TOOL_H
#define PAGODA_TOOL_H

#include <stdio.h>

#include "base/compiler.h"
#include "base/version.h"

/* Exit statuses; documented in pagoda(1). */
enum tool_status {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,
	TOOL_NO_PROCESS = 3,
	TOOL_NO_PERMISSION = 4,
	TOOL_NOT_PAGODA = 5,
	TOOL_OTHER_VERSION = 6,
	TOOL_BAD_FILE = 7,
	TOOL_GROWS = 10, /* pagoda diff: something grows steadily */
	TOOL_CANNOT_EXEC = 126,
	TOOL_NOT_FOUND = 127,
};

struct command {
	const char *name;
	const char *synopsis; /* what follows the name */
	const char *summary;
	/* @argv[0] is the command's name. */
	enum tool_status (*run)(const struct command *self, int argc,
				char **argv);
	void (*help)(void); /* more than the synopsis */
};

extern const struct command stat_command;
extern const struct command top_command;
extern const struct command whatis_command;
extern const struct command run_command;
extern const struct command record_command;
extern const struct command report_command;
extern const struct command diff_command;
extern const struct command map_command;
extern const struct command mount_command;
extern const struct command export_command;
extern const struct command options_command;
extern const struct command doctor_command;

/* "pagoda: " and the text on standard error. */
void complain(const char *format, ...) PRINTF(1, 2);

/* complain(), and where to find help. Return: TOOL_USAGE. */
enum tool_status usage_error(const struct command *c, const char *format, ...)
	PRINTF(2, 3);

/*
 * next_option() - getopt_long() up to the first argument that is no option,
 * with messages of our own.
 * Return: the option, -1 behind the last one, '?' after a complaint, 'h' after
 * help was printed.
 */
struct option;
int next_option(const struct command *c, int argc, char **argv,
		const char *letters, const struct option *options);

/* Print @text with @indent blanks before each line of at most 78 columns. */
void print_wrapped(const char *text, int indent);

/* Only on a terminal, and not if NO_COLOR is set (no-color.org). */
bool use_colour(void);

/* The value of @name with @text put before or behind what it is. */
bool extend_env(const char *name, const char *text, char separator,
		bool in_front);

/* Is there an option of that name in PAGODA_OPTIONS? */
bool is_library_option(const char *name, size_t len);

#endif
