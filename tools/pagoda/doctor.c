/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - "pagoda doctor": what this machine allows, what Pagoda makes of it
 * and what would change it.
 */
#include "doctor.h"

#include <getopt.h>
#include <string.h>

#include "json.h"
#include "tool.h"

static const char *const verdict_names[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_LIMITED] = "limited",
	[VERDICT_OFF] = "off",
};

struct report {
	struct json json;
	bool as_json;
	bool colour;
	bool works; /* the default mode */
};

static void print_finding(const struct report *r, const struct finding *f)
{
	static const char *const colours[] = {
		[VERDICT_OK] = "\033[32m",
		[VERDICT_LIMITED] = "\033[33m",
		[VERDICT_OFF] = "\033[31m",
	};

	printf("%-24s%s%-8s%s %s\n", f->name,
	       r->colour ? colours[f->verdict] : "",
	       verdict_names[f->verdict], r->colour ? "\033[0m" : "", f->value);
	if (f->verdict == VERDICT_OK)
		return;
	print_wrapped(f->effect, 33);
	/* Not wrapped: it is to be copied. */
	if (f->enable)
		printf("%*sto change it: %s\n", 33, "", f->enable);
}

static void write_finding(struct json *j, const struct finding *f)
{
	json_open(j, NULL, '{');
	json_string(j, "name", f->name);
	json_string(j, "verdict", verdict_names[f->verdict]);
	json_bool(j, "needed", f->needed);
	json_string(j, "value", f->value);
	json_string(j, "effect", f->effect);
	json_string(j, "enable", f->enable ? f->enable : "");
	json_close(j, '}');
}

static void take_finding(const struct finding *f, void *arg)
{
	struct report *r = arg;

	if (f->needed && f->verdict == VERDICT_OFF)
		r->works = false;
	if (r->as_json)
		write_finding(&r->json, f);
	else
		print_finding(r, f);
}

static enum tool_status examine(bool as_json)
{
	struct report r = {
		.as_json = as_json,
		.colour = use_colour(),
		.works = true,
	};

	if (as_json) {
		json_open(&r.json, NULL, '{');
		json_number(&r.json, "version", 1);
		json_open(&r.json, "checks", '[');
	}
	probe(take_finding, &r);
	if (as_json) {
		json_close(&r.json, ']');
		json_bool(&r.json, "default_mode", r.works);
		json_close(&r.json, '}');
	} else {
		printf("\nPagoda %s here.\n",
		       r.works ? "runs in its default mode" :
				 "cannot run in its default mode");
	}
	return r.works ? TOOL_OK : TOOL_FAILED;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool as_json = false;
	int option;

	while ((option = next_option(self, argc, argv, "+:jh", options)) !=
	       -1) {
		if (option != 'j')
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		as_json = true;
	}
	if (optind < argc)
		return usage_error(self, "doctor: too many arguments");
	return examine(as_json);
}

static void help(void)
{
	puts("  -j, --json  print JSON\n"
	     "  -h, --help  this text\n");
	print_wrapped("The verdicts are ok, limited (it works, but not as well "
		      "as it could) and off. The status is 0 if the library "
		      "can run in its default mode, else 1. Nothing is "
		      "changed.",
		      0);
}

const struct command doctor_command = {
	.name = "doctor",
	.synopsis = "[--json]",
	.summary = "Shows what this machine allows, what Pagoda makes of it, "
		   "and what would change it.",
	.run = run,
	.help = help,
};
