/* SPDX-License-Identifier: MIT */
/*
 * The whole of the library's interface at once, on shared caches and pools, with
 * contents that say whose they are:
 *
 *   threads  a thousand threads, of which some are interrupted and some fork;
 *   forks    many threads fork while all of them use everything; each child uses
 *            everything, too;
 *   signals  handlers that use what is safe in them, every 100 us in each thread;
 *   stepped  as under a debugger that single-steps: no restartable sequence ever
 *            comes to its end.
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>
#include <pagoda/mempool.h>
#include <pagoda/pages.h>
#include <pagoda/shrinker.h>
#include <pagoda/stats.h>
#include <pagoda/vmalloc.h>

#include "workload.h"

enum {
	KERNEL = PAGODA_GFP_KERNEL,
	ATOMIC = PAGODA_GFP_ATOMIC,
	ZERO = PAGODA_GFP_ZERO,
	PAGE = PAGODA_PAGE_SIZE,
};

typedef struct pagoda_kmem_cache cache_t;
typedef struct pagoda_mempool pool_t;

/* ---- what is shared ---------------------------------------------------- */

enum { ITEM = 200, CHECKED = 72, ELEMENT = 300 };

/* An object that its constructor makes, and its users leave as it was. */
struct built {
	struct built *self;
	uint64_t used;
	char rest[100];
};

static cache_t *items, *builts, *checked, *typesafe;
static pool_t *slab_pool, *kmalloc_pool, *locked_pool, *scarce_pool;
static atomic_bool over;

static void build(void *obj)
{
	struct built *b = obj;

	b->self = b;
	b->used = 0;
	fill(b->rest, sizeof(b->rest));
	/* It may allocate. */
	free(malloc(50));
}

static cache_t *cache(const char *name, size_t size, unsigned int flags,
		      void (*ctor)(void *))
{
	cache_t *c = pagoda_kmem_cache_create(name, size, 0, flags, ctor);

	CHECK(c);
	return c;
}

/* A source with fewer elements than there are threads. */
static atomic_int in_source = 20;

static void *scarce_alloc(unsigned int gfp, void *data)
{
	(void)gfp;
	(void)data;
	if (atomic_fetch_sub(&in_source, 1) > 0)
		return malloc(ELEMENT);
	atomic_fetch_add(&in_source, 1);
	return NULL;
}

static void scarce_free(void *element, void *data)
{
	(void)data;
	free(element);
	atomic_fetch_add(&in_source, 1);
}

static void set_up(void)
{
	items = cache("items", ITEM, 0, NULL);
	builts = cache("builts", sizeof(struct built),
		       PAGODA_SLAB_HWCACHE_ALIGN, build);
	checked = cache("checked", CHECKED,
			PAGODA_SLAB_POISON | PAGODA_SLAB_RED_ZONE, NULL);
	typesafe = cache("typesafe", ITEM, PAGODA_SLAB_TYPESAFE, NULL);
	slab_pool = pagoda_mempool_create_slab_pool(16, items);
	kmalloc_pool = pagoda_mempool_create_kmalloc_pool(16, ELEMENT);
	locked_pool = pagoda_mempool_create_locked_pool(8, ELEMENT);
	scarce_pool = pagoda_mempool_create(10, scarce_alloc, scarce_free,
					    NULL);
	CHECK(slab_pool && kmalloc_pool && scarce_pool);
	if (!locked_pool)
		printf("no locked pool: %s\n", strerror(errno));
}

/* ---- who frees what another one has made --------------------------------- */

enum { HANDS = 64 };

static _Atomic(struct box *) hands[HANDS];

static void end_item(struct box *box)
{
	if (!box)
		return;
	box_check(box);
	pagoda_kmem_cache_free(items, box);
}

static void hand_over(struct rng *r)
{
	struct box *box = pagoda_kmem_cache_alloc(items, KERNEL);

	CHECK(box);
	box_fill(box, ITEM);
	end_item(atomic_exchange(&hands[rng_below(r, HANDS)], box));
}

static void tear_down(void)
{
	size_t i;

	for (i = 0; i < HANDS; i++)
		end_item(atomic_exchange(&hands[i], NULL));
	pagoda_mempool_destroy(slab_pool);
	pagoda_mempool_destroy(kmalloc_pool);
	pagoda_mempool_destroy(locked_pool);
	pagoda_mempool_destroy(scarce_pool);
	CHECK(atomic_load(&in_source) == 20);
	/* None is lost. */
	CHECK(!pagoda_kmem_cache_destroy(items));
	CHECK(!pagoda_kmem_cache_destroy(builts));
	CHECK(!pagoda_kmem_cache_destroy(checked));
	CHECK(!pagoda_kmem_cache_destroy(typesafe));
}

/* ---- one thing at a time ----------------------------------------------- */

static void use_cache(struct rng *r, cache_t *c, unsigned int gfp)
{
	enum { MANY = 100 };
	size_t size = pagoda_kmem_cache_size(c), i, n, have;
	struct box *box[MANY];

	n = 1 + rng_below(r, MANY);
	if (rng_below(r, 2)) {
		have = pagoda_kmem_cache_alloc_bulk(c, gfp, n, (void **)box);
	} else {
		for (have = 0; have < n; have++)
			if (!(box[have] = pagoda_kmem_cache_alloc(c, gfp)))
				break;
	}
	CHECK(have == n || gfp & ATOMIC);
	for (i = 0; i < have; i++) {
		CHECK(!(gfp & ZERO) || all_zero(box[i], size));
		box_fill(box[i], size);
	}
	for (i = 0; i < have; i++)
		box_check(box[i]);
	i = have ? rng_below(r, have + 1) : 0;
	pagoda_kmem_cache_free_bulk(c, i, (void **)box);
	for (; i < have; i++)
		pagoda_kmem_cache_free(c, box[i]);
}

static void use_builts(struct rng *r, unsigned int gfp)
{
	struct built *b[20];
	size_t i, n = 1 + rng_below(r, ARRAY_SIZE(b));

	n = pagoda_kmem_cache_alloc_bulk(builts, gfp, n, (void **)b);
	CHECK(n || gfp & ATOMIC);
	for (i = 0; i < n; i++) {
		CHECK(b[i]->self == b[i]);
		CHECK(check_fill(b[i]->rest, sizeof(b[i]->rest)));
		b[i]->used++;
	}
	while (n--)
		pagoda_kmem_cache_free(builts, b[n]);
}

static void use_pool(pool_t *pool, size_t size, unsigned int gfp)
{
	struct box *box;

	if (!pool)
		return;
	box = pagoda_mempool_alloc(pool, gfp);
	CHECK(box || gfp == ATOMIC);
	if (!box)
		return;
	box_fill(box, size);
	box_check(box);
	pagoda_mempool_free(box, pool);
}

static void use_pools(unsigned int gfp)
{
	use_pool(slab_pool, ITEM, gfp);
	use_pool(kmalloc_pool, ELEMENT, gfp);
	use_pool(locked_pool, ELEMENT, gfp);
	use_pool(scarce_pool, ELEMENT, gfp);
}

static void use_pages(struct rng *r, unsigned int gfp)
{
	static const unsigned int zones[] = {0, 0, PAGODA_GFP_DMA32,
					     PAGODA_GFP_HIGHUSER_MOVABLE};
	unsigned int order = (unsigned int)rng_below(r, 5);
	size_t size = rng_size(r, 200000);
	struct pagoda_page page;
	char *p, *q;

	p = pagoda_alloc_pages(gfp | zones[rng_below(r, ARRAY_SIZE(zones))],
			       order);
	q = pagoda_alloc_pages_exact(size, gfp | ZERO);
	CHECK((p && q) || gfp & ATOMIC);
	if (p) {
		CHECK((uintptr_t)p % ((size_t)PAGE << order) == 0);
		fill(p, (size_t)PAGE << order);
	}
	if (q) {
		CHECK(all_zero(q, size));
		CHECK(!pagoda_virt_to_page(q + size - 1, &page));
		CHECK(page.address == q);
		fill(q, size);
		CHECK(check_fill(q, size));
	}
	if (p)
		CHECK(check_fill(p, (size_t)PAGE << order));
	pagoda_free_pages(p, order);
	pagoda_free_pages_exact(q, size);
}

static void use_area(struct rng *r)
{
	size_t size = rng_size(r, 500000), more = size + rng_size(r, 2 * MIB);
	char *p = rng_below(r, 2) ? pagoda_vmalloc(size) : pagoda_vzalloc(size);

	CHECK(p);
	fill_key(p, size, size);
	p = pagoda_vrealloc(p, more);
	CHECK(p && pagoda_vmalloc_size(p) >= more);
	CHECK(check_key(p, size, size));
	pagoda_vfree(p);
}

static size_t count_boxes(void *data)
{
	return atomic_load((atomic_size_t *)data);
}

static size_t scan_boxes(void *data, size_t nr)
{
	atomic_size_t *boxes = data;
	size_t had = atomic_load(boxes);

	nr = nr < had ? nr : had;
	while (!atomic_compare_exchange_weak(boxes, &had, had - nr))
		nr = nr < had ? nr : had;
	free(malloc(nr));
	return nr;
}

static void use_shrinker(struct rng *r)
{
	atomic_size_t boxes = rng_below(r, 1000);
	struct pagoda_shrinker s = {
		.count = count_boxes,
		.scan = scan_boxes,
		.private_data = &boxes,
	};

	CHECK(!pagoda_register_shrinker(&s));
	if (!rng_below(r, 8)) {
		malloc_trim(0);
		CHECK(!atomic_load(&boxes));
	}
	CHECK(!pagoda_unregister_shrinker(&s));
}

/* Few: there may be 187 at a time. */
static void use_own_cache(struct rng *r)
{
	static atomic_uint serial;
	char name[32];
	cache_t *c;

	snprintf(name, sizeof(name), "own %u", atomic_fetch_add(&serial, 1));
	c = pagoda_kmem_cache_create(name, sizeof(struct box) + rng_size(r, 900),
				     0, 0, NULL);
	CHECK(c || errno == ENOSPC);
	if (!c)
		return;
	use_cache(r, c, KERNEL);
	CHECK(!pagoda_kmem_cache_destroy(c));
}

static void use_stats(struct rng *r)
{
	struct pagoda_stats stats;
	char text[2048], value[16];

	CHECK(!pagoda_stats(&stats, sizeof(stats)) && stats.online);
	CHECK(pagoda_proc_read("meminfo", text, sizeof(text)) > 0);
	CHECK(pagoda_option_get("decay_ms", value, sizeof(value)) > 0);
	CHECK(!pagoda_option_set("decay_ms", rng_below(r, 2) ? "20" : "2000"));
}

/* @gfp: KERNEL; or ATOMIC, for who may not wait for other threads. */
static void use_something(struct rng *r, unsigned int gfp)
{
	switch (rng_below(r, 20)) {
	case 0:
		use_shrinker(r);
		break;
	case 1:
		use_own_cache(r);
		break;
	case 2:
		use_area(r);
		break;
	case 3:
		use_stats(r);
		break;
	case 4:
	case 5:
		use_pages(r, gfp);
		break;
	case 6:
		use_cache(r, checked, gfp);
		break;
	case 7:
		use_cache(r, typesafe, gfp | ZERO);
		break;
	case 8:
	case 9:
		use_builts(r, gfp);
		break;
	case 10:
	case 11:
		use_pools(gfp);
		break;
	case 12:
		pagoda_kmem_cache_shrink(rng_below(r, 2) ? items : builts);
		break;
	case 13:
		free(malloc(rng_size(r, MIB)));
		break;
	case 14:
	case 15:
		hand_over(r);
		break;
	default:
		use_cache(r, items, gfp);
	}
}

/* ---- handlers ---------------------------------------------------------- */

static atomic_size_t signals;

static void handler(int sig)
{
	struct rng r = rng_for(atomic_fetch_add(&signals, 1));
	struct pagoda_stats stats;
	int saved = errno;
	char *p;

	(void)sig;
	use_pools(ATOMIC);
	use_cache(&r, items, ATOMIC);
	use_builts(&r, rng_below(&r, 2) ? ATOMIC : KERNEL | ATOMIC);
	use_pages(&r, ATOMIC);
	p = pagoda_vmalloc(10000);
	if (p)
		fill(p, 10000);
	if (p)
		CHECK(check_fill(p, 10000));
	pagoda_vfree(p);
	CHECK(!pagoda_stats(&stats, sizeof(stats)));
	errno = saved;
}

/* ---- threads ----------------------------------------------------------- */

static atomic_size_t done;

static void use_all(struct rng *r)
{
	wait_for_start();
	while (!atomic_load(&over)) {
		use_something(r, KERNEL);
		atomic_fetch_add(&done, 1);
	}
}

static void *worker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	/* Nice, so that the test's own thread gets to run. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	use_all(&r);
	return NULL;
}

static void *interrupted_worker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	timer_t timer;

	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	timer = start_signals(handler);
	use_all(&r);
	CHECK(!timer_delete(timer));
	return NULL;
}

/* Its own copies of everything, whatever other threads were doing. */
static void child(struct rng *r)
{
	size_t i;

	for (i = 0; i < 60; i++)
		use_something(r, ATOMIC);
	/* All that is safe without those who may hold the rest. */
	use_cache(r, items, KERNEL);
	use_pages(r, KERNEL);
	use_pool(kmalloc_pool, ELEMENT, KERNEL);
	CHECK(pagoda_kmem_cache_destroy(NULL) == 0);
}

static atomic_size_t forks_done;

static void *forker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	pid_t pid;

	while (!atomic_load(&over)) {
		use_something(&r, KERNEL);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			child(&r);
			_exit(0);
		}
		CHECK_STATUS(wait_for(pid), 0, "child");
		atomic_fetch_add(&forks_done, 1);
	}
	return NULL;
}

/* @nr threads, of which some are interrupted and others fork, for some time. */
static void run_threads(size_t nr, size_t interrupted, size_t forking,
			double seconds)
{
	enum { MOST = 1000 };
	static pthread_t thread[MOST];
	size_t i;

	set_up();
	hold_threads();
	for (i = 0; i < nr; i++)
		thread[i] = start_thread(i < interrupted	   ? interrupted_worker :
					 i < interrupted + forking ? forker :
								     worker,
					 (void *)i, 128 * KIB);
	let_threads_go();
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&over, true);
	for (i = 0; i < nr; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu things done, %zu signals, %zu forks\n", atomic_load(&done),
	       atomic_load(&signals), atomic_load(&forks_done));
	tear_down();
}

static void threads(void)
{
	run_threads(1000, 2, 2, 2.5);
	CHECK(done > 2000 && signals && forks_done);
}

static void forks(void)
{
	run_threads(24, 0, 16, 3);
	/* Hundreds, but for machines where page faults are dear. */
	CHECK(forks_done > 32);
}

static void handlers(void)
{
	run_threads(6, 6, 0, 2);
	CHECK(signals > 1000);
}

/* ---- single steps ------------------------------------------------------ */

static atomic_size_t steps;

static void step(int sig)
{
	(void)sig;
	atomic_fetch_add(&steps, 1);
}

static void step_through(bool on)
{
#if defined(__x86_64__)
	if (on)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::
					 : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::
					 : "memory", "cc");
#else
	(void)on;
	test_skip("single steps are written for x86-64");
#endif
}

static void stepped(void)
{
	/* Each step takes microseconds. */
	static const size_t sizes[] = {1, 2, 16, 33};
	struct sigaction action;
	struct rng r = rng_for(5);
	size_t i;

	set_up();
	memset(&action, 0, sizeof(action));
	action.sa_handler = step;
	CHECK(!sigaction(SIGTRAP, &action, NULL));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = sizes[i], k;
		void *objs[33];

		/* Some are there already, as in a program that was not stepped. */
		use_cache(&r, items, KERNEL);
		step_through(true);
		k = pagoda_kmem_cache_alloc_bulk(items, KERNEL, n, objs);
		step_through(false);
		CHECK(k == n);
		for (k = 0; k < n; k++)
			box_fill(objs[k], ITEM);
		for (k = 0; k < n; k++)
			box_check(objs[k]);
		step_through(true);
		pagoda_kmem_cache_free_bulk(items, n, objs);
		objs[0] = pagoda_kmem_cache_alloc(items, KERNEL);
		pagoda_kmem_cache_free(items, objs[0]);
		free(malloc(100));
		step_through(false);
		use_something(&r, KERNEL);
	}
	printf("%zu steps\n", atomic_load(&steps));
	CHECK(steps > 10000);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"threads", threads, 60},
		{"forks", forks, 60},
		{"signals", handlers, 60},
		{"stepped", stepped, 60},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	CHECK_MSG(argc == 2, "one case at a time");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
