/*
 * Churn: a live set of 10,000 objects of random sizes, divided among the
 * threads, in which random objects are replaced by new ones. The live set has
 * the same size for any number of threads, so that the cost of more threads is
 * the allocator's and not that of the processor's caches.
 */
#include "common.h"

enum { LIVE = 10000, TURN = 100, SIZES = 4096 };

static void churn(struct bench *b)
{
	uint64_t seed = (uint64_t)bench_thread(b) * 7;
	uint32_t live = (uint32_t)(LIVE / bench_threads(b));
	uint32_t *sizes = map_sizes(SIZES, 16, (size_t)bench_arg(b, 0), seed);
	void **slot = map_array(live, sizeof(*slot));
	struct rng r = rng_seed(seed + 1);
	uint32_t next = 0;

	for (uint32_t i = 0; i < live; i++) {
		size_t size = sizes[next++ % SIZES];

		slot[i] = malloc(size);
		touch(slot[i], size);
	}
	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			uint32_t at = rng_below(&r, live);
			size_t size = sizes[next++ % SIZES];

			free(slot[at]);
			slot[at] = malloc(size);
			touch(slot[at], size);
		}
	}
	for (uint32_t i = 0; i < live; i++)
		free(slot[i]);
}

static const struct bench_case cases[] = {
	{"t1", churn, {1024}, 10000000, .flags = BENCH_QUICK},
	{"t2", churn, {1024}, 20000000, .threads = 2, .flags = BENCH_QUICK},
	{"t8", churn, {1024}, 20000000, .threads = 8, .flags = BENCH_QUICK},
	{"t32", churn, {1024}, 20000000, .threads = 32},
	{"t1000", churn, {1024}, 20000000, .threads = 1000},
	{"wide/t1", churn, {32768}, 3000000, .flags = BENCH_QUICK},
	{"wide/t8", churn, {32768}, 6000000, .threads = 8},
};
BENCH_MAIN("churn", "one object of a live set of 10,000 replaced", cases)
