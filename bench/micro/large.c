/*
 * Large blocks: 64 KiB to 64 MiB, used page by page and freed at once; mixes of which
 * only the start is, from 8 KiB to 500 KiB of which a hundred are alive and to 4 MiB
 * of which twenty are; and 100 to 800 KiB that are filled, five of them alive. An
 * allocator that returns them to the kernel each time pays for every page again, and one
 * that hands out what was not used lately for every line.
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

/* @live blocks of @from bytes to @range more, one after another at random. */
static void replace(struct bench *b, uint32_t live, uint32_t from,
		    uint32_t range, void (*use)(void *p, size_t size))
{
	void **slot = map_array(live, sizeof(*slot));
	struct rng r = rng_seed((uint64_t)bench_thread(b) + 1);

	while (bench_next(b, live)) {
		for (uint32_t i = 0; i < live; i++) {
			uint32_t at = rng_below(&r, live);
			size_t size = from + rng_below(&r, range);

			free(slot[at]);
			slot[at] = malloc(size);
			use(slot[at], size);
		}
	}
	for (uint32_t i = 0; i < live; i++)
		free(slot[i]);
}

static void mixed(struct bench *b)
{
	uint32_t range = (uint32_t)(bench_arg(b, 0) - 8) * KiB;

	replace(b, (uint32_t)(bench_arg(b, 1) / bench_threads(b)), 8 * KiB,
		range, touch);
}

static void fill(void *p, size_t size)
{
	memset(p, 1, size);
	touch(p, size);
}

static void filled(struct bench *b)
{
	replace(b, 5, 100 * KiB, 700 * KiB, fill);
}

static const struct bench_case cases[] = {
	{"64K", pair, {64 * KiB}, 100000},
	{"256K", pair, {256 * KiB}, 20000, .flags = BENCH_QUICK},
	{"1M", pair, {1 * MiB}, 4000},
	{"4M", pair, {4 * MiB}, 1000, .flags = BENCH_QUICK},
	{"16M", pair, {16 * MiB}, 60},
	{"64M", pair, {64 * MiB}, 15},
	{"mixed", mixed, {500, 100}, 1000000, .flags = BENCH_QUICK},
	{"mixed/t2", mixed, {500, 100}, 2000000, .threads = 2},
	{"areas/t2", mixed, {4096, 20}, 400000, .threads = 2},
	{"filled", filled, {0}, 20000},
	{"filled/t2", filled, {0}, 40000, .threads = 2},
};
BENCH_MAIN("large", "malloc, use and free of one block", cases)
