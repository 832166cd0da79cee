/* SPDX-License-Identifier: MIT */
/*
 * top.c - "pagoda top": the memory of a process, or of all, again and again.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "top/run.h"

struct request {
	pid_t pid; /* 0: all */
	uint64_t delay_ms;
	uint64_t count; /* 0: any number */
	bool batch;
	int view; /* -1: all */
	bool has_view;
	const char *sort;
};

static enum tool_status check_view(const struct command *self,
				   struct request *r, const char *name)
{
	r->has_view = true;
	r->view = -1;
	if (!strcmp(name, "all") || top_find_view(name, &r->view))
		return TOOL_OK;
	return usage_error(self, "top: there is no view '%s'", name);
}

/* The columns that there are, into @buf. */
static void list_columns(char *buf, size_t size, const struct view *view)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < view->nr_columns && len < size; i++)
		if (view->columns[i].title[0])
			len += (size_t)snprintf(buf + len, size - len, " %s",
						view->columns[i].title);
}

static enum tool_status arrange(const struct command *self, struct top *t,
				const struct request *r)
{
	const struct view *view = &processes_view;
	char columns[256];

	t->delay = (double)r->delay_ms / 1e3;
	if (t->pid) {
		t->view = r->view < 0 ? 0 : r->view;
		view = views[t->view];
	}
	if (!r->sort || top_sort_by(t, r->sort))
		return TOOL_OK;
	list_columns(columns, sizeof(columns), view);
	return usage_error(self, "top: there is no column '%s' in %s:%s",
			   r->sort, view->name, columns[0] ? columns : " none");
}

static enum tool_status show(const struct command *self, struct top *t,
			     const struct request *r)
{
	enum tool_status status = arrange(self, t, r);
	enum target_status found;

	if (status != TOOL_OK)
		return status;
	found = top_take(t);
	if (found != TARGET_OK && !t->pid) {
		complain("top: %s", t->trouble);
		return TOOL_FAILED;
	}
	if (found != TARGET_OK)
		return explain_target(&t->samples.spare->target, NULL, found);
	if (r->batch)
		return run_batch(t, r->count, r->view);
	return run_screen(t, r->count);
}

static enum tool_status start(const struct command *self,
			      const struct request *r)
{
	enum tool_status status = TOOL_FAILED;
	struct top t;

	if (top_init(&t, r->pid))
		status = show(self, &t, r);
	else
		complain("out of memory");
	top_free(&t);
	return status;
}

/* Return: TOOL_OK if the option was good. */
static enum tool_status take_option(const struct command *self,
				    struct request *r, int option)
{
	switch (option) {
	case 'd':
		return seconds_option(self, optarg, 0.1, &r->delay_ms);
	case 'n':
		return samples_option(self, optarg, &r->count);
	case 's':
		r->sort = optarg;
		return TOOL_OK;
	case 'v':
		return check_view(self, r, optarg);
	default: /* 'b' */
		r->batch = true;
		return TOOL_OK;
	}
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "batch", no_argument, NULL, 'b' },
		{ "sort", required_argument, NULL, 's' },
		{ "view", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct request r = { .delay_ms = 1000 };
	enum tool_status status = TOOL_OK;
	int option;

	while ((option = next_option(self, argc, argv, ":d:n:bs:v:h",
				     options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		status = take_option(self, &r, option);
		if (status != TOOL_OK)
			return status;
	}
	if (argc - optind > 1)
		return usage_error(self, "top: too many arguments");
	if (optind < argc)
		status = pid_from(self, argv[optind], &r.pid);
	if (status != TOOL_OK)
		return status;
	if (r.has_view && !r.pid)
		return usage_error(self, "top: --view is of one process");
	if (r.view < 0 && !r.batch)
		return usage_error(self, "top: --view all needs --batch");
	return start(self, &r);
}

static void help(void)
{
	puts("  -d, --delay SECONDS  between two samples; 1 if not given\n"
	     "  -n, --count COUNT    end after so many samples\n"
	     "  -b, --batch          print text, for a file or a pipe\n"
	     "  -s, --sort COLUMN    sort by the column of that title, or key\n"
	     "  -v, --view VIEW      caches, zones, areas, events, "
	     "fragmentation; with\n"
	     "                       --batch also all\n"
	     "  -h, --help           this text");
	puts("\nWithout PID all processes are listed, and Enter opens one. 'h' "
	     "shows the keys.");
}

const struct command top_command = {
	.name = "top",
	.synopsis = "[-d SECONDS] [-n COUNT] [-b] [-s COLUMN] [-v VIEW] [PID]",
	.summary = "Shows the memory of a process that runs on the library, or "
		   "of all of them, on the terminal, again every second.",
	.run = run,
	.help = help,
};
