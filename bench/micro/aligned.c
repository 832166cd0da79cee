/*
 * Aligned blocks: cache lines, pages, huge pages, in pairs and in batches. An
 * allocator that gets alignment by asking for more shows it in its RSS.
 */
#include "common.h"

enum { MAX_BATCH = 10000 };

/* arg: alignment, size, batch */
static void aligned(struct bench *b)
{
	size_t align = (size_t)bench_arg(b, 0);
	size_t size = (size_t)bench_arg(b, 1);
	uint32_t n = (uint32_t)bench_arg(b, 2);
	void **slot = map_array(MAX_BATCH, sizeof(*slot));

	while (bench_next(b, n)) {
		for (uint32_t i = 0; i < n; i++) {
			slot[i] = aligned_alloc(align, size);
			touch(slot[i], size);
		}
		for (uint32_t i = n; i-- > 0;)
			free(slot[i]);
	}
}

static const struct bench_case cases[] = {
	{"64/192", aligned, {64, 192, 100}, 5000000, .flags = BENCH_QUICK},
	{"64/64x10000", aligned, {64, 64, MAX_BATCH}, 5000000},
	{"4K/4Kx100", aligned, {4096, 4096, 100}, 200000, .flags = BENCH_QUICK},
	{"4K/100x1000", aligned, {4096, 100, 1000}, 500000},
	{"2M/2M", aligned, {2 * MiB, 2 * MiB, 1}, 100000},
};
BENCH_MAIN("aligned", "aligned_alloc and free of one block (alignment/size)",
	   cases)
