/* SPDX-License-Identifier: MIT */
/*
 * race_percpu.c - the per-CPU stacks under load: more threads than CPUs push,
 * pop, move batches, resize and migrate, while others stop all CPUs and look.
 * Every object is at any time in exactly one place: one thread's hands, or one
 * slot of one sheaf. In the child of a fork taken in the middle, the sheaves
 * are whole.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "percpu/fastpath.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"

enum {
	NR_THREADS = 8,
	NR_OBJECTS = 2400,
	NR_TEST_CLASSES = 3,
	BATCH = 60,
	/* Two runs of slots for each class, to move between. */
	RUN_SLOTS = 400,
	FIRST_SLOT = 8000,
	IN_SHEAF = 0xff,
};

/* Who has an object: a thread's number, or IN_SHEAF. */
static uint8_t owner[NR_OBJECTS]; /* Atomic */
static bool quit; /* Atomic */
static uint64_t moved; /* Atomic: objects popped, over all threads */

static void *object(size_t i)
{
	return (void *)(0x100000 + 16 * i);
}

static size_t number(const void *obj)
{
	size_t i = ((uintptr_t)obj - 0x100000) / 16;

	CHECK(i < NR_OBJECTS && object(i) == obj);
	return i;
}

/* --- a worker's hands --- */

struct worker {
	struct rng rng;
	uint8_t id;
	unsigned int nr;
	void *objs[NR_OBJECTS];
};

/* Objects of a class stay in it. */
static unsigned int class_of(const void *obj)
{
	return 1 + (unsigned int)(number(obj) % NR_TEST_CLASSES);
}

static void received(struct worker *w, void *obj, unsigned int class)
{
	uint8_t was = __atomic_exchange_n(&owner[number(obj)], w->id,
					  __ATOMIC_RELAXED);

	CHECK(was == IN_SHEAF);
	CHECK(class_of(obj) == class);
	w->objs[w->nr++] = obj;
	fetch_add_relaxed(&moved, 1);
}

/* Before the push: from then on others may have it. */
static void offer(struct worker *w, void *obj)
{
	CHECK(__atomic_exchange_n(&owner[number(obj)], IN_SHEAF,
				  __ATOMIC_RELAXED) == w->id);
}

static void keep(struct worker *w, void *obj)
{
	CHECK(__atomic_exchange_n(&owner[number(obj)], w->id,
				  __ATOMIC_RELAXED) == IN_SHEAF);
	w->objs[w->nr++] = obj;
}

/* A random object out of the hands; NULL if they are empty. */
static void *choose(struct worker *w)
{
	size_t k;
	void *obj;

	if (!w->nr)
		return NULL;
	k = rng_below(&w->rng, w->nr);
	obj = w->objs[k];
	w->objs[k] = w->objs[--w->nr];
	return obj;
}

/* --- operations --- */

static void push_one(struct worker *w)
{
	void *obj = choose(w);
	unsigned int class;
	bool done;

	if (!obj)
		return;
	class = class_of(obj);
	offer(w, obj);
	if (percpu.mode == PERCPU_MODE_RSEQ && rng_below(&w->rng, 4))
		done = rseq_push(class, obj);
	else
		done = percpu_pushn(class, &obj, 1, false);
	if (!done)
		keep(w, obj);
}

static void pop_one(struct worker *w)
{
	unsigned int class = 1 + (unsigned int)rng_below(&w->rng,
							 NR_TEST_CLASSES);
	void *obj = NULL;

	if (percpu.mode == PERCPU_MODE_RSEQ && rng_below(&w->rng, 4))
		obj = rseq_pop(class);
	else if (!percpu_popn(class, &obj, 1, false))
		obj = NULL;
	if (obj)
		received(w, obj, class);
}

static void push_batch(struct worker *w)
{
	void *batch[BATCH], *obj = choose(w);
	unsigned int n = 0, done, class;

	if (!obj)
		return;
	class = class_of(obj);
	batch[n++] = obj;
	for (unsigned int i = 0; i < w->nr && n < BATCH;) {
		if (class_of(w->objs[i]) == class) {
			batch[n++] = w->objs[i];
			w->objs[i] = w->objs[--w->nr];
		} else {
			i++;
		}
	}
	for (unsigned int i = 0; i < n; i++)
		offer(w, batch[i]);
	done = percpu_pushn(class, batch, n, rng_below(&w->rng, 4) == 0);
	CHECK(done <= n);
	while (done < n)
		keep(w, batch[done++]);
}

static void pop_batch(struct worker *w)
{
	unsigned int class = 1 + (unsigned int)rng_below(&w->rng,
							 NR_TEST_CLASSES);
	unsigned int want = 1 + (unsigned int)rng_below(&w->rng, BATCH);
	void *batch[BATCH];
	unsigned int n = percpu_popn(class, batch, want,
				     rng_below(&w->rng, 4) == 0);

	CHECK(n <= want);
	for (unsigned int i = 0; i < n; i++)
		received(w, batch[i], class);
}

static void resize(struct worker *w)
{
	unsigned int class = 1 + (unsigned int)rng_below(&w->rng,
							 NR_TEST_CLASSES);
	union sheaf_header old = percpu_header(class), new;
	size_t nr = old.cur - old.begin;
	size_t cap = max_size(nr, 1 + rng_below(&w->rng, RUN_SLOTS - 2));
	size_t run = 2 * (class - 1) + rng_below(&w->rng, 2);

	/* Torn only in time: what it says was never true in lock mode. */
	if (nr >= RUN_SLOTS - 1)
		return;
	new.begin = (uint16_t)(FIRST_SLOT + run * RUN_SLOTS + 1);
	new.cur = (uint32_t)(new.begin + nr);
	new.end = (uint16_t)(new.begin + cap);
	if (!old.word)
		CHECK(percpu_online() == 0);
	percpu_resize(class, old, new, rng_below(&w->rng, 4) == 0);
}

/* All CPUs stand still: look at every sheaf, and take one. */
static void stop_and_look(struct worker *w)
{
	static uint8_t seen[NR_OBJECTS]; /* Lock: the stop */

	if (!percpu_stop())
		return;
	memset(seen, 0, sizeof(seen));
	for (unsigned int slot = 0; slot < percpu.nr; slot++)
		for (unsigned int class = 1; class <= NR_TEST_CLASSES; class++) {
			union sheaf_header *h = percpu_header_of(slot, class);
			void **slots = percpu_slots_of(slot);

			CHECK(h->cur >= h->begin && h->cur <= h->end);
			if (h->begin)
				CHECK((intptr_t)slots[h->begin - 1] ==
				      PERCPU_GUARD);
			for (uint32_t i = h->begin; i < h->cur; i++) {
				CHECK(class_of(slots[i]) == class);
				CHECK(!seen[number(slots[i])]);
				seen[number(slots[i])] = 1;
				CHECK(load_relaxed(&owner[number(slots[i])]) ==
				      IN_SHEAF);
			}
			if (rng_below(&w->rng, 4))
				continue;
			while (h->cur > h->begin)
				received(w, slots[--h->cur], class);
		}
	percpu_start();
}

static void migrate(struct worker *w)
{
	cpu_set_t set;
	int nr = (int)sysconf(_SC_NPROCESSORS_ONLN);

	CPU_ZERO(&set);
	CPU_SET(rng_below(&w->rng, (size_t)nr), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void step(struct worker *w)
{
	switch (rng_below(&w->rng, 1024)) {
	case 0 ... 399:
		push_one(w);
		break;
	case 400 ... 799:
		pop_one(w);
		break;
	case 800 ... 889:
		push_batch(w);
		break;
	case 890 ... 979:
		pop_batch(w);
		break;
	case 980 ... 1015:
		resize(w);
		break;
	case 1016 ... 1019:
		migrate(w);
		break;
	case 1020 ... 1022:
		sched_yield();
		break;
	default:
		stop_and_look(w);
		break;
	}
}

static struct worker workers[NR_THREADS];

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!load_relaxed(&quit))
		step(w);
	return NULL;
}

/* --- the whole --- */

static void hand_out(void)
{
	memset(workers, 0, sizeof(workers));
	for (size_t i = 0; i < NR_THREADS; i++) {
		workers[i].rng = rng_seeded(1000 + i);
		workers[i].id = (uint8_t)i;
	}
	for (size_t i = 0; i < NR_OBJECTS; i++) {
		struct worker *w = &workers[i % NR_THREADS];

		owner[i] = w->id;
		w->objs[w->nr++] = object(i);
	}
}

static void start_threads(pthread_t *threads)
{
	store_relaxed(&quit, false);
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, &workers[i]));
}

static void stop_threads(pthread_t *threads)
{
	store_relaxed(&quit, true);
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

/* Every object once: in someone's hands, or in a sheaf. */
static void check_all_there(void)
{
	static uint8_t seen[NR_OBJECTS];

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < NR_THREADS; i++)
		for (unsigned int k = 0; k < workers[i].nr; k++)
			CHECK(!seen[number(workers[i].objs[k])]++);
	for (unsigned int slot = 0; slot < percpu.nr; slot++)
		for (unsigned int class = 1; class <= NR_TEST_CLASSES; class++) {
			union sheaf_header *h = percpu_header_of(slot, class);

			for (uint32_t i = h->begin; i < h->cur; i++)
				CHECK(!seen[number(percpu_slots_of(slot)[i])]++);
		}
	for (size_t i = 0; i < NR_OBJECTS; i++)
		CHECK(seen[i] == 1);
}

static void run(unsigned int ms)
{
	pthread_t threads[NR_THREADS];

	hand_out();
	start_threads(threads);
	usleep(ms * 1000);
	stop_threads(threads);
	check_all_there();
	/* It was no standstill. */
	CHECK(load_relaxed(&moved) > 1000);
}

static void test_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=64");
	run(1500);
}

static void test_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=64");
	run(unit_has_tsan() ? 3000 : 1000);
}

/* --- fork --- */

/* All that the child of a fork has is memory: is it whole? */
static void check_in_child(void)
{
	static uint8_t seen[NR_OBJECTS];
	struct worker me = { .rng = rng_seeded(7), .id = 200 };
	size_t total = 0;

	for (unsigned int slot = 0; slot < percpu.nr; slot++)
		for (unsigned int class = 1; class <= NR_TEST_CLASSES; class++) {
			union sheaf_header *h = percpu_header_of(slot, class);

			CHECK(h->cur >= h->begin && h->cur <= h->end);
			for (uint32_t i = h->begin; i < h->cur; i++) {
				void *obj = percpu_slots_of(slot)[i];

				CHECK(!seen[number(obj)]++);
				/* Offered, or received at this moment. */
				total++;
			}
		}
	CHECK(total <= NR_OBJECTS);
	/* Sheaves go on working, for those objects that lay in them. */
	for (size_t i = 0; i < NR_OBJECTS; i++)
		owner[i] = IN_SHEAF;
	for (unsigned int i = 0; i < rounds(20000); i++)
		step(&me);
}

static void fork_under_load(unsigned int times)
{
	pthread_t threads[NR_THREADS];

	hand_out();
	start_threads(threads);
	for (unsigned int i = 0; i < times; i++) {
		int status;
		pid_t pid;

		CHECK(percpu_stop());
		pid = fork();
		CHECK(pid >= 0);
		percpu_start();
		if (!pid) {
			check_in_child();
			_exit(0);
		}
		while (waitpid(pid, &status, 0) < 0)
			CHECK(errno == EINTR);
		CHECK(status == 0);
	}
	stop_threads(threads);
	check_all_there();
}

static void test_fork_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=64");
	if (!percpu.can_stop)
		unit_skip("this kernel cannot stop other CPUs");
	fork_under_load(60);
}

static void test_fork_lock(void **state)
{
	(void)state;
	if (unit_has_tsan())
		unit_skip("no fork of threads under ThreadSanitizer");
	core_start("percpu=lock,span=64");
	fork_under_load(60);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rseq),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_fork_rseq),
		cmocka_unit_test(test_fork_lock),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
