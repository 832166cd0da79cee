/* SPDX-License-Identifier: MIT */
/*
 * Proves that the slabs of a large heap come in huge pages, by what the kernel
 * says of the process, and that they hold what programs write, across a fork and
 * after they were given back.
 *
 *   contents   blocks keep their contents; what is freed and trimmed is gone
 *   forked     parent and child write to the same huge pages
 *   threads    threads that grow the heap at once
 *   sparse     large blocks that are hardly touched get none
 *   short      nor does a process that has just begun, in a virtual machine
 *   off        thp=off, and quiet mode
 */
#include "counted.h"
#include "workload.h"

enum { BLOCK = 1000, NR = 96 * 1024 };

static struct box *boxes[NR];

/* So that the library thinks it worth a try in a virtual machine, too. */
static void use_some_time(void)
{
	struct timespec used;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	} while (used.tv_sec == 0 && used.tv_nsec < 300000000);
}

static size_t rollup_kib(const char *name)
{
	char line[256];
	size_t kib = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kib = strtoul(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	return kib;
}

static void fill_all(void)
{
	for (int i = 0; i < NR; i++)
		boxes[i] = box_new(BLOCK);
}

static void check_all(void)
{
	for (int i = 0; i < NR; i++)
		box_check(boxes[i]);
}

static void free_all(void)
{
	for (int i = 0; i < NR; i++)
		box_end(boxes[i]);
}

/* Return: KiB that must be in huge pages now, since the library made so many. */
static size_t made_kib(void)
{
	size_t made = counted("thp_fault_alloc");
	size_t other = counted("thp_fault_fallback") + counted("thp_dear");

	CHECK_MSG(made + other > 0, "no huge page was even tried");
	/* 80 MiB lie beyond the 16 that come before the first. */
	CHECK_MSG(other || made > 30, "only %zu huge pages", made);
	return made * 2048;
}

static void contents(void)
{
	size_t huge;

	use_some_time();
	fill_all();
	huge = made_kib();
	CHECK_MSG(rollup_kib("AnonHugePages:") >= huge,
		  "%zu KiB in huge pages instead of %zu",
		  rollup_kib("AnonHugePages:"), huge);
	check_all();
	free_all();
	malloc_trim(0);
	CHECK_MSG(rollup_kib("Rss:") < 24 * 1024, "%zu KiB stay resident",
		  rollup_kib("Rss:"));
	/* And again, of memory that was given back. */
	fill_all();
	check_all();
	free_all();
}

static void rewrite(size_t step)
{
	for (size_t i = 0; i < NR; i += step) {
		box_check(boxes[i]);
		box_fill(boxes[i], BLOCK - 8);
	}
	check_all();
}

static void forked(void)
{
	int status;
	pid_t child;

	use_some_time();
	fill_all();
	made_kib();
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		watchdog(60);
		rewrite(3);
		free_all();
		fill_all();
		check_all();
		_exit(0);
	}
	rewrite(2);
	CHECK(waitpid(child, &status, 0) == child && !status);
	check_all();
	free_all();
}

enum { NR_THREADS = 8, PER_THREAD = NR / NR_THREADS };

static void *fill_some(void *first)
{
	struct box **mine = first;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < PER_THREAD; i++)
			mine[i] = box_new(BLOCK);
		for (int i = 0; i < PER_THREAD; i++)
			box_check(mine[i]);
		for (int i = 0; !round && i < PER_THREAD; i++)
			box_end(mine[i]);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[NR_THREADS];

	use_some_time();
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, fill_some,
				      &boxes[i * PER_THREAD]));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	made_kib();
	check_all();
	free_all();
}

static void sparse(void)
{
	enum { BLOCKS = 100, SIZE = 900 * 1024 };
	char *blocks[BLOCKS];

	use_some_time();
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(SIZE);
		CHECK(blocks[i]);
		blocks[i][0] = 1;
	}
	CHECK_MSG(rollup_kib("Rss:") < 16 * 1024, "%zu KiB are resident",
		  rollup_kib("Rss:"));
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static bool is_guest(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[8192];
	bool found = false;

	CHECK(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, " hypervisor");
	fclose(f);
	return found;
}

static void brief(void)
{
	enum { FEW = 24 * 1024 };

	if (!is_guest())
		test_skip("this is no virtual machine");
	for (int i = 0; i < FEW; i++)
		boxes[i] = box_new(BLOCK);
	for (int i = 0; i < FEW; i++)
		box_end(boxes[i]);
	if (clock() < CLOCKS_PER_SEC / 5)
		CHECK(counted("thp_fault_alloc") == 0);
}

static void none_made(void)
{
	use_some_time();
	fill_all();
	check_all();
	CHECK(counted("thp_fault_alloc") + counted("thp_fault_fallback") == 0);
	free_all();
}

static void set_options(void *options)
{
	CHECK(!setenv("PAGODA_OPTIONS", options, 1));
}

static void off(void)
{
	static const char *const none[] = {"none", NULL};
	static char options[][16] = {"thp=off", "quiet=on"};
	static struct run run;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		run_self(&run, RUN_STDERR, none, set_options, options[i]);
		CHECK_MSG(!run.status, "%s: %s", options[i], run.text);
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"contents", contents, 60},
		{"forked", forked, 60},
		{"threads", threads, 60},
		{"sparse", sparse, 60},
		{"short", brief, 60},
		{"off", off, 60},
		{"none", none_made, 60},
	};

	CHECK_MSG(argc > 1, "usage: huge CASE");
	if (!pagoda_proc_read)
		test_skip("there is nothing to test without the library");
	/* Where faults are dear, huge pages are made at once. */
	if (!strcmp(argv[1], "short"))
		need_option("fault_ahead=off", argv);
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
