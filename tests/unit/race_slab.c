/* SPDX-License-Identifier: MIT */
/*
 * race_slab.c - caches and page blocks under load: threads allocate, write,
 * check and free, hand objects to each other, and meanwhile caches are created
 * and destroyed, drained, reaped, decayed and trimmed, and the process forks.
 * No two threads ever hold the same memory; at the end nothing is missing.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "page_alloc/page_alloc.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "slab/internal.h"
#include "vmalloc/vmalloc.h"

enum { NR_THREADS = 8, NR_SHARED = 64, HAND = 400, NR_CACHES = 6 };

static struct kmem_cache *caches[NR_CACHES];
static bool quit; /* Atomic */

/* What is written to the start of every object. */
struct stamp {
	struct kmem_cache *cache;
	struct stamp *self;
};

/* Objects on their way from thread to thread. */
static struct stamp *shared[NR_SHARED]; /* Atomic */

static struct stamp *make(struct rng *r)
{
	struct kmem_cache *c = caches[rng_below(r, NR_CACHES)];
	struct stamp *s = kmem_cache_alloc(c);
	char *end;

	CHECK(s);
	end = (char *)s + c->object_size - 8;
	s->cache = c;
	s->self = s;
	if (c->object_size >= 32)
		memcpy(end, &s, sizeof(s));
	return s;
}

static void unmake(struct stamp *s)
{
	struct kmem_cache *c = s->cache;
	struct stamp *end;

	CHECK(s->self == s);
	if (c->object_size >= 32) {
		memcpy(&end, (char *)s + c->object_size - 8, sizeof(end));
		CHECK(end == s);
	}
	s->self = NULL;
	s->cache = NULL;
	kmem_cache_free(c, s);
}

static void exchange(struct rng *r, struct stamp **mine)
{
	struct stamp **place = &shared[rng_below(r, NR_SHARED)];

	*mine = __atomic_exchange_n(place, *mine, __ATOMIC_ACQ_REL);
}

/* Page blocks and areas, as malloc/large.c uses them: inside the gate. */
static void large_blocks(struct rng *r)
{
	size_t nr = rng_log(r, 600);
	uint64_t *p;

	CHECK(gate_enter() == SLOW_NORMAL);
	p = alloc_pages_exact(nr, 0, GFP_KERNEL | GFPF_ZERO | GFPF_MOVABLE);
	CHECK(p && p[0] == 0 && p[nr * 512 - 1] == 0);
	p[0] = p[nr * 512 - 1] = (uintptr_t)p;
	resize_pages_exact(virt_to_page(p), rng_log(r, 600), true);
	CHECK(p[0] == (uintptr_t)p);
	nr = virt_to_page(p)->nr_pages;
	p[nr * 512 - 1] = 1;
	CHECK(free_pages_exact(virt_to_page(p), true));
	nr = 1100 + rng_below(r, 500);
	p = vmalloc_pages(nr, nr, PAGE_SIZE, false, true);
	CHECK(p);
	p[0] = p[nr * 512 - 1] = (uintptr_t)p;
	p = vrealloc(virt_to_page(p), nr + rng_below(r, 1000), true);
	CHECK(p && p[0] == p[nr * 512 - 1]);
	CHECK(vfree(virt_to_page(p), true));
	gate_leave();
}

static void *work(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);
	struct stamp *hand[HAND] = { 0 };

	while (!load_relaxed(&quit)) {
		struct stamp **s = &hand[rng_below(&rng, HAND)];

		if (*s && rng_below(&rng, 3) == 0) {
			exchange(&rng, s);
		} else if (*s) {
			unmake(*s);
			*s = NULL;
		} else {
			*s = make(&rng);
		}
		if (rng_below(&rng, 2000) == 0)
			large_blocks(&rng);
	}
	for (int i = 0; i < HAND; i++)
		if (hand[i])
			unmake(hand[i]);
	return NULL;
}

/* --- those who disturb --- */

static void disturb(struct rng *r)
{
	switch (rng_below(r, 7)) {
	case 0:
		slab_drain();
		break;
	case 1:
		slab_reap();
		break;
	case 2:
		slab_decay(1);
		break;
	case 3:
		page_alloc_decay(1);
		vmalloc_decay(1);
		break;
	case 4:
		page_alloc_trim();
		vmalloc_trim();
		break;
	default:
		kmem_cache_shrink(caches[rng_below(r, NR_CACHES)]);
		break;
	}
}

static void *housekeep(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);

	while (!load_relaxed(&quit)) {
		CHECK(gate_enter() == SLOW_NORMAL);
		disturb(&rng);
		gate_leave();
		usleep((useconds_t)rng_below(&rng, 1000));
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);
	unsigned int i = 0;

	while (!load_relaxed(&quit)) {
		struct kmem_cache *c;
		void *objs[50];
		char name[32];

		snprintf(name, sizeof(name), "short-lived-%u", i++);
		c = create_cache(name, rng_log(&rng, 2000), 0, 0, NULL);
		CHECK(c);
		for (int k = 0; k < 50; k++) {
			objs[k] = kmem_cache_alloc(c);
			CHECK(objs[k]);
		}
		for (int k = 0; k < 50; k++)
			kmem_cache_free(c, objs[k]);
		/* In quiet mode sheaves cannot be drained: here they can. */
		CHECK(kmem_cache_destroy(c) == 0);
	}
	return NULL;
}

/* --- the whole --- */

static pthread_t threads[NR_THREADS + 2];

static void create_caches(void)
{
	caches[0] = &kmem_caches[kmalloc_class(16)];
	caches[1] = &kmem_caches[kmalloc_class(64)];
	caches[2] = &kmem_caches[kmalloc_class(700)];
	caches[3] = &kmem_caches[kmalloc_class(5000)];
	caches[4] = create_cache("shared-a", 40, 0, 0, NULL);
	caches[5] = create_cache("shared-b", 1000, 64, 0, NULL);
}

static void start_threads(void)
{
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)(i + 1)));
	CHECK(!pthread_create(&threads[NR_THREADS], NULL, housekeep,
			      (void *)100));
	CHECK(!pthread_create(&threads[NR_THREADS + 1], NULL, come_and_go,
			      (void *)101));
}

static void stop_threads(void)
{
	store_relaxed(&quit, true);
	for (int i = 0; i < NR_THREADS + 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

/* Everything was freed: is everything there? */
static void check_all_free(void)
{
	for (int i = 0; i < NR_SHARED; i++)
		if (shared[i])
			unmake(shared[i]);
	slab_drain();
	for (unsigned int id = 1; id < nr_cache_ids(); id++) {
		if (!kmem_caches[id].size)
			continue;
		kmem_cache_validate(&kmem_caches[id]);
		CHECK(control.caches[id].nr_slabs == 0);
		CHECK(control.caches[id].nr_barn == 0);
		CHECK(control.caches[id].nr_free == 0);
	}
	page_alloc_trim();
	vmalloc_trim();
	CHECK(vmalloc_stat().used == 0 && vmalloc_stat().nr_areas == 0);
	CHECK(vmalloc_stat().unpurged == 0);
	for (unsigned int n = 0; n < nr_nodes(); n++) {
		const struct control_zone *st = &control.zones[n][ZONE_NORMAL];

		if (st->free != st->present || st->pcp)
			fprintf(stderr, "%lu pages, %lu free, %lu in pcp, %lu in slabs\n",
				st->present, st->free, st->pcp, st->slab);
		CHECK(st->free == st->present && st->pcp == 0);
		CHECK(st->slab == 0 && st->large == 0);
		CHECK(st->free_resident == 0);
	}
}

static void run(unsigned int ms)
{
	create_caches();
	start_threads();
	usleep(ms * 1000);
	stop_threads();
	check_all_free();
}

static void test_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=4096");
	run(1500);
}

static void test_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=4096");
	run(unit_has_tsan() ? 3000 : 1000);
}

static void test_small_budgets(void **state)
{
	(void)state;
	core_start(unit_has_tsan() ?
			   "percpu=lock,span=4096,percpu_budget=16,barn_limit=16" :
			   "percpu=auto,span=4096,percpu_budget=16,barn_limit=16");
	run(1000);
}

static void test_two_nodes(void **state)
{
	(void)state;
	core_start(unit_has_tsan() ? "percpu=lock,span=65536,numa=fake=2" :
				     "percpu=auto,span=65536,numa=fake=2");
	run(1000);
}

/* --- fork, as lib/malloc/fork.c does it --- */

static bool stopped;

static void prepare(void)
{
	gate_close();
	stopped = percpu_stop();
}

static void resume(void (*open_gate)(void))
{
	if (stopped)
		percpu_start();
	open_gate();
}

static void use_in_child(void)
{
	struct rng rng = rng_seeded(77);
	struct stamp *hand[HAND] = { 0 };

	/* Not cmocka's handler, which would go on as a second runner. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	alarm(20);
	for (unsigned int id = 1; id < nr_cache_ids(); id++)
		if (kmem_caches[id].size)
			kmem_cache_validate(&kmem_caches[id]);
	for (unsigned int i = 0; i < 3000; i++) {
		struct stamp **s = &hand[rng_below(&rng, HAND)];

		if (*s)
			unmake(*s);
		*s = make(&rng);
	}
	large_blocks(&rng);
	slab_drain();
	page_alloc_trim();
	_exit(0);
}

static void fork_under_load(void)
{
	create_caches();
	start_threads();
	for (unsigned int i = 0; i < rounds(30); i++) {
		int status;
		pid_t pid;

		prepare();
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			resume(gate_open_in_child);
			use_in_child();
		}
		resume(gate_open);
		while (waitpid(pid, &status, 0) < 0)
			CHECK(errno == EINTR);
		if (status)
			fprintf(stderr, "child: 0x%x\n", (unsigned int)status);
		CHECK(status == 0);
	}
	stop_threads();
	check_all_free();
}

static void test_fork_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=4096");
	fork_under_load();
}

static void test_fork_lock(void **state)
{
	(void)state;
	if (unit_has_tsan())
		unit_skip("no fork of threads under ThreadSanitizer");
	core_start("percpu=lock,span=4096");
	fork_under_load();
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rseq),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_small_budgets),
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_fork_rseq),
		cmocka_unit_test(test_fork_lock),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
