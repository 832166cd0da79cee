/* SPDX-License-Identifier: MIT */
/*
 * stat.c - "pagoda stat": shows the text files of a process.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "show.h"
#include "target.h"
#include "tool.h"

/* Yama, a security module, lets only parents look at their children. */
static bool yama_is_strict(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!f)
		return false;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	return scope > 0;
}

static enum tool_status explain_refusal(int pid)
{
	complain("process %d: no permission to read its memory", pid);
	if (yama_is_strict())
		complain("kernel.yama.ptrace_scope is set: only root may");
	else
		complain("it must be yours and not privileged, or you root; "
			 "in a container CAP_SYS_PTRACE may be missing");
	return TOOL_NO_PERMISSION;
}

static enum tool_status explain(const struct target *t,
				enum target_status status)
{
	int pid = (int)t->pid;

	switch (status) {
	case TARGET_OK:
		return TOOL_OK;
	case TARGET_NO_PROCESS:
		complain("there is no process %d", pid);
		return TOOL_NO_PROCESS;
	case TARGET_NO_PERMISSION:
		return explain_refusal(pid);
	case TARGET_NO_LIBRARY:
		complain("process %d does not run on Pagoda: it has no "
			 "libpagoda.so",
			 pid);
		return TOOL_NOT_PAGODA;
	case TARGET_NOT_STARTED:
		complain("process %d has libpagoda.so, but it has not started",
			 pid);
		return TOOL_NOT_PAGODA;
	case TARGET_OTHER_VERSION:
		complain("process %d runs another version of Pagoda: control "
			 "block %u, this tool reads %d (pagoda "
			 PAGODA_VERSION ")",
			 pid, t->version, CONTROL_VERSION);
		return TOOL_OTHER_VERSION;
	case TARGET_DAMAGED:
		complain("process %d: its control block is damaged", pid);
		return TOOL_FAILED;
	case TARGET_FAILED:
		break;
	}
	complain("cannot read process %d: %s", pid, strerror(t->error));
	return TOOL_FAILED;
}

enum form { FORM_TEXT, FORM_JSON, FORM_OPENMETRICS };

struct request {
	enum form form;
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

static bool parse_pid(const char *text, pid_t *ret)
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

static enum tool_status show_process(pid_t pid, const struct request *r)
{
	struct target *t = malloc(sizeof(*t));
	enum tool_status status;

	if (!t) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	status = explain(t, target_read(t, pid));
	if (status == TOOL_OK)
		show(&t->snapshot, r);
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

static enum tool_status stat_process(const struct command *self,
				     enum form form, int argc, char **argv)
{
	struct request r = {
		.form = form,
		.names = argv + 1,
		.nr_names = argc - 1,
	};
	enum tool_status status;
	pid_t pid;

	if (argc < 1)
		return usage_error(self, "stat: which process?");
	if (!parse_pid(argv[0], &pid))
		return usage_error(self, "stat: '%s' is not a process id",
				   argv[0]);
	status = check_names(self, &r);
	return status == TOOL_OK ? show_process(pid, &r) : status;
}

static enum tool_status stat_all(const struct command *self, enum form form,
				 int argc)
{
	if (argc)
		return usage_error(self, "stat: --all takes no process");
	if (form != FORM_TEXT)
		return usage_error(self, "stat: --all has no other form");
	return list_processes();
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "list", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum form form = FORM_TEXT;
	bool all = false;
	int option;

	while ((option = next_option(self, argc, argv, "+:aljmh", options)) !=
	       -1) {
		switch (option) {
		case 'a':
		case 'l':
			all = true;
			break;
		case 'j':
			form = FORM_JSON;
			break;
		case 'm':
			form = FORM_OPENMETRICS;
			break;
		default:
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	return all ? stat_all(self, form, argc) :
		     stat_process(self, form, argc, argv);
}

static void help(void)
{
	puts("  -j, --json         print JSON\n"
	     "  -m, --openmetrics  print all numbers as OpenMetrics text, for "
	     "Prometheus\n"
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
	.synopsis = "[--json] PID [FILE...] | --openmetrics PID | --all",
	.summary = "Shows the memory of a process that runs on the library. "
		   "The process may be stopped; it notices nothing.",
	.run = run,
	.help = help,
};
