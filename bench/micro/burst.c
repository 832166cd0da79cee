/*
 * A burst, then idling: 128 MiB of small objects are allocated, all but the
 * first tenth are freed, and the program sleeps, or goes on with a little work
 * (10 % of one processor at most). over_live_N is the resident memory N
 * seconds later over the live bytes, those of the little work included.
 * "survivors": objects of 1 to 4 KiB, of which three in ten live on, here and
 * there.
 */
#include <time.h>
#include <unistd.h>

#include "common.h"

#define BURST_BYTES (128 * MiB)

enum {
	MAX_OBJECTS = 1 << 20,
	SIZES = 4096,
	LIVE = 1000,
	WORK = 200,
	SURVIVORS = 3, /* in ten */
};

struct slot {
	void *p;
	size_t size;
};

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A millisecond of a program that has little to do. */
static void work(struct slot *slots, const uint32_t *sizes, struct rng *r)
{
	for (int i = 0; i < WORK; i++) {
		struct slot *s = &slots[rng_below(r, LIVE)];

		free(s->p);
		s->size = sizes[rng_below(r, SIZES)];
		s->p = malloc(s->size);
		touch(s->p, s->size);
	}
	usleep(1000);
}

static size_t live_bytes(const struct slot *slots)
{
	size_t bytes = 0;

	for (int i = 0; i < LIVE; i++)
		bytes += slots[i].size;
	return bytes;
}

/* arg: seconds, whether it works while it waits, whether survivors are scattered */
static void burst(struct bench *b)
{
	static const int marks[] = {1, 10, 60};
	bool works = bench_arg(b, 1), scattered = bench_arg(b, 2);
	uint32_t *sizes = scattered ? map_sizes(SIZES, 1024, 4096, 1) :
				      map_sizes(SIZES, 16, 1024, 1);
	void **object = map_array(MAX_OBJECTS, sizeof(*object));
	struct slot *slots = map_array(LIVE, sizeof(*slots));
	struct rng r = rng_seed(2);
	size_t bytes = 0, live = 0, before = bench_rss();
	uint32_t n = 0;
	double start;
	char name[32];

	while (bench_next(b, 1)) {
		for (; bytes < BURST_BYTES && n < MAX_OBJECTS; n++) {
			size_t size = sizes[n % SIZES];

			object[n] = malloc(size);
			memset(object[n], 1, size);
			bytes += size;
		}
		for (uint32_t i = 0; i < n; i++) {
			bool lives = scattered ? rng_below(&r, 10) < SURVIVORS :
						 live < BURST_BYTES / 10;

			if (lives)
				live += sizes[i % SIZES];
			else
				free(object[i]);
		}
		start = seconds_now();
		for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
			if (marks[i] > bench_arg(b, 0))
				break;
			while (seconds_now() - start <
			       marks[i] * bench_scale()) {
				if (works)
					work(slots, sizes, &r);
				else
					usleep(1000);
			}
			snprintf(name, sizeof(name), "over_live_%d", marks[i]);
			bench_count(b, name,
				    (double)(bench_rss() - before) /
					    (double)(live + live_bytes(slots)));
		}
	}
}

static const struct bench_case cases[] = {
	{"idle",
	 burst,
	 {10, false},
	 1,
	 .flags = BENCH_QUICK | BENCH_UNTIMED | BENCH_IDLE},
	{"working",
	 burst,
	 {10, true},
	 1,
	 .flags = BENCH_QUICK | BENCH_UNTIMED | BENCH_IDLE},
	{"survivors",
	 burst,
	 {10, true, true},
	 1,
	 .flags = BENCH_QUICK | BENCH_UNTIMED | BENCH_IDLE},
	{"idle-60s",
	 burst,
	 {60, false},
	 1,
	 .flags = BENCH_FULL | BENCH_UNTIMED | BENCH_IDLE},
	{"working-60s",
	 burst,
	 {60, true},
	 1,
	 .flags = BENCH_FULL | BENCH_UNTIMED | BENCH_IDLE},
};
BENCH_MAIN("burst", "resident over live bytes some seconds after a burst",
	   cases)
