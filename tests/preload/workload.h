/* SPDX-License-Identifier: MIT */
/*
 * What the tests of threads, fork, signals and limits let a program do: blocks
 * that can be checked by whoever gets them, a pass through all layers of an
 * allocator, and threads that allocate in the background.
 */
#ifndef PRELOAD_WORKLOAD_H
#define PRELOAD_WORKLOAD_H

#include "test.h"

#include <malloc.h>
#include <stdatomic.h>

/* ---- boxes ------------------------------------------------------------- */

/* A block that says itself how large it is; its contents are keyed by its
 * address and size, so that a stray write or a second owner shows. */
struct box {
	size_t size;
	uint64_t key;
};

static inline struct box *box_fill(void *block, size_t size)
{
	struct box *box = block;

	box->size = size;
	box->key = key_of(box, size);
	fill_key(box + 1, size - sizeof(*box), box->key);
	return box;
}

static inline struct box *box_new(size_t size)
{
	void *block = malloc(size);

	CHECK(block);
	return box_fill(block, size);
}

static inline void box_check(const struct box *box)
{
	CHECK_MSG(box->key == key_of(box, box->size),
		  "the head of block %p was overwritten", (const void *)box);
	CHECK_MSG(check_key(box + 1, box->size - sizeof(*box), box->key),
		  "block %p of %zu bytes was overwritten", (const void *)box,
		  box->size);
}

static inline void box_end(struct box *box)
{
	if (!box)
		return;
	box_check(box);
	free(box);
}

/* Log-uniform, the head included. */
static inline size_t box_size(struct rng *r, size_t most)
{
	return sizeof(struct box) + rng_size(r, most);
}

/* ---- all layers -------------------------------------------------------- */

/*
 * Small blocks in number, so that caches of every level overflow and run dry;
 * then all sizes. Return: false if memory ran out, with ENOMEM and nothing
 * leaked.
 */
__attribute__((unused)) static bool try_all_layers(struct rng *r)
{
	static const size_t sizes[] = {16,    24,     100,     500,
				       1000,  3000,   9000,    33000,
				       70000, 300000, 1500000, 6000000};
	enum { MANY = 1500 };
	struct box *box[MANY];
	bool complete = true;
	char *p, *q;
	size_t i, j, n;

	for (i = 0; i < MANY; i++) {
		errno = 0;
		box[i] = malloc(16 + i % 200);
		CHECK(box[i] || errno == ENOMEM);
		complete &= !!box[i];
		if (box[i])
			box_fill(box[i], 16 + i % 200);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < 3; j++) {
			n = sizes[i] + rng_below(r, 100);
			errno = 0;
			p = malloc(n);
			CHECK(p || errno == ENOMEM);
			complete &= !!p;
			if (!p)
				continue;
			/* Whole only where it is quick. */
			n = n < 10000 ? n : 10000;
			fill_key(p, n, i);
			q = realloc(p, sizes[i] * 2 + 100);
			CHECK(q || errno == ENOMEM);
			complete &= !!q;
			p = q ? q : p;
			CHECK(check_key(p, n, i));
			free(p);
			p = calloc(1, n);
			CHECK(!p || all_zero(p, n));
			complete &= !!p;
			free(p);
		}
	for (i = 0; i < MANY; i++)
		box_end(box[i]);
	return complete;
}

__attribute__((unused)) static void use_all_layers(struct rng *r)
{
	CHECK_MSG(try_all_layers(r), "memory ran out");
}

/* ---- signals ----------------------------------------------------------- */

/* Names that glibc 2.36 has only in its internals. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { EVERY_NS = 100000 };

static void (*handle_signal)(int);
static _Thread_local timer_t signal_timer;

static void signal_later(void)
{
	static const struct itimerspec once = {.it_value = {0, EVERY_NS}};

	timer_settime(signal_timer, 0, &once, NULL);
}

/* The next one only now: a thread that does nothing but handle them gets nowhere. */
static void handle_and_go_on(int sig)
{
	int saved = errno;

	handle_signal(sig);
	signal_later();
	errno = saved;
}

/* @handle runs in the calling thread, and only there, about every EVERY_NS. */
__attribute__((unused)) static timer_t start_signals(void (*handle)(int))
{
	struct sigaction action;
	struct sigevent event;

	handle_signal = handle;
	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_and_go_on;
	action.sa_flags = SA_RESTART;
	CHECK(!sigaction(SIGRTMIN, &action, NULL));
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = SIGRTMIN;
	event.sigev_notify_thread_id = gettid();
	CHECK(!timer_create(CLOCK_MONOTONIC, &event, &signal_timer));
	signal_later();
	return signal_timer;
}

/* ---- threads in the background ----------------------------------------- */

struct churn {
	size_t common; /* largest size of most blocks */
	size_t rare;   /* and of one in 200 */
	int nice;      /* of the threads */
	atomic_bool stop;
	size_t n;
	pthread_t thread[64];
};

static inline void *churn_thread(void *arg)
{
	enum { LIVE = 200 };
	struct churn *churn = arg;
	struct rng r = rng_for((uintptr_t)gettid());
	struct box *live[LIVE] = {NULL};
	size_t i;

	setpriority(PRIO_PROCESS, (id_t)gettid(), churn->nice);
	while (!atomic_load_explicit(&churn->stop, memory_order_relaxed)) {
		i = rng_below(&r, LIVE);
		box_end(live[i]);
		live[i] =
			box_new(box_size(&r, i ? churn->common : churn->rare));
	}
	for (i = 0; i < LIVE; i++)
		box_end(live[i]);
	return NULL;
}

__attribute__((unused)) static void churn_start(struct churn *churn, size_t n)
{
	atomic_store(&churn->stop, false);
	for (churn->n = 0; churn->n < n; churn->n++)
		churn->thread[churn->n] =
			start_thread(churn_thread, churn, 128 * KIB);
}

__attribute__((unused)) static void churn_stop(struct churn *churn)
{
	size_t i;

	atomic_store(&churn->stop, true);
	for (i = 0; i < churn->n; i++)
		CHECK(!pthread_join(churn->thread[i], NULL));
}

#endif
