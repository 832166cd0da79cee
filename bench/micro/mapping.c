/* SPDX-License-Identifier: MIT */
/*
 * The program's own mappings: mapped, touched in every n-th page, unmapped. Of the
 * allocators only those that look after mmap() differ from each other.
 */
#include "common.h"

#include <sys/mman.h>

enum { PAGE = 4096 };

static void map_touch_unmap(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);
	size_t step = (size_t)bench_arg(b, 1) * PAGE;
	uint64_t n = bench_ops(b);

	while (bench_next(b, n)) {
		for (uint64_t i = 0; i < n; i++) {
			char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			for (size_t at = 0; at < size; at += step)
				p[at] = (char)i;
			munmap(p, size);
		}
	}
}

static const struct bench_case cases[] = {
	{"64K", map_touch_unmap, {64 * KiB, 1}, 4000},
	{"1M", map_touch_unmap, {1 * MiB, 1}, 400, .flags = BENCH_QUICK},
	{"4M", map_touch_unmap, {4 * MiB, 1}, 100},
	{"32M", map_touch_unmap, {32 * MiB, 1}, 20},
	{"sparse", map_touch_unmap, {4 * MiB, 64}, 4000},
};
BENCH_MAIN("mapping", "a mapping of the program's own, made, touched and unmapped",
	   cases)
