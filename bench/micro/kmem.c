/*
 * Caches of one type (pagoda/kmem.h) beside malloc(): pairs, many at a time in bulk
 * calls, and objects that stay constructed. bench/api sets them side by side.
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>

#include "common.h"
#include "own.h"

enum { TURN = 1000, MOST = 1000 };

static struct pagoda_kmem_cache *make_cache(size_t size, void (*ctor)(void *))
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("bench", size, 0, 0, ctor);

	if (!c) {
		perror("pagoda_kmem_cache_create");
		exit(1);
	}
	return c;
}

static void end_cache(struct pagoda_kmem_cache *c)
{
	if (pagoda_kmem_cache_destroy(c))
		exit(1);
}

/* --- pairs; arg: size --- */

static void pair_malloc(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = malloc(size);

			touch(p, size);
			free(p);
		}
}

static void pair_own(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);
	struct pagoda_kmem_cache *c = make_cache(size, NULL);

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = pagoda_kmem_cache_alloc(c, PAGODA_GFP_KERNEL);

			touch(p, size);
			pagoda_kmem_cache_free(c, p);
		}
	end_cache(c);
}

/* --- many at a time; an operation is one object. arg: size, how many --- */

static void bulk_malloc(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0), nr = (size_t)bench_arg(b, 1);
	static void *objs[MOST];

	while (bench_next(b, nr)) {
		for (size_t i = 0; i < nr; i++)
			objs[i] = malloc(size);
		for (size_t i = 0; i < nr; i++)
			free(objs[i]);
	}
}

static void bulk_own(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0), nr = (size_t)bench_arg(b, 1);
	struct pagoda_kmem_cache *c = make_cache(size, NULL);
	static void *objs[MOST];

	while (bench_next(b, nr)) {
		if (!pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, nr,
						  objs))
			exit(1);
		pagoda_kmem_cache_free_bulk(c, nr, objs);
	}
	end_cache(c);
}

/* --- an object as servers have it: a lock, lists, a buffer --- */

struct link {
	struct link *next, *prev;
};

struct conn {
	pthread_mutex_t lock;
	pthread_cond_t readable;
	struct link conns, requests, timers;
	uint32_t state, flags;
	uint64_t sent, received;
	void *handlers[16];
	char address[64];
};

static void link_init(struct link *l)
{
	l->next = l->prev = l;
}

static void conn_init(void *p)
{
	struct conn *c = p;

	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->readable, NULL);
	link_init(&c->conns);
	link_init(&c->requests);
	link_init(&c->timers);
	c->state = c->flags = 0;
	c->sent = c->received = 0;
	memset(c->handlers, 0, sizeof(c->handlers));
	memset(c->address, 0, sizeof(c->address));
}

/* What every user of the object does, and leaves as it was. */
static void use_conn(struct conn *c)
{
	touch(&c->sent, sizeof(c->sent));
	c->sent = 0;
}

static void init_each_time(struct bench *b)
{
	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			struct conn *c = malloc(sizeof(*c));

			conn_init(c);
			use_conn(c);
			pthread_cond_destroy(&c->readable);
			pthread_mutex_destroy(&c->lock);
			free(c);
		}
	}
}

static void constructed(struct bench *b)
{
	struct pagoda_kmem_cache *cache =
		make_cache(sizeof(struct conn), conn_init);

	while (bench_next(b, TURN)) {
		for (int i = 0; i < TURN; i++) {
			struct conn *c = pagoda_kmem_cache_alloc(
				cache, PAGODA_GFP_KERNEL);

			use_conn(c);
			pagoda_kmem_cache_free(cache, c);
		}
	}
	end_cache(cache);
}

#define PAIR(size)                                                  \
	{"pair-" #size "/malloc", pair_malloc, {size}, 20000000},   \
	{"pair-" #size "/own", pair_own, {size}, 20000000}

#define BULK(size, nr)                                                       \
	{"bulk-" #size "x" #nr "/malloc", bulk_malloc, {size, nr}, 20000000}, \
	{"bulk-" #size "x" #nr "/own", bulk_own, {size, nr}, 20000000}

static const struct bench_case cases[] = {
	PAIR(16),	PAIR(64),	PAIR(200),	 PAIR(512),
	PAIR(1024),	BULK(24, 16),	BULK(200, 16),	 BULK(200, 64),
	BULK(200, 256), BULK(200, 1000), BULK(1024, 256),
	{"connection/malloc", init_each_time, {0}, 10000000},
	{"connection/own", constructed, {0}, 10000000},
};
OWN_MAIN("kmem", "objects of a cache of their own", cases)
