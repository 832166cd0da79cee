/*
 * First touch: what a page of new memory costs, through small objects, blocks
 * of 64 KiB and blocks of 16 MiB. Nothing is freed in between.
 */
#include "common.h"

enum { PAGE = 4096 };

static void first_touch(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);
	uint64_t pages = bench_ops(b);
	size_t n = pages * PAGE / size + 1;
	void **block = map_array(n, sizeof(*block));

	while (bench_next(b, pages)) {
		for (size_t i = 0; i < n; i++) {
			block[i] = malloc(size);
			touch_pages(block[i], size);
		}
	}
	for (size_t i = 0; i < n; i++)
		free(block[i]);
}

static const struct bench_case cases[] = {
	{"256", first_touch, {256}, 32768},
	{"64K", first_touch, {64 * KiB}, 32768, .flags = BENCH_QUICK},
	{"16M", first_touch, {16 * MiB}, 32768},
};
BENCH_MAIN("touch", "the first use of 4 KiB of new memory", cases)
