/* SPDX-License-Identifier: MIT */
/*
 * export.c - "pagoda export": the numbers of all processes for Prometheus and
 * others, over HTTP.
 *
 * Nothing is counted between two requests, and nothing kept but where the
 * processes' control blocks are.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "listener.h"
#include "openmetrics.h"
#include "parse.h"
#include "server.h"

#define DEFAULT_ENDPOINT "127.0.0.1:7246"

/* A process that was asked for. */
struct watched {
	pid_t pid;
	uint64_t started; /* another one may get the same id later */
};

struct exporter {
	union endpoint endpoint;
	struct watched *watched; /* only these; none: all */
	size_t nr_watched;
	struct target **targets; /* as they were seen the last time */
	size_t nr_targets;
	struct target *spare; /* to look at one that is new */
};

/* --- a pass over the processes --- */

struct pass {
	struct exporter *exporter;
	size_t nr; /* targets [0, nr) have been found in this pass */
	struct unread unread;
	bool complete;
};

static void look_again(struct pass *p, size_t i)
{
	struct target **targets = p->exporter->targets;
	struct target *t = targets[i];
	enum target_status status = target_reread(t);

	count_unread(&p->unread, status);
	if (status != TARGET_OK)
		return;
	targets[i] = targets[p->nr];
	targets[p->nr++] = t;
}

/* Make room for one more. Return: false if memory ran out. */
static bool add_target(struct pass *p)
{
	struct exporter *e = p->exporter;
	struct target **targets = reallocarray(
		e->targets, e->nr_targets + 1, sizeof(struct target *));

	if (!targets)
		return false;
	e->targets = targets;
	targets[e->nr_targets++] = targets[p->nr];
	targets[p->nr++] = e->spare;
	e->spare = NULL;
	return true;
}

static bool look_first(struct pass *p, pid_t pid)
{
	struct exporter *e = p->exporter;
	enum target_status status;

	if (!e->spare)
		e->spare = target_new();
	if (!e->spare)
		return false;
	status = target_read(e->spare, pid);
	count_unread(&p->unread, status);
	return status == TARGET_OK ? add_target(p) : true;
}

static bool look_at(pid_t pid, void *arg)
{
	struct pass *p = arg;
	struct exporter *e = p->exporter;
	size_t i = p->nr;

	while (i < e->nr_targets && e->targets[i]->memory.pid != pid)
		i++;
	if (i < e->nr_targets)
		look_again(p, i);
	else
		p->complete = look_first(p, pid);
	return p->complete;
}

static bool is_another(const struct watched *w)
{
	struct process_use use;

	return process_read_use(w->pid, &use) && use.started != w->started;
}

/* Return: false if memory ran out or there is no /proc. */
static bool look_at_all(struct pass *p)
{
	struct exporter *e = p->exporter;
	bool done = true;

	p->complete = true;
	for (size_t i = 0; i < e->nr_watched && p->complete; i++)
		if (!is_another(&e->watched[i]))
			look_at(e->watched[i].pid, p);
	if (!e->nr_watched)
		done = !for_each_process(look_at, p);
	while (e->nr_targets > p->nr)
		free(e->targets[--e->nr_targets]);
	return done && p->complete;
}

/* --- pages --- */

/* Return: how many of the processes are still there and can be shown. */
static size_t describe(const struct exporter *e, struct unread *unread,
		       struct metrics_process *ret)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr_targets; i++) {
		const struct target *t = e->targets[i];
		struct metrics_process *p = &ret[nr];
		struct process_use use;

		if (!metrics_are_distinct(&t->control)) {
			count_unread(unread, TARGET_DAMAGED);
			continue;
		}
		p->pid = t->memory.pid;
		p->snapshot = &t->snapshot;
		process_comm(p->pid, p->comm);
		proc_sum(p->snapshot, &p->totals);
		nr += process_read_use(p->pid, &use);
		p->resident = use.rss;
	}
	return nr;
}

static void print_to_page(const struct metrics *m, struct web_page *ret)
{
	FILE *out = open_memstream(&ret->text, &ret->len);
	bool good;

	if (!out)
		return;
	print_metrics(out, m);
	good = !ferror(out);
	if (fclose(out) || !good) {
		free(ret->text);
		ret->text = NULL;
	}
}

static void make_metrics(struct exporter *e, enum metrics_form form,
			 struct web_page *ret)
{
	struct pass p = { .exporter = e };
	struct metrics m = { .form = form, .unread = &p.unread };
	struct metrics_process *processes;

	ret->type = form == METRICS_OPENMETRICS ?
			    "application/openmetrics-text; version=1.0.0; "
			    "charset=utf-8" :
			    "text/plain; version=0.0.4; charset=utf-8";
	if (!look_at_all(&p))
		return;
	processes = calloc(e->nr_targets + 1, sizeof(*processes));
	if (!processes)
		return;
	m.processes = processes;
	m.nr_processes = describe(e, &p.unread, processes);
	print_to_page(&m, ret);
	free(processes);
}

static void make_front_page(struct web_page *ret)
{
	static const char text[] =
		"<!DOCTYPE html>\n"
		"<title>pagoda export</title>\n"
		"<h1>pagoda export</h1>\n"
		"<p>Memory of the processes that run on Pagoda, for "
		"Prometheus: <a href=\"/metrics\">/metrics</a>, as "
		"OpenMetrics 1.0 or text format 0.0.4.\n"
		"<p>What each number is: docs/METRICS.md, "
		"<code>man pagoda</code>.\n";

	ret->type = "text/html; charset=utf-8";
	ret->text = strdup(text);
	ret->len = sizeof(text) - 1;
}

static bool make_page(const char *path, const char *accept,
		      struct web_page *ret, void *arg)
{
	if (!strcmp(path, "/metrics"))
		make_metrics(arg,
			     accepts_openmetrics(accept) ? METRICS_OPENMETRICS :
							   METRICS_PROMETHEUS,
			     ret);
	else if (!strcmp(path, "/"))
		make_front_page(ret);
	else
		return false;
	return true;
}

/* --- the command --- */

static void say_ready(const void *arg)
{
	const struct exporter *e = arg;
	char text[ENDPOINT_LEN];

	endpoint_text(&e->endpoint, text);
	if (!is_loopback(&e->endpoint))
		complain("others can reach %s, and read what this user may",
			 text);
	printf("http://%s/metrics\n", text);
	fflush(stdout);
}

/* A process that cannot be read now never will be. */
static enum tool_status check_watched(const struct exporter *e)
{
	struct target *t = target_new();
	enum tool_status status = TOOL_OK;

	if (!t)
		return TOOL_FAILED;
	for (size_t i = 0; i < e->nr_watched && status == TOOL_OK; i++)
		status = explain_target(t, NULL,
					target_read(t, e->watched[i].pid));
	free(t);
	return status;
}

static enum tool_status start(struct exporter *e)
{
	enum tool_status status = check_watched(e);
	int fd;

	if (status != TOOL_OK)
		return status;
	fd = listen_at(&e->endpoint);
	if (fd < 0) {
		char text[ENDPOINT_LEN];

		endpoint_text(&e->endpoint, text);
		complain("cannot listen at %s: %s", text, strerror(-fd));
		return TOOL_FAILED;
	}
	return serve(fd, make_page, say_ready, e);
}

static void forget_all(struct exporter *e)
{
	while (e->nr_targets)
		free(e->targets[--e->nr_targets]);
	free(e->targets);
	free(e->spare);
	free(e->watched);
}

static enum tool_status add_pid(const struct command *self,
				struct exporter *e, const char *text)
{
	struct watched *watched;
	struct process_use use;
	pid_t pid;
	enum tool_status status = pid_from(self, text, &pid);

	if (status != TOOL_OK)
		return status;
	for (size_t i = 0; i < e->nr_watched; i++)
		if (e->watched[i].pid == pid)
			return TOOL_OK;
	watched = reallocarray(e->watched, e->nr_watched + 1, sizeof(*watched));
	if (!watched) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	process_read_use(pid, &use);
	e->watched = watched;
	watched[e->nr_watched++] = (struct watched){ pid, use.started };
	return TOOL_OK;
}

static enum tool_status set_endpoint(const struct command *self,
				     struct exporter *e, const char *text)
{
	if (parse_endpoint(text, &e->endpoint))
		return TOOL_OK;
	return usage_error(self,
			   "export: '%s' is no address to listen at: "
			   "127.0.0.1:PORT, [::1]:PORT or PORT",
			   text);
}

/* What is behind the options are more process ids. */
static enum tool_status parse_rest(const struct command *self,
				   struct exporter *e, int argc, char **argv)
{
	enum tool_status status = TOOL_OK;

	if (argc && !e->nr_watched)
		return usage_error(self, "export: '%s' is too much, use --pid",
				   argv[0]);
	for (int i = 0; i < argc && status == TOOL_OK; i++)
		status = add_pid(self, e, argv[i]);
	return status;
}

static enum tool_status parse_and_start(const struct command *self,
					struct exporter *e, int argc,
					char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "pid", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum tool_status status = set_endpoint(self, e, DEFAULT_ENDPOINT);
	int option;

	while (status == TOOL_OK &&
	       (option = next_option(self, argc, argv, ":l:p:h", options)) !=
		       -1) {
		if (option == 'l')
			status = set_endpoint(self, e, optarg);
		else if (option == 'p')
			status = add_pid(self, e, optarg);
		else
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
	}
	if (status == TOOL_OK)
		status = parse_rest(self, e, argc - optind, argv + optind);
	return status == TOOL_OK ? start(e) : status;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	struct exporter e = { 0 };
	enum tool_status status = parse_and_start(self, &e, argc, argv);

	forget_all(&e);
	return status;
}

static void help(void)
{
	puts("  -l, --listen ADDRESS:PORT  where (" DEFAULT_ENDPOINT
	     "); 0: any free port, which\n"
	     "                             is printed\n"
	     "  -p, --pid PID...           only these processes\n"
	     "  -h, --help                 this text");
}

const struct command export_command = {
	.name = "export",
	.synopsis = "[--listen ADDRESS:PORT] [--pid PID...]",
	.summary = "Serves the numbers of all processes that run on the "
		   "library, and that you may read, to Prometheus and others "
		   "over HTTP, at /metrics.",
	.run = run,
	.help = help,
};
