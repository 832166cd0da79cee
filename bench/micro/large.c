/*
 * Large blocks: 64 KiB to 64 MiB, used page by page and freed at once, and mixes
 * from 8 KiB on, to 500 KiB of which a hundred are alive and to 4 MiB of which twenty
 * are, with any number of threads. An allocator that returns them to the kernel each
 * time pays for every page again.
 */
#include "common.h"

static void pair(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);

	while (bench_next(b, 1)) {
		char *p = malloc(size);

		touch_pages(p, size);
		free(p);
	}
}

static void mixed(struct bench *b)
{
	uint32_t range = (uint32_t)(bench_arg(b, 0) - 8) * KiB;
	uint32_t live = (uint32_t)(bench_arg(b, 1) / bench_threads(b));
	void **slot = map_array(live, sizeof(*slot));
	struct rng r = rng_seed((uint64_t)bench_thread(b) + 1);

	while (bench_next(b, live)) {
		for (uint32_t i = 0; i < live; i++) {
			uint32_t at = rng_below(&r, live);
			size_t size = 8 * KiB + rng_below(&r, range);

			free(slot[at]);
			slot[at] = malloc(size);
			touch(slot[at], size);
		}
	}
	for (uint32_t i = 0; i < live; i++)
		free(slot[i]);
}

static const struct bench_case cases[] = {
	{"64K", pair, {64 * KiB}, 100000},
	{"256K", pair, {256 * KiB}, 20000, .flags = BENCH_QUICK},
	{"1M", pair, {1 * MiB}, 4000},
	{"4M", pair, {4 * MiB}, 1000, .flags = BENCH_QUICK},
	{"16M", pair, {16 * MiB}, 60},
	{"64M", pair, {64 * MiB}, 15},
	{"mixed", mixed, {500, 100}, 300000, .flags = BENCH_QUICK},
	{"mixed/t2", mixed, {500, 100}, 2000000, .threads = 2},
	{"areas/t2", mixed, {4096, 20}, 400000, .threads = 2},
};
BENCH_MAIN("large", "malloc, use and free of one block", cases)
