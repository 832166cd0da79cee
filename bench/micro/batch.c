/*
 * Batches: n objects are allocated, then all are freed, in the reverse order
 * (lifo), in the same order (fifo) or in a random one. Short batches live in
 * the allocator's caches, long ones show what lies behind them.
 */
#include "common.h"

enum order { LIFO, FIFO, RANDOM };
enum { OBJECT = 64, SIZES = 4096 };

/* Objects go to slot[place[i]], and are freed from the last slot on. */
static uint32_t *map_places(uint32_t n, enum order order)
{
	uint32_t *place;

	if (order == RANDOM)
		return map_permutation(n, 1);
	place = map_array(n, sizeof(*place));
	for (uint32_t i = 0; i < n; i++)
		place[i] = order == LIFO ? i : n - 1 - i;
	return place;
}

/* arg: objects, order, largest size (0: all of one size), that size (0: OBJECT) */
static void batch(struct bench *b)
{
	uint32_t n = (uint32_t)bench_arg(b, 0);
	size_t max = (size_t)bench_arg(b, 2);
	uint32_t *place = map_places(n, (enum order)bench_arg(b, 1));
	uint32_t *sizes = map_sizes(SIZES, 16, max ? max : 32, 2);
	void **slot = map_array(n, sizeof(*slot));

	if (!max)
		for (int i = 0; i < SIZES; i++)
			sizes[i] = bench_arg(b, 3) ? (uint32_t)bench_arg(b, 3) :
						     OBJECT;
	while (bench_next(b, n)) {
		for (uint32_t i = 0; i < n; i++) {
			size_t size = sizes[i % SIZES];
			void *p = malloc(size);

			touch(p, size);
			slot[place[i]] = p;
		}
		for (uint32_t i = n; i-- > 0;)
			free(slot[i]);
	}
}

static const struct bench_case cases[] = {
	{"lifo/100", batch, {100, LIFO}, 10000000, .flags = BENCH_QUICK},
	{"lifo/1000", batch, {1000, LIFO}, 10000000, .flags = BENCH_QUICK},
	{"lifo/100000", batch, {100000, LIFO}, 5000000, .flags = BENCH_QUICK},
	{"lifo/1000000", batch, {1000000, LIFO}, 4000000},
	{"fifo/100", batch, {100, FIFO}, 10000000},
	{"fifo/1000", batch, {1000, FIFO}, 10000000},
	{"fifo/100000", batch, {100000, FIFO}, 5000000},
	{"fifo/1000000", batch, {1000000, FIFO}, 4000000},
	{"random/100", batch, {100, RANDOM}, 10000000},
	{"random/1000", batch, {1000, RANDOM}, 10000000, .flags = BENCH_QUICK},
	{"random/100000",
	 batch,
	 {100000, RANDOM},
	 3000000,
	 .flags = BENCH_QUICK},
	{"random/1000000", batch, {1000000, RANDOM}, 4000000},
	{"size/400x1000", batch, {1000, LIFO, 0, 400}, 5000000},
	{"size/8Kx100", batch, {100, LIFO, 0, 8192}, 5000000},
	{"mixed/1000", batch, {1000, RANDOM, 1024}, 10000000},
	{"mixed/100000",
	 batch,
	 {100000, RANDOM, 1024},
	 2000000,
	 .flags = BENCH_QUICK},
};
BENCH_MAIN("batch",
	   "malloc and free of one object, a batch allocated, then freed",
	   cases)
