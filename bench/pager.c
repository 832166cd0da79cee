/* SPDX-License-Identifier: MIT */
/*
 * pager.c - what pagoda_map() and its page faults cost, to the first touch of
 * ordinary memory in the same run. No other allocator has them, so this is not
 * one of bench/run's workloads.
 *
 *   build/bench/bench-pager [ROUNDS]
 *
 * prints medians, and the least and the most of all rounds.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <pagoda/map.h>

enum { PAGE = 4096, MAX_ROUNDS = 1000, MAPS = 200 };

struct row {
	const char *name;
	size_t block; /* 0: ordinary memory */
	size_t pages; /* to touch */
	double ns[MAX_ROUNDS]; /* a page */
};

static struct row rows[] = {
	{ .name = "ordinary", .pages = 16384 },
	{ .name = "4 KiB", .block = PAGE, .pages = 4096 },
	{ .name = "64 KiB", .block = 16 * PAGE, .pages = 16384 },
	{ .name = "1 MiB", .block = 256 * PAGE, .pages = 16384 },
};

enum { NR_ROWS = sizeof(rows) / sizeof(rows[0]) };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int fault(void *private_data, const struct pagoda_vm_fault *vmf)
{
	(void)private_data;
	memset(vmf->buf, 1, vmf->size);
	return 0;
}

static void *map(size_t size, const struct pagoda_vm_operations *ops)
{
	void *p = pagoda_map(size, ops, NULL, 0);

	if (!p && (errno == EPERM || errno == ENOSYS)) {
		printf("skipped: pagoda_map: %s\n", strerror(errno));
		exit(77);
	}
	if (!p)
		err(1, "pagoda_map");
	return p;
}

static double touch_ns(volatile char *p, size_t pages)
{
	double start = now_ns();

	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	return (now_ns() - start) / (double)pages;
}

static double ordinary_ns(size_t pages)
{
	size_t size = pages * PAGE;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double ns;

	if (p == MAP_FAILED)
		err(1, "mmap");
	madvise(p, size, MADV_NOHUGEPAGE);
	ns = touch_ns(p, pages);
	munmap(p, size);
	return ns;
}

static double row_ns(const struct row *row)
{
	struct pagoda_vm_operations ops = {
		.fault = fault,
		.block_size = row->block,
	};
	size_t size = row->pages * PAGE;
	double ns;
	char *p;

	if (!row->block)
		return ordinary_ns(row->pages);
	p = map(size, &ops);
	ns = touch_ns(p, row->pages);
	pagoda_unmap(p, size);
	return ns;
}

static void measure_maps(void)
{
	static const struct pagoda_vm_operations ops = { .fault = fault };
	double start = now_ns(), first, mapped, unmapped;
	void *p[MAPS];

	p[0] = map(PAGE, &ops);
	first = now_ns();
	pagoda_unmap(p[0], PAGE);
	printf("first pagoda_map: %.0f us\n", (first - start) / 1e3);
	start = now_ns();
	for (int i = 0; i < MAPS; i++)
		p[i] = map(256 * PAGE, &ops);
	mapped = now_ns();
	for (int i = 0; i < MAPS; i++)
		pagoda_unmap(p[i], 256 * PAGE);
	unmapped = now_ns();
	printf("others: %.2f us, pagoda_unmap: %.2f us\n",
	       (mapped - start) / MAPS / 1e3, (unmapped - mapped) / MAPS / 1e3);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 15;

	if (rounds < 1 || rounds > MAX_ROUNDS)
		errx(2, "usage: bench-pager [ROUNDS]");
	measure_maps();
	for (int k = 0; k < rounds; k++)
		for (int i = 0; i < NR_ROWS; i++)
			rows[i].ns[k] = row_ns(&rows[i]);
	printf("%-9s %9s %9s %9s %9s %9s\n", "block", "us/fault", "ns/page",
	       "least", "most", "ratio");
	for (int i = 0; i < NR_ROWS; i++) {
		struct row *row = &rows[i];
		double median, each = row->block ? (double)row->block / PAGE : 1;

		qsort(row->ns, (size_t)rounds, sizeof(row->ns[0]), compare);
		median = row->ns[rounds / 2];
		printf("%-9s %9.1f %9.0f %9.0f %9.0f %9.2f\n", row->name,
		       median * each / 1e3, median, row->ns[0],
		       row->ns[rounds - 1], median / rows[0].ns[rounds / 2]);
	}
	return 0;
}
