/*
 * A server: threads that replace random objects for a while, end, and leave
 * their objects to threads that start after them, as with requests that
 * outlive the worker that took them. Every object is freed by another thread
 * than the one that allocated it unless it is short-lived.
 */
#include "common.h"

enum { LIVE = 1000, LIFE = 10000, SIZES = 4096 };

struct lane {
	void **slot;
	const uint32_t *sizes;
	struct rng rng;
};

static void *serve(void *arg)
{
	struct lane *lane = arg;

	for (uint32_t i = 0; i < LIFE; i++) {
		uint32_t at = rng_below(&lane->rng, LIVE);
		size_t size = lane->sizes[rng_next(&lane->rng) % SIZES];

		free(lane->slot[at]);
		lane->slot[at] = malloc(size);
		touch(lane->slot[at], size);
	}
	return NULL;
}

static void server(struct bench *b)
{
	size_t n = (size_t)bench_arg(b, 0);
	const uint32_t *sizes = map_sizes(SIZES, 16, 1024, 1);
	struct lane *lanes = map_array(n, sizeof(*lanes));

	for (size_t i = 0; i < n; i++)
		lanes[i] = (struct lane){
			.slot = map_array(LIVE, sizeof(void *)),
			.sizes = sizes,
			.rng = rng_seed(i),
		};
	while (bench_next(b, n * LIFE))
		join_threads(n, start_threads(n, serve, lanes, sizeof(*lanes)));
	for (size_t i = 0; i < n; i++)
		for (int at = 0; at < LIVE; at++)
			free(lanes[i].slot[at]);
}

static const struct bench_case cases[] = {
	{"t1", server, {1}, 5000000},
	{"t2", server, {2}, 10000000, .flags = BENCH_QUICK},
	{"t8", server, {8}, 10000000, .flags = BENCH_QUICK},
	{"t32", server, {32}, 10000000},
};
BENCH_MAIN("server", "one object replaced, by threads that come and go", cases)
