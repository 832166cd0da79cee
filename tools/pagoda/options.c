/* SPDX-License-Identifier: MIT */
/*
 * options.c - "pagoda options": the options that PAGODA_OPTIONS takes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "tool.h"

struct library_option {
	const char *name;
	const char *def;
	const char *choices; /* NULL unless a choice */
	const char *unit; /* NULL unless a size */
	uint64_t min, max;
	const char *doc;
};

static const struct library_option library_options[] = {
#define PARAM_ENUM(n, d, c, text) \
	{ .name = #n, .def = d, .choices = c, .doc = text },
#define PARAM_SIZE(n, d, lo, hi, u, text)                               \
	{ .name = #n, .def = #d, .unit = u, .min = lo, .max = hi, \
	  .doc = text },
#define PARAM_LIVE PARAM_SIZE
#define PARAM_TEXT(n, d, text) { .name = #n, .def = d, .doc = text },
#include "base/params.def"
#undef PARAM_ENUM
#undef PARAM_SIZE
#undef PARAM_LIVE
#undef PARAM_TEXT
};

bool is_library_option(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(library_options); i++) {
		const char *known = library_options[i].name;

		if (strlen(known) == len && !memcmp(known, name, len))
			return true;
	}
	return false;
}

static void print_option(const struct library_option *o)
{
	printf("%s=%s", o->name, o->def);
	if (o->choices)
		printf(" (%s)", o->choices);
	if (o->unit)
		printf(" (%" PRIu64 "..%" PRIu64 " %s)", o->min, o->max,
		       o->unit);
	printf("\n");
	print_wrapped(o->doc, 4);
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option = next_option(self, argc, argv, "+:h", options);

	if (option != -1)
		return option == 'h' ? TOOL_OK : TOOL_USAGE;
	if (optind < argc)
		return usage_error(self, "options: too many arguments");
	for (size_t i = 0; i < ARRAY_SIZE(library_options); i++)
		print_option(&library_options[i]);
	return TOOL_OK;
}

const struct command options_command = {
	.name = "options",
	.synopsis = "[--help]",
	.summary = "Lists the options of the library: name, default, what may "
		   "be set.",
	.run = run,
};
