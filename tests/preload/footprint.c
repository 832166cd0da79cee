/* SPDX-License-Identifier: MIT */
/*
 * Proves that the library is not seen by the program it serves: it opens no
 * descriptor, starts no thread, handles no signal, and a small program costs
 * about the memory and the page faults that it costs without. Each case runs a
 * child twice, with and without the library, and compares.
 *
 * The case "mode" asks the library whether it obeys PAGODA_OPTIONS. The case
 * "start" prints what start-up costs; its bounds are wide, it is the
 * benchmarks that measure.
 */
#include "workload.h"

#include <dirent.h>

/* ---- what a program sees of itself ------------------------------------- */

static void print_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char link[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	CHECK(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.' ||
		    atoi(entry->d_name) == dirfd(directory))
			continue;
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		/* Pipes and threads have a new number each time. */
		target[strcspn(target, "[")] = '\0';
		printf("%s %s %s\n", path, n > 0 ? entry->d_name : "one",
		       target);
	}
	closedir(directory);
}

static void print_signals(void)
{
	static const char *const lines[] = {"SigBlk:", "SigIgn:", "SigCgt:"};
	static char text[8192];
	const char *line;
	size_t i;

	CHECK(read_text("/proc/self/status", text, sizeof(text)) > 0);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		line = strstr(text, lines[i]);
		CHECK(line);
		printf("%.*s\n", (int)strcspn(line, "\n"), line);
	}
	printf("Threads: %ld\n", status_kib("Threads"));
}

/* Nothing may remain of a busy time but memory: nothing else is printed. */
static int show(bool busy)
{
	static struct churn churn = {.common = 3000, .rare = 3000000};
	struct rng r = rng_for(0);

	if (busy) {
		churn_start(&churn, 8);
		use_all_layers(&r);
		malloc_trim(0);
		churn_stop(&churn);
		usleep(1200000);
		use_all_layers(&r);
	}
	print_directory("/proc/self/fd");
	print_directory("/proc/self/task");
	print_signals();
	return 0;
}

static void compare(const char *how)
{
	const char *const args[] = {how, NULL};
	struct run *plain = malloc(sizeof(*plain));
	struct run *with = malloc(sizeof(*with));

	CHECK(plain && with);
	run_self(plain, RUN_PLAIN, args, NULL, NULL);
	CHECK_STATUS(plain->status, 0, "the plain program");
	run_self(with, 0, args, NULL, NULL);
	CHECK_STATUS(with->status, 0, "the preloaded program");
	if (strcmp(plain->text, with->text))
		fprintf(stderr, "plain:\n%spreloaded:\n%s", plain->text,
			with->text);
	CHECK(strstr(plain->text, "/proc/self/fd 0 "));
	CHECK(strstr(plain->text, "Threads: 1"));
	CHECK(!strcmp(plain->text, with->text));
	free(plain);
	free(with);
}

static void idle(void)
{
	compare("show");
}

static void after_work(void)
{
	compare("show-busy");
}

/* ---- mappings ---------------------------------------------------------- */

static size_t count_mappings(void)
{
	static char text[1024 * 1024];
	const char *p = text;
	size_t n = 0;

	CHECK(read_text("/proc/self/maps", text, sizeof(text)) > 0);
	while ((p = strchr(p, '\n'))) {
		p++;
		n++;
	}
	return n;
}

/* vm.max_map_count is the program's: 65,530 in all, however much is live. */
static void mappings(void)
{
	enum { N = 60000 };
	struct box **box = malloc(N * sizeof(struct box *));
	struct rng r = rng_for(0);
	size_t i, round, most = 0, n;

	CHECK(box);
	for (i = 0; i < N; i++)
		box[i] = NULL;
	for (round = 0; round < 4; round++) {
		for (i = 0; i < N; i++) {
			if (rng_below(&r, 2))
				continue;
			free(box[i]);
			box[i] = malloc(box_size(&r, i % 100 ? 3000 : 5 * MIB));
			CHECK(box[i]);
			box[i]->size = 1;
		}
		malloc_trim(0);
		n = count_mappings();
		most = n > most ? n : most;
	}
	for (i = 0; i < N; i++)
		free(box[i]);
	free(box);
	printf("%zu mappings at most\n", most);
	CHECK_MSG(most < 1000, "%zu mappings", most);
}

/* ---- the mode that was asked for --------------------------------------- */

/* A silent fallback would make one half of these tests repeat the other. */
static void mode(void)
{
	long (*proc_read)(const char *file, char *text, size_t size);
	const char *asked = getenv("PAGODA_OPTIONS");
	static char text[8192];
	char line[64];

	if (!preloaded() || !asked || strncmp(asked, "percpu=", 7))
		test_skip("needs LD_PRELOAD and PAGODA_OPTIONS=percpu=MODE");
	proc_read = dlsym(RTLD_DEFAULT, "pagoda_proc_read");
	CHECK(proc_read);
	CHECK(proc_read("modes", text, sizeof(text)) > 0);
	snprintf(line, sizeof(line), "\npercpu: %s", asked + 7);
	CHECK_MSG(strstr(text, line), "asked for %s, modes are:\n%s", asked,
		  text);
}

/* ---- start-up ---------------------------------------------------------- */

static void start(void)
{
	enum { RUNS = 21 };
	static const char *const args[] = {"nothing", NULL};
	struct run *run = malloc(sizeof(*run));
	long rss[2] = {LONG_MAX, LONG_MAX}, faults[2] = {LONG_MAX, LONG_MAX};
	size_t i, with;

	CHECK(run);
	for (i = 0; i < 2 * RUNS; i++) {
		with = i % 2;
		run_self(run, with ? 0 : RUN_PLAIN, args, NULL, NULL);
		CHECK_STATUS(run->status, 0, "a program that does nothing");
		if (run->usage.ru_maxrss < rss[with])
			rss[with] = run->usage.ru_maxrss;
		if (run->usage.ru_minflt < faults[with])
			faults[with] = run->usage.ru_minflt;
	}
	printf("plain: %ld KiB, %ld faults\n"
	       "preloaded: %ld KiB, %ld faults\n",
	       rss[0], faults[0], rss[1], faults[1]);
	CHECK(rss[1] < rss[0] + 2048);
	CHECK(faults[1] < faults[0] + 400);
	free(run);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"idle", idle, 20},	    {"after_work", after_work, 40},
		{"mappings", mappings, 60}, {"mode", mode, 10},
		{"start", start, 60},
	};
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "nothing"))
		return 0;
	if (!strncmp(how, "show", 4))
		return show(!strcmp(how, "show-busy"));
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
