/*
 * Pairs: malloc and free of one object, again and again. The lower bound of
 * what an allocation costs; everything is in the first level of its caches.
 */
#include "common.h"

enum { TURN = 1000 };

static void pair(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);

	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			void *p = malloc(size);

			touch(p, size);
			free(p);
		}
	}
}

static const struct bench_case cases[] = {
	{"16", pair, {16}, 20000000, .flags = BENCH_QUICK},
	{"32", pair, {32}, 20000000},
	{"64", pair, {64}, 20000000, .flags = BENCH_QUICK},
	{"128", pair, {128}, 20000000},
	{"200", pair, {200}, 20000000, .flags = BENCH_QUICK},
	{"512", pair, {512}, 20000000},
	{"1024", pair, {1024}, 20000000, .flags = BENCH_QUICK},
	{"3000", pair, {3000}, 10000000, .flags = BENCH_QUICK},
	{"8192", pair, {8192}, 10000000},
	{"32768", pair, {32768}, 5000000, .flags = BENCH_QUICK},
	{"64/t2", pair, {64}, 40000000, .threads = 2, .flags = BENCH_QUICK},
};
BENCH_MAIN("pair", "malloc and free of one object of that many bytes", cases)
