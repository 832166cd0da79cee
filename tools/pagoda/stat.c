/* SPDX-License-Identifier: MIT */
/*
 * stat.c - "pagoda stat": shows the text files of a process.
 */
#include <getopt.h>
#include <stdlib.h>

#include "list.h"
#include "parse.h"
#include "show.h"
#include "target.h"
#include "tool.h"

enum form { FORM_TEXT, FORM_JSON, FORM_OPENMETRICS };

struct request {
	enum form form;
	pid_t pid;
	const char *core; /* NULL: a process */
	char **names; /* of files; none: all of them */
	int nr_names;
};

static void show(const struct proc_snapshot *s, const struct request *r)
{
	switch (r->form) {
	case FORM_TEXT:
		show_text(s, r->names, r->nr_names);
		break;
	case FORM_JSON:
		show_json(s, r->names, r->nr_names);
		break;
	case FORM_OPENMETRICS:
		show_openmetrics(s);
		break;
	}
}

static enum tool_status show_target(const struct request *r)
{
	struct target *t = target_new();
	enum target_status found;
	enum tool_status status;

	if (!t)
		return TOOL_FAILED;
	found = r->core ? target_read_core(t, r->core) :
			  target_read(t, r->pid);
	status = explain_target(t, r->core, found);
	if (status == TOOL_OK)
		show(&t->snapshot, r);
	target_close(t);
	free(t);
	return status;
}

/* Are the arguments behind the process names of files? */
static enum tool_status check_names(const struct command *self,
				    const struct request *r)
{
	for (int i = 0; i < r->nr_names; i++)
		if (!proc_find(r->names[i]))
			return usage_error(self, "stat: there is no file '%s'",
					   r->names[i]);
	if (r->nr_names && r->form == FORM_OPENMETRICS)
		return usage_error(self, "stat: --openmetrics shows all, it "
					 "takes no file");
	return TOOL_OK;
}

static enum tool_status stat_target(const struct command *self,
				    struct request *r, int argc, char **argv)
{
	enum tool_status status;

	if (!r->core) {
		status = first_pid(self, argc, argv, &r->pid);
		if (status != TOOL_OK)
			return status;
		argc--;
		argv++;
	}
	r->names = argv;
	r->nr_names = argc;
	status = check_names(self, r);
	return status == TOOL_OK ? show_target(r) : status;
}

static enum tool_status stat_all(const struct command *self,
				 const struct request *r, int argc)
{
	if (argc || r->core)
		return usage_error(self, "stat: --all takes no process");
	if (r->form != FORM_TEXT)
		return usage_error(self, "stat: --all has no other form");
	return list_processes();
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "list", no_argument, NULL, 'a' },
		{ "core", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct request r = { .form = FORM_TEXT };
	bool all = false;
	int option;

	while ((option = next_option(self, argc, argv, "+:alc:jmh", options)) !=
	       -1) {
		switch (option) {
		case 'a':
		case 'l':
			all = true;
			break;
		case 'c':
			r.core = optarg;
			break;
		case 'j':
			r.form = FORM_JSON;
			break;
		case 'm':
			r.form = FORM_OPENMETRICS;
			break;
		default:
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	return all ? stat_all(self, &r, argc) :
		     stat_target(self, &r, argc, argv);
}

static void help(void)
{
	puts("  -j, --json         print JSON\n"
	     "  -m, --openmetrics  print all numbers as OpenMetrics text, for "
	     "Prometheus\n"
	     "  -c, --core FILE    read a core file instead of a process\n"
	     "  -a, --all          list the processes that run on Pagoda, the "
	     "largest\n"
	     "                     first; also -l, --list\n"
	     "  -h, --help         this text\n");
	puts("Files (default: all of them):\n");
	for (size_t i = 0; i < nr_proc_files; i++)
		printf("  %-14s%s\n", proc_files[i].name, proc_files[i].doc);
}

const struct command stat_command = {
	.name = "stat",
	.synopsis = "[--json] PID [FILE...] | --openmetrics PID | "
		    "--core CORE [FILE...] | --all",
	.summary = "Shows the memory of a process that runs on the library. "
		   "The process may be stopped; it notices nothing. "
		   "A core file can take its place.",
	.run = run,
	.help = help,
};
