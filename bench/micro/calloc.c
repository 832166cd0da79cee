/*
 * Zeroed memory: of small objects, where clearing is cheap, and of large
 * blocks, where an allocator gains by knowing what is zero already.
 */
#include "common.h"

enum { BATCH = 1000, PAGE = 4096 };

static void use(char *p, size_t size)
{
	if (size > PAGE)
		touch_pages(p, size);
	else
		touch(p, size);
}

static void pair(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);

	while (bench_next(b, 1)) {
		char *p = calloc(1, size);

		use(p, size);
		free(p);
	}
}

static void batch(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);
	void **slot = map_array(BATCH, sizeof(*slot));

	while (bench_next(b, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			slot[i] = calloc(1, size);
			touch(slot[i], size);
		}
		for (int i = BATCH; i-- > 0;)
			free(slot[i]);
	}
}

static const struct bench_case cases[] = {
	{"batch/64", batch, {64}, 10000000, .flags = BENCH_QUICK},
	{"batch/1024", batch, {1024}, 4000000},
	{"16K", pair, {16 * KiB}, 500000},
	{"256K", pair, {256 * KiB}, 3000, .flags = BENCH_QUICK},
	{"8M", pair, {8 * MiB}, 100},
};
BENCH_MAIN("calloc", "calloc, use and free of one block", cases)
