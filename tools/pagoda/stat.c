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

static void flush_to_stdout(struct seq_file *m)
{
	fwrite(m->buf, 1, m->len, stdout);
}

static void print_file(const struct target *t, const struct proc_file *file)
{
	char buf[4096];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = flush_to_stdout,
	};

	file->show(&m, &t->snapshot);
	flush_to_stdout(&m);
}

static void print_titled(const struct target *t, const struct proc_file *file)
{
	printf("==> %s <==\n", file->name);
	print_file(t, file);
	printf("\n");
}

static void print_files(const struct target *t, char **names, int nr_names)
{
	if (nr_names == 1) {
		print_file(t, proc_find(names[0]));
		return;
	}
	for (int i = 0; i < nr_names; i++)
		print_titled(t, proc_find(names[i]));
	for (size_t i = 0; !nr_names && i < nr_proc_files; i++)
		print_titled(t, &proc_files[i]);
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

static enum tool_status show_process(pid_t pid, char **names, int nr_names)
{
	struct target *t = malloc(sizeof(*t));
	enum tool_status status;

	if (!t) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	status = explain(t, target_read(t, pid));
	if (status == TOOL_OK)
		print_files(t, names, nr_names);
	free(t);
	return status;
}

static enum tool_status stat_process(const struct command *self, int argc,
				     char **argv)
{
	pid_t pid;

	if (argc < 1)
		return usage_error(self, "stat: which process?");
	if (!parse_pid(argv[0], &pid))
		return usage_error(self, "stat: '%s' is not a process id",
				   argv[0]);
	for (int i = 1; i < argc; i++)
		if (!proc_find(argv[i]))
			return usage_error(self, "stat: there is no file '%s'",
					   argv[i]);
	return show_process(pid, argv + 1, argc - 1);
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "list", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool all = false;
	int option;

	while ((option = next_option(self, argc, argv, "+:alh", options)) !=
	       -1) {
		if (option != 'a' && option != 'l')
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		all = true;
	}
	if (!all)
		return stat_process(self, argc - optind, argv + optind);
	if (optind < argc)
		return usage_error(self, "stat: --all takes no process");
	return list_processes();
}

static void help(void)
{
	puts("  -a, --all   list the processes that run on Pagoda, the "
	     "largest first;\n"
	     "              also -l, --list\n"
	     "  -h, --help  this text\n");
	puts("Files (default: all of them):\n");
	for (size_t i = 0; i < nr_proc_files; i++)
		printf("  %-14s%s\n", proc_files[i].name, proc_files[i].doc);
}

const struct command stat_command = {
	.name = "stat",
	.synopsis = "PID [FILE...] | --all",
	.summary = "Shows the memory of a process that runs on the library. "
		   "The process may be stopped; it notices nothing.",
	.run = run,
	.help = help,
};
