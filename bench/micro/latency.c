/*
 * The tail: how long the slowest calls take, in a churn, while large parts
 * of the heap are freed, when allocators give memory back, and where few objects
 * hold much of it. Every call is timed; what reading the clock costs (some ns)
 * is in all of the numbers.
 */
#include <time.h>
#include <unistd.h>

#include "common.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
	MAX_THREADS = 8,
	LIVE = 10000,
	SIZES = 4096,
	TURN = 100,
	PURGE_OBJECTS = 100000,
	SPARSE_OBJECTS = 512 * 1024,
	SPARSE_NEW = 100000,
	SUB_BITS = 5, /* buckets are 1/32 wide: values are exact to 3 % */
	BUCKETS = (64 - SUB_BITS) << SUB_BITS,
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
	unsigned int cpu;

	return __rdtscp(&cpu);
#else
	return clock_ns();
#endif
}

static double ns_per_tick(void)
{
	uint64_t ns = clock_ns(), t = ticks();

	usleep(20000);
	return (double)(clock_ns() - ns) / (double)(ticks() - t);
}

/* A histogram whose buckets grow with the value. */
struct histogram {
	uint64_t count[BUCKETS], total, max;
};

static unsigned int bucket_of(uint64_t v)
{
	unsigned int shift;

	if (v < (1u << SUB_BITS))
		return (unsigned int)v;
	shift = 63 - (unsigned int)__builtin_clzl(v) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) +
	       (unsigned int)((v >> shift) & ((1u << SUB_BITS) - 1));
}

/* The lowest value of a bucket. */
static uint64_t value_of(unsigned int bucket)
{
	unsigned int shift = bucket >> SUB_BITS;
	uint64_t low = bucket & ((1u << SUB_BITS) - 1);

	return shift ? (low + (1u << SUB_BITS)) << (shift - 1) : low;
}

static inline void record(struct histogram *h, uint64_t v)
{
	h->count[bucket_of(v)]++;
	h->total++;
	if (v > h->max)
		h->max = v;
}

static void merge(struct histogram *into, const struct histogram *from)
{
	for (int i = 0; i < BUCKETS; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
	if (from->max > into->max)
		into->max = from->max;
}

static double percentile(const struct histogram *h, double p)
{
	uint64_t seen = 0, rank = (uint64_t)((double)h->total * p);
	unsigned int i = 0;

	while (i < BUCKETS - 1 && (seen += h->count[i]) <= rank)
		i++;
	return (double)value_of(i);
}

static void count_histogram(struct bench *b, const char *what,
			    const struct histogram *h)
{
	static const struct {
		const char *name;
		double p;
	} points[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.99", 0.9999}};
	double tick = ns_per_tick();
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		snprintf(name, sizeof(name), "%s_%s", what, points[i].name);
		bench_count(b, name, percentile(h, points[i].p) * tick);
	}
	snprintf(name, sizeof(name), "%s_max", what);
	bench_count(b, name, (double)h->max * tick);
}

struct recorder {
	struct histogram mallocs, frees;
};

static void *timed_malloc(struct recorder *rec, size_t size)
{
	uint64_t start = ticks();
	void *p = malloc(size);

	record(&rec->mallocs, ticks() - start);
	touch(p, size);
	return p;
}

static void timed_free(struct recorder *rec, void *p)
{
	uint64_t start = ticks();

	free(p);
	record(&rec->frees, ticks() - start);
}

static void churn(struct bench *b)
{
	static struct recorder *recorders[MAX_THREADS];
	int me = bench_thread(b);
	uint32_t live = (uint32_t)(LIVE / bench_threads(b));
	const uint32_t *sizes = map_sizes(SIZES, 16, 1024, (uint64_t)me);
	struct recorder *rec = map_array(1, sizeof(*rec));
	void **slot = map_array(live, sizeof(*slot));
	struct rng r = rng_seed((uint64_t)me + 100);
	uint32_t next = 0;

	recorders[me] = rec;
	for (uint32_t i = 0; i < live; i++)
		slot[i] = malloc(sizes[next++ % SIZES]);
	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			uint32_t at = rng_below(&r, live);

			timed_free(rec, slot[at]);
			slot[at] = timed_malloc(rec, sizes[next++ % SIZES]);
		}
	}
	for (uint32_t i = 0; i < live; i++)
		free(slot[i]);
	if (me)
		return;
	/* All threads have left the loop when one has. */
	for (int i = 1; i < bench_threads(b); i++) {
		merge(&rec->mallocs, &recorders[i]->mallocs);
		merge(&rec->frees, &recorders[i]->frees);
	}
	count_histogram(b, "malloc", &rec->mallocs);
	count_histogram(b, "free", &rec->frees);
}

/* 20 MiB come and go, with pauses in which decay clocks run. */
static void purge(struct bench *b)
{
	const uint32_t *sizes = map_sizes(SIZES, 16, 1024, 1);
	struct recorder *rec = map_array(1, sizeof(*rec));
	void **slot = map_array(PURGE_OBJECTS, sizeof(*slot));

	while (bench_next(b, PURGE_OBJECTS)) {
		for (uint32_t i = 0; i < PURGE_OBJECTS; i++)
			slot[i] = timed_malloc(rec, sizes[i % SIZES]);
		for (uint32_t i = 0; i < PURGE_OBJECTS; i++)
			timed_free(rec, slot[i]);
		usleep(50000);
	}
	count_histogram(b, "malloc", &rec->mallocs);
	count_histogram(b, "free", &rec->frees);
}

/* A heap of 512 MiB of which one object in 16 survived, and then other sizes. */
static void sparse(struct bench *b)
{
	const uint32_t *sizes = map_sizes(SIZES, 1200, 2000, 1);
	struct recorder *rec = map_array(1, sizeof(*rec));
	void **slot = map_array(SPARSE_OBJECTS, sizeof(*slot));
	void **fresh = map_array(SPARSE_NEW, sizeof(*fresh));
	struct rng r = rng_seed(3);

	while (bench_next(b, SPARSE_NEW)) {
		for (uint32_t i = 0; i < SPARSE_OBJECTS; i++) {
			slot[i] = malloc(KiB);
			touch(slot[i], KiB);
		}
		for (uint32_t i = 0; i < SPARSE_OBJECTS; i++)
			if (rng_below(&r, 16)) {
				free(slot[i]);
				slot[i] = NULL;
			}
		for (uint32_t i = 0; i < SPARSE_NEW; i++)
			fresh[i] = timed_malloc(rec, sizes[i % SIZES]);
		for (uint32_t i = 0; i < SPARSE_NEW; i++)
			timed_free(rec, fresh[i]);
		for (uint32_t i = 0; i < SPARSE_OBJECTS; i++)
			free(slot[i]);
	}
	count_histogram(b, "malloc", &rec->mallocs);
	count_histogram(b, "free", &rec->frees);
}

static const struct bench_case cases[] = {
	{"churn/t1", churn, .ops = 1000000, .flags = BENCH_UNTIMED},
	{"churn/t2", churn, .ops = 2000000, .threads = 2,
	 .flags = BENCH_QUICK | BENCH_UNTIMED},
	{"churn/t8", churn, .ops = 2000000, .threads = 8,
	 .flags = BENCH_UNTIMED},
	{"purge", purge, .ops = 10 * PURGE_OBJECTS,
	 .flags = BENCH_QUICK | BENCH_UNTIMED},
	{"sparse", sparse, .ops = SPARSE_NEW, .flags = BENCH_UNTIMED},
};
BENCH_MAIN("latency", "ns of the slowest calls, each call timed", cases)
