/*
 * Growing blocks: many small vectors that double, strings that grow by what is
 * appended, and big arrays that grow by steps or double up to 1 GiB. Whether
 * an allocator copies, grows in place or moves pages shows here.
 */
#include "common.h"

enum { VECTORS = 1000, TURN = 1000 };

/* 1,000 vectors double from 32 bytes to 4 KiB, in random order. */
static void vectors(struct bench *b)
{
	struct {
		char *p;
		size_t size;
	} *v = map_array(VECTORS, sizeof(*v));
	struct rng r = rng_seed(1);

	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			uint32_t at = rng_below(&r, VECTORS);

			if (v[at].size == 4096) {
				free(v[at].p);
				v[at].p = NULL;
				v[at].size = 0;
			}
			v[at].size = v[at].size ? v[at].size * 2 : 32;
			v[at].p = realloc(v[at].p, v[at].size);
			memset(v[at].p + v[at].size / 2, 1, v[at].size / 2);
		}
	}
	for (int i = 0; i < VECTORS; i++)
		free(v[i].p);
}

/* Four strings grow to 64 KiB by pieces of 8 to 71 bytes. */
static void strings(struct bench *b)
{
	struct {
		char *p;
		size_t size;
	} s[4] = {{NULL, 0}};
	struct rng r = rng_seed(1);

	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			size_t more = 8 + rng_below(&r, 64);

			if (s[i % 4].size + more > 64 * KiB) {
				free(s[i % 4].p);
				s[i % 4].p = NULL;
				s[i % 4].size = 0;
			}
			s[i % 4].p = realloc(s[i % 4].p, s[i % 4].size + more);
			memset(s[i % 4].p + s[i % 4].size, 'x', more);
			s[i % 4].size += more;
		}
	}
	for (int i = 0; i < 4; i++)
		free(s[i].p);
}

/*
 * One array grows to arg 1 MiB, from 1 MiB on, by arg 0 MiB (0: doubles), and
 * is freed. The new part is used.
 */
static void array(struct bench *b)
{
	size_t step = (size_t)bench_arg(b, 0) * MiB;
	size_t max = (size_t)bench_arg(b, 1) * MiB;
	size_t size = 0;
	char *p = NULL;

	while (bench_next(b, 1)) {
		size_t more = step || !size ? (step ? step : MiB) : size;

		p = realloc(p, size + more);
		touch_pages(p + size, more);
		size += more;
		if (size >= max) {
			free(p);
			p = NULL;
			size = 0;
		}
	}
	free(p);
}

static const struct bench_case cases[] = {
	{"vectors", vectors, .ops = 2000000, .flags = BENCH_QUICK},
	{"strings", strings, .ops = 2000000, .flags = BENCH_QUICK},
	{"by-1M-to-64M", array, {1, 64}, 128, .flags = BENCH_QUICK},
	{"doubling-to-8M", array, {0, 8}, 400},
	{"by-1M-to-1G", array, {1, 1024}, 1024},
	{"doubling-to-1G", array, {0, 1024}, 22},
};
BENCH_MAIN("realloc", "one realloc, and the use of what is new", cases)
