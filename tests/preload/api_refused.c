/* SPDX-License-Identifier: MIT */
/*
 * Proves what the library's interface does without memory. Each operation below
 * takes more than the heap has; whatever call of its is refused says ENOMEM, nothing
 * that it had got before is lost or damaged, and a second try succeeds as soon as
 * there is memory:
 *
 *   refused       the kernel refuses memory from the N-th call on, for each N;
 *   refused_once  the same for the N-th call alone;
 *   exhausted     the heap has nothing left but a few blocks, one more each time,
 *                 so that each allocation inside of a call is the one that fails.
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>
#include <pagoda/map.h>
#include <pagoda/mempool.h>
#include <pagoda/pages.h>
#include <pagoda/shrinker.h>
#include <pagoda/stats.h>
#include <pagoda/vmalloc.h>

#include "test.h"

#include <malloc.h>

#if !defined(__x86_64__)
int main(void)
{
	test_skip("the system call stub is written for x86-64");
}
#else

#include "filter.h"

enum { KERNEL = PAGODA_GFP_KERNEL, PAGE = PAGODA_PAGE_SIZE, MOST = 20000 };

/* What an operation holds until its end. */
static void *got[MOST];

/* A call came back with nothing. Return: what the operation returns. */
static bool refused_here(void)
{
	CHECK_MSG(errno == ENOMEM, "errno %d, not ENOMEM", errno);
	errno = 0;
	return false;
}

/* ---- caches ------------------------------------------------------------ */

static void construct(void *obj)
{
	fill_key(obj, 500, 500);
}

/* Needs no memory itself. */
static struct pagoda_kmem_cache *cache(size_t size, unsigned int flags,
				       void (*ctor)(void *))
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("refused", size, 0, flags, ctor);

	CHECK(c);
	return c;
}

static bool use_cache(struct pagoda_kmem_cache *c, bool built, size_t nr)
{
	size_t size = pagoda_kmem_cache_size(c), n;
	bool complete = true;

	for (n = 0; n < nr; n++) {
		got[n] = pagoda_kmem_cache_alloc(c, KERNEL);
		if (!got[n])
			break;
		if (built)
			CHECK(check_key(got[n], size, size));
		else
			fill_key(got[n], size, n);
	}
	if (n < nr)
		complete = refused_here();
	while (n--) {
		CHECK(check_key(got[n], size, built ? size : n));
		pagoda_kmem_cache_free(c, got[n]);
	}
	CHECK(!pagoda_kmem_cache_destroy(c));
	return complete;
}

static bool objects(void)
{
	return use_cache(cache(24, 0, NULL), false, MOST);
}

static bool large_objects(void)
{
	return use_cache(cache(30000, PAGODA_SLAB_HWCACHE_ALIGN, NULL), false,
			 200);
}

static bool constructed(void)
{
	return use_cache(cache(500, 0, construct), true, 8000);
}

static bool checked_objects(void)
{
	unsigned int flags = PAGODA_SLAB_POISON | PAGODA_SLAB_RED_ZONE;

	return use_cache(cache(1000, flags, NULL), false, 4000);
}

/* All or none. */
static bool bulk(void)
{
	struct pagoda_kmem_cache *c = cache(300, 0, NULL);
	size_t n = pagoda_kmem_cache_alloc_bulk(c, KERNEL, MOST, got);

	CHECK(n == MOST || !n);
	if (n)
		pagoda_kmem_cache_free_bulk(c, n, got);
	else
		refused_here();
	CHECK(!pagoda_kmem_cache_destroy(c));
	return n;
}

/* ---- mempools ---------------------------------------------------------- */

static bool use_pool(struct pagoda_mempool *pool, size_t size)
{
	void *p;

	if (!pool)
		return refused_here();
	/* Of the reserve, if there is nothing else. */
	p = pagoda_mempool_alloc(pool, PAGODA_GFP_ATOMIC);
	CHECK(p);
	memset(p, 1, size);
	pagoda_mempool_free(p, pool);
	pagoda_mempool_destroy(pool);
	return true;
}

static bool kmalloc_pool(void)
{
	return use_pool(pagoda_mempool_create_kmalloc_pool(80, 100000), 100000);
}

static bool small_pool(void)
{
	return use_pool(pagoda_mempool_create_kmalloc_pool(50, 16), 16);
}

static bool locked_pool(void)
{
	return use_pool(pagoda_mempool_create_locked_pool(100, 10000), 10000);
}

static bool slab_pool(void)
{
	struct pagoda_kmem_cache *c = cache(2000, 0, NULL);
	bool complete =
		use_pool(pagoda_mempool_create_slab_pool(2000, c), 2000);

	CHECK(!pagoda_kmem_cache_destroy(c));
	return complete;
}

/* As it was, if it cannot be larger. */
static bool resized_pool(void)
{
	struct pagoda_mempool *pool =
		pagoda_mempool_create_kmalloc_pool(1, 5000);
	bool complete = true;

	if (!pool)
		return refused_here();
	if (pagoda_mempool_resize(pool, 1000))
		complete = refused_here();
	return use_pool(pool, 5000) && complete;
}

/* ---- pages and areas --------------------------------------------------- */

static bool blocks(unsigned int gfp, unsigned int order, size_t nr)
{
	bool complete = true;
	size_t n;

	for (n = 0; n < nr; n++) {
		got[n] = pagoda_alloc_pages(gfp, order);
		if (!got[n])
			break;
		if (gfp & PAGODA_GFP_ZERO)
			CHECK(all_zero(got[n], (size_t)PAGE << order));
		memset(got[n], 1, PAGE);
	}
	if (n < nr)
		complete = refused_here();
	while (n--)
		pagoda_free_pages(got[n], order);
	return complete;
}

static bool single_pages(void)
{
	return blocks(KERNEL, 0, 4000);
}

static bool zeroed_pages(void)
{
	return blocks(PAGODA_GFP_ZERO, 3, 300);
}

static bool largest_blocks(void)
{
	return blocks(KERNEL, PAGODA_MAX_ORDER, 5);
}

static bool movable_blocks(void)
{
	return blocks(PAGODA_GFP_HIGHUSER_MOVABLE, 5, 100);
}

static bool dma_blocks(void)
{
	return blocks(PAGODA_GFP_DMA, 2, 200);
}

static bool dma32_blocks(void)
{
	return blocks(PAGODA_GFP_DMA32 | PAGODA_GFP_ZERO, 6, 20);
}

static bool exact(void)
{
	unsigned int node = pagoda_nr_nodes() - 1;
	bool complete = true;
	size_t n;

	for (n = 0; n < 100; n++) {
		got[n] = pagoda_alloc_pages_exact_node(node, 90001, KERNEL);
		if (!got[n])
			break;
	}
	if (n < 100)
		complete = refused_here();
	while (n--)
		pagoda_free_pages_exact(got[n], 90001);
	return complete;
}

static bool areas(void)
{
	static const size_t sizes[] = {1, 200 * KIB, 7 * MIB, 30 * MIB};
	bool complete = true;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		got[n] = n % 2 ? pagoda_vzalloc(sizes[n]) :
				 pagoda_vmalloc(sizes[n]);
		if (!got[n])
			break;
		if (n % 2)
			CHECK(all_zero(got[n], 200 * KIB));
		memset(got[n], 1, sizes[n] < PAGE ? sizes[n] : PAGE);
	}
	if (n < ARRAY_SIZE(sizes))
		complete = refused_here();
	while (n--)
		pagoda_vfree(got[n]);
	return complete;
}

/* Its contents are whole, whether it grows, moves, or stays as it was. */
static bool grown_area(void)
{
	size_t size = 100 * KIB;
	char *p = pagoda_vmalloc(size), *blocker, *q;
	bool complete = true;

	if (!p)
		return refused_here();
	fill_key(p, 100 * KIB, 3);
	blocker = pagoda_vmalloc(PAGE);
	if (!blocker)
		complete = refused_here();
	for (; complete && size < 50 * MIB; size *= 5) {
		size_t before = pagoda_vmalloc_size(p);

		CHECK(before >= size);
		q = pagoda_vrealloc(p, 5 * size);
		if (!q) {
			complete = refused_here();
			CHECK(pagoda_vmalloc_size(p) == before);
		}
		p = q ? q : p;
	}
	CHECK(check_key(p, 100 * KIB, 3));
	pagoda_vfree(blocker);
	pagoda_vfree(p);
	return complete;
}

/* ---- shrinkers and mappings -------------------------------------------- */

static size_t nothing_to_free(void *data)
{
	(void)data;
	return 0;
}

static size_t free_nothing(void *data, size_t nr)
{
	(void)data;
	(void)nr;
	return 0;
}

static bool shrinkers(void)
{
	enum { NR = 4000 };
	static struct pagoda_shrinker s[NR];
	bool complete = true;
	size_t n;

	for (n = 0; n < NR; n++) {
		s[n].count = nothing_to_free;
		s[n].scan = free_nothing;
		if (pagoda_register_shrinker(&s[n]))
			break;
	}
	if (n < NR) {
		complete = refused_here();
		/* It is not half there. */
		CHECK(pagoda_unregister_shrinker(&s[n]) && errno == ENOENT);
	}
	while (n--)
		CHECK(!pagoda_unregister_shrinker(&s[n]));
	return complete;
}

static int fill_page(void *data, const struct pagoda_vm_fault *vmf)
{
	(void)data;
	memset(vmf->buf, 5, vmf->size);
	return 0;
}

static const struct pagoda_vm_operations map_ops = {.fault = fill_page};

/* The pager is there before memory is refused. */
static bool have_map(void)
{
	void *p = pagoda_map(PAGE, &map_ops, NULL, PAGODA_MAP_USER_FAULTS);

	if (!p)
		return false;
	CHECK(!pagoda_unmap(p, PAGE));
	return true;
}

static bool mappings(void)
{
	enum { NR = 300 };
	bool complete = true;
	size_t n;

	for (n = 0; n < NR; n++) {
		errno = 0;
		got[n] = pagoda_map(3 * PAGE, &map_ops, NULL,
				    PAGODA_MAP_USER_FAULTS);
		if (!got[n])
			break;
	}
	if (n < NR)
		complete = refused_here();
	while (n--) {
		/* The middle one, which makes two of it; then what is left. */
		if (pagoda_unmap((char *)got[n] + PAGE, PAGE))
			complete = refused_here();
		if (pagoda_unmap(got[n], 3 * PAGE))
			complete = refused_here();
	}
	return complete;
}

static const struct operation {
	const char *name;
	bool (*run)(void);
	bool (*prepare)(void); /* false: not on this system */
	bool quiet; /* asks the kernel for nothing while the heap is as it is */
} operations[] = {
	{.name = "objects", .run = objects},
	{.name = "large objects", .run = large_objects},
	{.name = "constructed objects", .run = constructed},
	{.name = "checked objects", .run = checked_objects},
	{.name = "bulk", .run = bulk},
	{.name = "kmalloc pool", .run = kmalloc_pool},
	{.name = "small pool", .run = small_pool, .quiet = true},
	{.name = "locked pool", .run = locked_pool},
	{.name = "slab pool", .run = slab_pool},
	{.name = "resized pool", .run = resized_pool},
	{.name = "pages", .run = single_pages},
	{.name = "zeroed pages", .run = zeroed_pages},
	{.name = "largest blocks", .run = largest_blocks},
	{.name = "movable blocks", .run = movable_blocks},
	{.name = "dma blocks", .run = dma_blocks},
	{.name = "dma32 blocks", .run = dma32_blocks},
	{.name = "exact", .run = exact},
	{.name = "areas", .run = areas},
	{.name = "grown area", .run = grown_area},
	{.name = "shrinkers", .run = shrinkers, .quiet = true},
	{.name = "mappings", .run = mappings, .prepare = have_map},
};

/* ---- nothing is lost --------------------------------------------------- */

static uint64_t live(void)
{
	struct pagoda_stats stats;

	CHECK(!pagoda_stats(&stats, sizeof(stats)));
	return stats.live;
}

static void check_live(const struct operation *op, const char *when,
		       uint64_t before)
{
	uint64_t after = live();

	CHECK_MSG(after == before, "%s, %s: %ju bytes live, %ju before",
		  op->name, when, (uintmax_t)after, (uintmax_t)before);
}

/* ---- refused calls ----------------------------------------------------- */

struct plan {
	const struct operation *op;
	long first, last;
};

/* Exit status: 0 it failed, 2 so many calls were not made, 3 it got by. */
enum { NOT_MET = 2, GOT_BY = 3 };

static void carry_out(const struct plan *plan)
{
	const struct operation *op = plan->op;
	uint64_t before;
	bool complete;
	long seen;

	if (op->prepare && !op->prepare())
		_exit(EXIT_SKIP);
	before = live();
	refuse_memory(plan->first, plan->last);
	complete = op->run();
	seen = atomic_load(&calls_seen);
	check_live(op, "refused", before);
	relent();
	CHECK_MSG(op->run(), "%s: fails later, too", op->name);
	check_live(op, "again", before);
	_exit(seen < plan->first ? NOT_MET : complete ? GOT_BY : 0);
}

static void refuse_calls(const struct operation *op, bool once)
{
	/* Most of what is behind the first calls is more of the same. */
	enum { MOST_CALLS_REFUSED = 12 };
	struct plan plan = {.op = op};
	long failed = 0, got_by = 0;
	int status;
	pid_t pid;

	for (plan.first = 1; plan.first <= MOST_CALLS_REFUSED; plan.first++) {
		plan.last = once ? plan.first : LONG_MAX;
		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			carry_out(&plan);
		}
		status = wait_for(pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
			printf("%s: not on this system\n", op->name);
			return;
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_MET)
			break;
		if (WIFEXITED(status) && WEXITSTATUS(status) == GOT_BY) {
			got_by++;
			continue;
		}
		if (status)
			fprintf(stderr, "%s: refused from call %ld to %ld\n",
				op->name, plan.first, plan.last);
		CHECK_STATUS(status, 0, op->name);
		failed++;
	}
	printf("%s: %ld times ENOMEM, %ld times without the call\n", op->name,
	       failed, got_by);
	/* It would not have been tested. */
	CHECK(op->quiet || (once ? failed + got_by : failed));
}

static void refused(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		refuse_calls(&operations[i], false);
}

static void refused_once(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		refuse_calls(&operations[i], true);
}

/* ---- a heap with nothing left ------------------------------------------ */

struct block {
	struct block *next;
};

static const size_t sizes[] = {4 * MIB, MIB,  64 * KIB, 8 * KIB, 3 * KIB,
			       1024,    256,  96,       48,      16};

/* What the heap had, by size; and zones that malloc() does not take from. */
static struct block *taken[ARRAY_SIZE(sizes)], *elsewhere;

static void push(struct block **list, struct block *b)
{
	b->next = *list;
	*list = b;
}

static void give(struct block **list, size_t nr)
{
	struct block *b;

	while (nr-- && (b = *list) != NULL) {
		*list = b->next;
		free(b);
	}
}

/* A few of each, which the largest would leave no room for. */
static void take_some(void)
{
	enum { SOME = 40 };
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (n = 0; n < SOME && sizes[i] < MIB; n++)
			push(&taken[i], malloc(sizes[i]));
}

static void take_all(void)
{
	static const unsigned int zones[] = {PAGODA_GFP_DMA, PAGODA_GFP_DMA32,
					     PAGODA_GFP_HIGHUSER_MOVABLE};
	struct block *b;
	unsigned int o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		while ((b = malloc(sizes[i])) != NULL)
			push(&taken[i], b);
	for (i = 0; i < ARRAY_SIZE(zones); i++)
		for (o = PAGODA_MAX_ORDER + 1; o--;)
			while ((b = pagoda_alloc_pages(zones[i], o)) != NULL)
				push(&elsewhere, b);
}

/* With room for @nr blocks of size @i. Return: whether that was enough. */
static bool run_with(const struct operation *op, size_t i, size_t nr)
{
	uint64_t before;
	bool complete;

	give(&taken[i], nr);
	before = live();
	complete = op->run();
	check_live(op, "exhausted", before);
	take_all();
	return complete;
}

static void exhaust(void *arg)
{
	const struct operation *op = arg;
	size_t i, nr, tries = 0, failed = 0;
	uint64_t before;

	if (op->prepare && !op->prepare())
		return;
	/* So that there is a heap, with what it takes. */
	CHECK(op->run());
	before = live();
	take_some();
	refuse_memory(1, LONG_MAX);
	take_all();
	for (i = ARRAY_SIZE(sizes); i--;)
		for (nr = 0; nr < 12; nr++, tries++)
			failed += !run_with(op, i, nr);
	printf("%s: failed %zu times of %zu\n", op->name, failed, tries);
	CHECK(failed);
	relent();
	CHECK_MSG(op->run(), "%s: fails later, too", op->name);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		give(&taken[i], SIZE_MAX);
	give(&elsewhere, SIZE_MAX);
	check_live(op, "at the end", before);
}

static void exhausted(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		in_child(operations[i].name, 30, exhaust,
			 (void *)(uintptr_t)&operations[i]);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"refused", refused, 60},
		{"refused_once", refused_once, 60},
		{"exhausted", exhausted, 60},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}

#endif
