/* SPDX-License-Identifier: MIT */
/*
 * lazy.c - first touch of large mappings with lazy=on, to the kernel's own faults in
 * the same run: small pages for both. No other allocator has it, so this is not one
 * of bench/run's workloads.
 *
 *   build/bench/bench-lazy [ROUNDS [MIB]]
 *
 * prints medians, and the least and the most of all rounds. Before each mapping that
 * is filled lazily the program unmaps as much, but for the row "nothing kept".
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MAX_ROUNDS = 1000 };

struct row {
	const char *name;
	bool lazy, kept;
	size_t part; /* one page in so many is touched, at random; 1: in order */
	double ns[MAX_ROUNDS]; /* a page */
};

static struct row rows[] = {
	{ "in order: kernel", false, false, 1, { 0 } },
	{ "in order: lazy", true, true, 1, { 0 } },
	{ "in order: nothing kept", true, false, 1, { 0 } },
	{ "1 % at random: kernel", false, false, 100, { 0 } },
	{ "1 % at random: lazy", true, true, 100, { 0 } },
};

enum { NR_ROWS = sizeof(rows) / sizeof(rows[0]) };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The system call is the kernel's alone, the function is looked after. */
static char *map(size_t size, bool lazy)
{
	int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p = lazy ? mmap(NULL, size, prot, flags, -1, 0) :
			 (char *)syscall(SYS_mmap, 0, size, prot, flags, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static void unmap(char *p, size_t size, bool lazy)
{
	if (lazy ? munmap(p, size) : syscall(SYS_munmap, p, size))
		err(1, "munmap");
}

static double touch_ns(volatile char *p, size_t pages, size_t part)
{
	size_t n = pages / part;
	uint64_t x = 88172645463325252u;
	double start = now_ns();

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[(part == 1 ? i : x % pages) * PAGE] = 1;
	}
	return (now_ns() - start) / (double)n;
}

static double row_ns(const struct row *row, size_t size)
{
	double ns;
	char *p;

	if (row->kept) {
		/* Of another size: one of the same would be taken as a whole. */
		p = map(size + PAGE, true);
		memset(p, 1, size + PAGE);
		unmap(p, size + PAGE, true);
	}
	p = map(size, row->lazy);
	ns = touch_ns(p, size / PAGE, row->part);
	/* Not kept either. */
	unmap(p, size, false);
	return ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void start_again(char **argv, size_t mib)
{
	char text[128];

	if (getenv("PAGODA_OPTIONS"))
		return;
	snprintf(text, sizeof(text), "lazy=on,mmap_cache=%zu", mib << 10);
	setenv("PAGODA_OPTIONS", text, 1);
	execv("/proc/self/exe", argv);
	err(1, "exec");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024;

	if (rounds < 1 || rounds > MAX_ROUNDS || mib < 64)
		errx(2, "usage: bench-lazy [ROUNDS [MIB]]");
	start_again(argv, mib);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	for (int k = 0; k < rounds; k++)
		for (int i = 0; i < NR_ROWS; i++)
			rows[i].ns[k] = row_ns(&rows[i], mib << 20);
	printf("%-24s %9s %9s %9s %9s\n", "", "ns/page", "least", "most",
	       "ratio");
	for (int i = 0; i < NR_ROWS; i++) {
		struct row *row = &rows[i], *kernel = row;
		double median;

		while (kernel->lazy)
			kernel--;
		qsort(row->ns, (size_t)rounds, sizeof(row->ns[0]), compare);
		median = row->ns[rounds / 2];
		printf("%-24s %9.0f %9.0f %9.0f %9.2f\n", row->name, median,
		       row->ns[0], row->ns[rounds - 1],
		       median / kernel->ns[rounds / 2]);
	}
	return 0;
}
