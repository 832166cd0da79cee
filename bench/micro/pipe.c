/*
 * Producers and consumers: some threads only allocate, others only free what
 * they are sent, in chunks of 500 objects over one queue. In "ring" every
 * thread does both, but frees only what its neighbour has allocated.
 */
#include "common.h"
#include "queue.h"

enum { CHUNK = 500, CHUNKS = 32, AHEAD = 8, SIZES = 4096 };

struct chunk {
	void *object[CHUNK];
};

/*
 * One thread: takes chunks to fill from one queue, sends them full to another.
 * In a ring the chunks that come are full too, of the neighbour's objects.
 */
struct worker {
	struct queue *empty, *full;
	struct chunk *own; /* of a ring's thread, to begin with */
	const uint32_t *sizes;
	uint32_t next_size;
	uint64_t chunks; /* how many to fill */
};

static void fill(struct worker *w, struct chunk *chunk)
{
	for (int i = 0; i < CHUNK; i++) {
		size_t size = w->sizes[w->next_size++ % SIZES];

		chunk->object[i] = malloc(size);
		touch(chunk->object[i], size);
	}
}

static void drain(struct chunk *chunk)
{
	for (int i = 0; i < CHUNK; i++)
		free(chunk->object[i]);
}

static void *produce(void *arg)
{
	struct worker *w = arg;

	for (uint64_t n = 0; n < w->chunks; n++) {
		struct chunk *chunk = queue_get(w->empty);

		fill(w, chunk);
		queue_put(w->full, chunk);
	}
	return NULL;
}

/* Until a NULL comes. */
static void *consume(void *arg)
{
	struct worker *w = arg;
	struct chunk *chunk;

	while ((chunk = queue_get(w->full))) {
		drain(chunk);
		queue_put(w->empty, chunk);
	}
	return NULL;
}

/* Sends AHEAD chunks before it waits for the first one. */
static void *pass_on(void *arg)
{
	struct worker *w = arg;

	for (uint64_t n = 0; n < w->chunks + AHEAD; n++) {
		struct chunk *chunk = &w->own[n % AHEAD];

		if (n >= AHEAD) {
			chunk = queue_get(w->empty);
			drain(chunk);
		}
		if (n < w->chunks) {
			fill(w, chunk);
			queue_put(w->full, chunk);
		}
	}
	return NULL;
}

static struct worker *map_workers(size_t n, uint64_t chunks)
{
	struct worker *workers = map_array(n, sizeof(*workers));
	const uint32_t *sizes = map_sizes(SIZES, 16, 512, 1);

	for (size_t i = 0; i < n; i++)
		workers[i] = (struct worker){
			.sizes = sizes,
			.next_size = (uint32_t)i * 100,
			.chunks = chunks / n + 1,
		};
	return workers;
}

static struct queue *map_queues(size_t n)
{
	struct queue *queues = map_array(n, sizeof(*queues));

	for (size_t i = 0; i < n; i++)
		queue_init(&queues[i]);
	return queues;
}

/* arg: producers, consumers */
static void pipe_to_others(struct bench *b)
{
	size_t producers = (size_t)bench_arg(b, 0);
	size_t consumers = (size_t)bench_arg(b, 1);
	struct queue *empty = map_queues(2), *full = empty + 1;
	struct chunk *chunks = map_array(CHUNKS, sizeof(*chunks));
	struct worker *from, *to;

	from = map_workers(producers, bench_ops(b) / CHUNK);
	to = map_workers(consumers, 0);
	for (size_t i = 0; i < producers; i++)
		from[i].empty = empty, from[i].full = full;
	for (size_t i = 0; i < consumers; i++)
		to[i].empty = empty, to[i].full = full;
	for (int i = 0; i < CHUNKS; i++)
		queue_put(empty, &chunks[i]);
	while (bench_next(b, bench_ops(b))) {
		pthread_t *eaters =
			start_threads(consumers, consume, to, sizeof(*to));

		join_threads(producers, start_threads(producers, produce, from,
						      sizeof(*from)));
		for (size_t i = 0; i < consumers; i++)
			queue_put(full, NULL);
		join_threads(consumers, eaters);
	}
}

/* arg: threads */
static void pipe_ring(struct bench *b)
{
	size_t n = (size_t)bench_arg(b, 0);
	struct queue *queues = map_queues(n);
	struct worker *workers = map_workers(n, bench_ops(b) / CHUNK);

	for (size_t i = 0; i < n; i++) {
		workers[i].own = map_array(AHEAD, sizeof(struct chunk));
		workers[i].empty = &queues[i];
		workers[i].full = &queues[(i + 1) % n];
	}
	while (bench_next(b, bench_ops(b)))
		join_threads(n, start_threads(n, pass_on, workers,
					      sizeof(*workers)));
}

static const struct bench_case cases[] = {
	{"1to1", pipe_to_others, {1, 1}, 4000000, .flags = BENCH_QUICK},
	{"4to4", pipe_to_others, {4, 4}, 4000000, .flags = BENCH_QUICK},
	{"1to4", pipe_to_others, {1, 4}, 4000000},
	{"4to1", pipe_to_others, {4, 1}, 4000000},
	{"ring/t2", pipe_ring, {2}, 4000000, .flags = BENCH_QUICK},
	{"ring/t8", pipe_ring, {8}, 4000000},
};
BENCH_MAIN("pipe", "one object allocated in a thread and freed in another",
	   cases)
