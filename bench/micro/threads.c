/*
 * Many threads, mostly idle: each in turn allocates and frees a little, then
 * waits like a connection's thread. What an allocator keeps in caches for each
 * of them is kept for nothing: cached_mib is what the process has grown by
 * since the threads had started.
 */
#include <semaphore.h>

#include "common.h"

enum { OBJECTS = 1000, ROUNDS = 2, SIZES = 4096, STACK_USED = 32 << 10 };

static uint32_t *sizes;

struct visitor {
	sem_t ready, turn, done, leave;
};

static void visit(void)
{
	static void *slot[OBJECTS]; /* only one thread is on at a time */

	for (int i = 0; i < OBJECTS; i++) {
		slot[i] = malloc(sizes[i]);
		touch(slot[i], sizes[i]);
	}
	for (int i = 0; i < OBJECTS; i++)
		free(slot[i]);
}

/* The stack is no cache: it is resident before the counting starts. */
static __attribute__((noinline)) void use_stack(void)
{
	char stack[STACK_USED];

	touch_pages(stack, sizeof(stack));
}

static void *visitor_main(void *arg)
{
	struct visitor *v = arg;

	use_stack();
	sem_post(&v->ready);
	sem_wait(&v->turn);
	for (int i = 0; i < ROUNDS; i++)
		visit();
	sem_post(&v->done);
	sem_wait(&v->leave);
	return NULL;
}

static void idle_threads(struct bench *b)
{
	size_t n = (size_t)bench_arg(b, 0), before;
	struct visitor *v = map_array(n, sizeof(*v));
	pthread_t *threads;

	sizes = map_sizes(SIZES, 16, 1024, 1);
	for (size_t i = 0; i < n; i++) {
		sem_init(&v[i].ready, 0, 0);
		sem_init(&v[i].turn, 0, 0);
		sem_init(&v[i].done, 0, 0);
		sem_init(&v[i].leave, 0, 0);
	}
	visit(); /* the process itself has been at work before */
	threads = start_threads(n, visitor_main, v, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		sem_wait(&v[i].ready);
	before = bench_rss();
	while (bench_next(b, bench_ops(b)))
		for (size_t i = 0; i < n; i++) {
			sem_post(&v[i].turn);
			sem_wait(&v[i].done);
		}
	bench_count(b, "cached_mib",
		    ((double)bench_rss() - (double)before) / (double)MiB);
	for (size_t i = 0; i < n; i++)
		sem_post(&v[i].leave);
	join_threads(n, threads);
}

static const struct bench_case cases[] = {
	{"idle-100",
	 idle_threads,
	 {100},
	 100 * OBJECTS *ROUNDS,
	 .flags = BENCH_QUICK},
	{"idle-1000", idle_threads, {1000}, 1000 * OBJECTS *ROUNDS},
};
BENCH_MAIN("threads", "one object allocated and freed by one of many threads",
	   cases)
