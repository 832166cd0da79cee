/*
 * Starts a command and measures it: wall time, CPU time and peak RSS, under
 * one or several preloads in turn. A small static program does this because
 * the peak RSS that the kernel reports for a child is never below that of the
 * process it was spawned from, and because starting must cost little next to
 * /bin/true.
 *
 *   launch [--rounds=N] [--preload=PATH|none]... --report=FILE -- COMMAND...
 *
 * The report is JSON: for each preload, the samples in the order of rounds and
 * the first status that was not 0 (as of wait(2)). Times include the children
 * that COMMAND waited for; its RSS is that of the largest of them.
 */
#define _GNU_SOURCE
#include <err.h>
#include <getopt.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct sample {
	uint64_t ns;
	struct rusage usage;
};

struct preload {
	const char *path; /* NULL: none */
	char **env;
	struct sample *samples;
	int bad_status;
};

extern char **environ;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		err(1, "calloc");
	return p;
}

/* The environment with LD_PRELOAD set to path, or without it. */
static char **environ_with(const char *path)
{
	size_t n = 0, kept = 0;
	char **env;

	while (environ[n])
		n++;
	env = xcalloc(n + 2, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
			env[kept++] = environ[i];
	if (path && asprintf(&env[kept], "LD_PRELOAD=%s", path) < 0)
		err(1, "asprintf");
	return env;
}

static void run(char **argv, struct preload *pre, struct sample *ret_sample)
{
	uint64_t start = now_ns();
	int status, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, pre->env);
	if (rc)
		errx(127, "%s: %s", argv[0], strerror(rc));
	if (wait4(pid, &status, 0, &ret_sample->usage) < 0)
		err(1, "wait4");
	ret_sample->ns = now_ns() - start;
	if (status && !pre->bad_status)
		pre->bad_status = status;
}

static uint64_t micros(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000u + (uint64_t)tv.tv_usec;
}

static void shuffle(struct preload **order, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int k = rand() % (i + 1);
		struct preload *p = order[i];

		order[i] = order[k];
		order[k] = p;
	}
}

static void report(FILE *f, const struct preload *pre, int nr_pre, int rounds)
{
	fprintf(f, "[");
	for (int i = 0; i < nr_pre; i++) {
		fprintf(f, "%s\n {\"status\": %d, \"samples\": [", i ? "," : "",
			pre[i].bad_status);
		for (int n = 0; n < rounds; n++) {
			const struct sample *s = &pre[i].samples[n];

			fprintf(f,
				"%s\n  {\"ns\": %lu, \"user_us\": %lu, "
				"\"sys_us\": %lu, \"minor_faults\": %ld, "
				"\"peak_rss\": %ld}",
				n ? "," : "", s->ns, micros(s->usage.ru_utime),
				micros(s->usage.ru_stime), s->usage.ru_minflt,
				s->usage.ru_maxrss * 1024);
		}
		fprintf(f, "]}");
	}
	fprintf(f, "]\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"rounds", required_argument, NULL, 'n'},
		{"preload", required_argument, NULL, 'p'},
		{"report", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	struct preload *pre = xcalloc((size_t)argc, sizeof(*pre));
	struct preload **order = xcalloc((size_t)argc + 1, sizeof(struct preload *));
	const char *report_path = NULL;
	int nr_pre = 0, rounds = 1, opt;
	FILE *f;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		if (opt == 'n')
			rounds = atoi(optarg);
		else if (opt == 'p')
			pre[nr_pre++].path = strcmp(optarg, "none") ? optarg :
								      NULL;
		else if (opt == 'r')
			report_path = optarg;
		else
			return 2;
	}
	if (optind == argc || rounds < 1 || !report_path)
		errx(2, "usage: launch [--rounds=N] [--preload=PATH|none]... "
			"--report=FILE -- COMMAND...");
	if (!nr_pre)
		nr_pre = 1;
	for (int i = 0; i < nr_pre; i++) {
		pre[i].env = environ_with(pre[i].path);
		pre[i].samples =
			xcalloc((size_t)rounds, sizeof(*pre[i].samples));
	}
	for (int i = 0; i < nr_pre; i++)
		order[i] = &pre[i];
	for (int n = 0; n < rounds; n++) {
		/* At random: who comes after a process that used much memory
		 * is slower, and nobody must do so more often than others. */
		shuffle(order, nr_pre);
		for (int i = 0; i < nr_pre; i++)
			run(&argv[optind], order[i], &order[i]->samples[n]);
	}
	f = fopen(report_path, "we");
	if (!f)
		err(1, "%s", report_path);
	report(f, pre, nr_pre, rounds);
	return fclose(f) ? 1 : 0;
}
