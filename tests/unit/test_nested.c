/* SPDX-License-Identifier: MIT */
/*
 * test_nested.c - a signal handler that allocates and frees, at every single
 * instruction of every slow path.
 *
 * The processor's trap flag raises SIGTRAP after each instruction; the handler
 * does what malloc and free do when they are nested. So every window, however
 * small, is hit: locks held, lists half changed, counters between two states. A
 * nested call that waits for a lock of the frame it interrupted hangs for ever
 * and ends by alarm(); one that trusts half-changed state breaks what is checked
 * at the end.
 *
 * Restartable sequences are aborted by each trap, which is a test of its own:
 * they must not be tried for ever.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/params.h"
#include "page_alloc/internal.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "slab/internal.h"
#include "vmalloc/vmalloc.h"

#if defined(__x86_64__)

enum { NR_HELD = 48 };

static struct held {
	enum { NONE, OBJECT, BLOCK, AREA } kind;
	unsigned char *p;
	struct kmem_cache *cache;
} held[NR_HELD];

static struct rng rng;
static unsigned long steps, acts, nested_allocs;
/* Act at every so many steps. */
static unsigned int stride = 1;

/* --- what the handler does --- */

static void put(struct held *h, bool nested)
{
	bool done = false;

	CHECK(h->p[0] == (unsigned char)(uintptr_t)h);
	switch (h->kind) {
	case NONE:
		break;
	case OBJECT:
		done = kmem_cache_free_slow(h->cache, h->p,
					    nested ? SLOW_NESTED : SLOW_NORMAL);
		break;
	case BLOCK:
		done = free_pages_exact(virt_to_page(h->p), !nested);
		break;
	case AREA:
		done = vfree(virt_to_page(h->p), !nested);
		break;
	}
	/* What could not be freed now is put off, as malloc does it. */
	if (done)
		h->kind = NONE;
}

static void get(struct held *h, bool nested)
{
	gfp_t gfp = nested ? GFP_ATOMIC : GFP_KERNEL;
	size_t nr = 1 + rng_below(&rng, 40);

	switch (rng_below(&rng, 4)) {
	case 0:
	case 1:
		h->cache = &kmem_caches[1 + rng_below(&rng, NR_KMALLOC)];
		h->p = kmem_cache_alloc_slow(h->cache, nested ? SLOW_NESTED :
							       SLOW_NORMAL);
		h->kind = OBJECT;
		break;
	case 2:
		h->p = alloc_pages_exact(nr, 0, gfp);
		h->kind = BLOCK;
		break;
	default:
		h->p = vmalloc_pages(nr, nr, PAGE_SIZE, false, !nested);
		h->kind = AREA;
		break;
	}
	if (!h->p) {
		CHECK(nested);
		h->kind = NONE;
		return;
	}
	nested_allocs += nested;
	h->p[0] = (unsigned char)(uintptr_t)h;
}

static void act(void)
{
	struct held *h = &held[rng_below(&rng, NR_HELD)];
	enum slow_path how = gate_enter();

	acts++;
	if (how != SLOW_BARRED) {
		if (h->kind == NONE)
			get(h, how == SLOW_NESTED);
		else
			put(h, how == SLOW_NESTED);
	}
	gate_leave();
}

/* What the handler frees, trimming may find again: it would never end. */
enum { MOST_STEPS = 12000 };
static unsigned long last_step;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (++steps % stride == 0)
		act();
	if (steps > last_step)
		uc->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
}

static void step_on(void)
{
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq"
			 : : : "memory", "cc");
}

static void step_off(void)
{
	__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"
			 : : : "memory", "cc");
}

/* --- what is interrupted --- */

static void objects(unsigned int class)
{
	struct kmem_cache *c = &kmem_caches[class];
	void *objs[20];

	for (int i = 0; i < 20; i++) {
		CHECK(gate_enter() == SLOW_NORMAL);
		objs[i] = kmem_cache_alloc_slow(c, SLOW_NORMAL);
		gate_leave();
		CHECK(objs[i]);
	}
	for (int i = 0; i < 20; i++) {
		CHECK(gate_enter() == SLOW_NORMAL);
		CHECK(kmem_cache_free_slow(c, objs[i], SLOW_NORMAL));
		gate_leave();
	}
}

static void small_objects(void)
{
	objects(3);
}

static void large_objects(void)
{
	objects(36);
}

static void page_blocks(void)
{
	void *p;

	for (size_t nr = 1; nr < 600; nr = 3 * nr + 1) {
		CHECK(gate_enter() == SLOW_NORMAL);
		p = alloc_pages_exact(nr, 0, GFP_KERNEL);
		CHECK(p);
		resize_pages_exact(virt_to_page(p), 2 * nr, true);
		CHECK(free_pages_exact(virt_to_page(p), true));
		gate_leave();
	}
}

static void areas(void)
{
	void *p, *q;

	CHECK(gate_enter() == SLOW_NORMAL);
	p = vmalloc_pages(100, 100, PAGE_SIZE, false, true);
	CHECK(p);
	q = vrealloc(virt_to_page(p), 300, true);
	CHECK(q);
	q = vrealloc(virt_to_page(q), 30, true);
	CHECK(q && vfree(virt_to_page(q), true));
	gate_leave();
}

static void housekeeping(void)
{
	CHECK(gate_enter() == SLOW_NORMAL);
	slab_decay(1);
	vmalloc_decay(1);
	page_alloc_decay(1);
	gate_leave();
}

static void draining(void)
{
	CHECK(gate_enter() == SLOW_NORMAL);
	slab_drain();
	vmalloc_trim();
	page_alloc_trim();
	gate_leave();
}

/* What fork does around the copy. */
static void forking(void)
{
	bool stopped;

	gate_close();
	stopped = percpu_stop();
	if (stopped)
		percpu_start();
	gate_open();
}

/* --- the whole --- */

static void single_step(void (*fn)(void), const char *name)
{
	unsigned long before = steps;

	last_step = steps + MOST_STEPS;
	step_on();
	fn();
	step_off();
	CHECK(thread_word.depth == 0 && !thread_word.gated);
	printf("%s: %lu steps\n", name, steps - before);
	fflush(stdout);
	CHECK(steps > before + 20);
}

static void check_nothing_lost(void)
{
	for (int i = 0; i < NR_HELD; i++)
		if (held[i].kind != NONE) {
			put(&held[i], false);
			CHECK(held[i].kind == NONE);
		}
	slab_drain();
	page_alloc_trim();
	vmalloc_trim();
	for (unsigned int id = 1; id <= NR_KMALLOC; id++) {
		kmem_cache_validate(&kmem_caches[id]);
		CHECK(control.caches[id].nr_slabs == 0);
		CHECK(control.caches[id].nr_barn == 0);
	}
	buddy_validate(zone_of(0, ZONE_NORMAL));
	CHECK(control.zones[0][ZONE_NORMAL].free ==
	      control.zones[0][ZONE_NORMAL].present);
	CHECK(vmalloc_stat().nr_areas == 0);
}

static void run(unsigned int every)
{
	static void (*const fns[])(void) = {
		small_objects, large_objects, page_blocks, areas,
		housekeeping,  forking,	      draining,
	};
	static const char *const names[] = {
		"small objects", "large objects", "page blocks", "areas",
		"housekeeping",	 "forking",	  "draining",
	};
	struct sigaction sa = {
		.sa_sigaction = on_trap,
		.sa_flags = SA_SIGINFO,
	};

	rng = rng_seeded(every);
	stride = every;
	alarm(50);
	CHECK(!sigaction(SIGTRAP, &sa, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++)
		single_step(fns[i], names[i]);
	/* It was worth the while. */
	CHECK(acts > 1000 && nested_allocs > 100);
	check_nothing_lost();
}

static void test_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=256,thp=off");
	run(1);
}

static void test_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256,thp=off");
	run(1);
}

/* Fewer acts: the heap is in other states when they come. */
static void test_lock_now_and_then(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256,thp=off");
	run(7);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rseq),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_lock_now_and_then),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}

#else

int main(void)
{
	puts("skipped: no trap flag known for this architecture");
	return 77;
}

#endif
