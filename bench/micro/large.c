/*
 * Large blocks: 64 KiB to 64 MiB, used page by page and freed at once, and a
 * mix of 8 to 500 KiB of which a hundred are alive. An allocator that returns
 * them to the kernel each time pays for every page again.
 */
#include "common.h"

enum { LIVE = 100 };

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
	void **slot = map_array(LIVE, sizeof(*slot));
	struct rng r = rng_seed(1);

	while (bench_next(b, LIVE)) {
		for (int i = 0; i < LIVE; i++) {
			uint32_t at = rng_below(&r, LIVE);
			size_t size = 8 * KiB + rng_below(&r, 492 * KiB);

			free(slot[at]);
			slot[at] = malloc(size);
			touch(slot[at], size);
		}
	}
	for (int i = 0; i < LIVE; i++)
		free(slot[i]);
}

static const struct bench_case cases[] = {
	{"64K", pair, {64 * KiB}, 100000},
	{"256K", pair, {256 * KiB}, 20000, .flags = BENCH_QUICK},
	{"1M", pair, {1 * MiB}, 4000},
	{"4M", pair, {4 * MiB}, 1000, .flags = BENCH_QUICK},
	{"16M", pair, {16 * MiB}, 60},
	{"64M", pair, {64 * MiB}, 15},
	{"mixed", mixed, .ops = 300000, .flags = BENCH_QUICK},
};
BENCH_MAIN("large", "malloc, use and free of one block", cases)
