/* SPDX-License-Identifier: MIT */
/*
 * block.c - caches of page blocks: what malloc serves above the kmalloc sizes,
 * to 1 MiB, and aligned to more than a page to 2, in four sizes a doubling.
 *
 * They are kmem_caches without slabs: an object is a block of its own, straight
 * from the page allocator. The sheaves of each CPU keep free ones, within a budget
 * of their own (blocks_limit()); with threads barns keep as much, one block to a
 * sheaf, since CPUs that all took and gave pages would stand in line for the lock of
 * the zone. A block that waits is PAGE_CACHED, which is how a double free is
 * found at once.
 */
#include "base/params.h"
#include "os/os.h"
#include "page_alloc/page_alloc.h"
#include "percpu/percpu.h"
#include "slab/internal.h"

_Static_assert((int)FIRST_BLOCK_CACHE > (int)NR_KMALLOC &&
		       (int)LAST_BLOCK_CACHE < (int)FIRST_NAMED_CACHE,
	       "ids do not overlap");

void block_init(void)
{
	for (unsigned int i = 0; i < NR_BLOCK_CACHES; i++) {
		struct kmem_cache *c = &kmem_caches[FIRST_BLOCK_CACHE + i];

		c->id = (uint8_t)(FIRST_BLOCK_CACHE + i);
		c->size = (i % 4 + 5) * ((uint32_t)PAGE_SIZE << (i / 4 + 1));
		c->object_size = c->size;
		c->batch = 1;
		c->sheaf_max = INFANT_SLOTS;
		c->flags = SLAB_PAGE_BLOCKS;
	}
}

/* --- how much may be kept --- */

/*
 * A block that waits in its cache is cold: a program that uses the whole of its blocks
 * goes round through one or more of each size, where the buddy would merge them and
 * hand out again what was used last. So much is kept only while blocks come and go so
 * often that their trips to the zone would cost more, which those of a program that
 * fills them are not.
 */
enum {
	/* Misses of one cache, sheaves found empty or full, counted at once. */
	MISSES = 16,
	/* Least time to judge by, unless there are so many misses before. */
	WINDOW_MS = 8,
	/* Misses in a ms: trips to the zone would take about a tenth of it. */
	BUSY = 600,
	/* What may wait otherwise, where one CPU has all misses, or several: what one of
	 * them has written is dear to another. */
	CALM_ALONE = KiB(256),
	CALM_SHARED = MiB(8),
	CALM_RATIO = 4, /* or that part of what is in use */
};

/* Atomic, all of it. Two CPUs that look at once do no harm. */
static struct {
	uint64_t since; /* ms */
	uint32_t misses; /* from then on */
	uint32_t cpus; /* that had them. Bit k: slots k, k + 32 ... */
	bool busy;
	bool shared;
} traffic CACHELINE_ALIGNED;

static bool several(uint32_t cpus)
{
	return cpus & (cpus - 1);
}

void block_note_miss(uint64_t nr)
{
	uint64_t now, elapsed;
	uint32_t cpus, misses;

	if (nr % MISSES)
		return;
	cpus = load_relaxed(&traffic.cpus) | 1u << percpu_slot() % 32;
	store_relaxed(&traffic.cpus, cpus);
	misses = fetch_add_relaxed(&traffic.misses, MISSES) + MISSES;
	now = os_now_ms();
	elapsed = now - load_relaxed(&traffic.since);
	if (elapsed < WINDOW_MS && misses < BUSY * WINDOW_MS)
		return;
	store_relaxed(&traffic.busy,
		      misses >= BUSY * max_size(elapsed, WINDOW_MS));
	store_relaxed(&traffic.shared, several(cpus));
	store_relaxed(&traffic.since, now);
	store_relaxed(&traffic.misses, 0);
	store_relaxed(&traffic.cpus, 0);
}

uint64_t blocks_limit(void)
{
	uint64_t most = (uint64_t)load_relaxed(&params.block_budget) << 10;
	uint64_t share = (page_alloc_in_use() << PAGE_SHIFT) / CALM_RATIO;

	if (load_relaxed(&traffic.busy))
		return most;
	if (!load_relaxed(&traffic.shared))
		return min_size(most, CALM_ALONE);
	return min_size(most, max_size(CALM_SHARED, share));
}

/* --- blocks --- */

/* With four sizes a doubling, none is more than twice as large as what was asked for. */
enum { LARGER_SIZES = 3 };

/*
 * What is at hand is warm, and resident at least in part; one from elsewhere would
 * take a lock that all CPUs take, and be one block more.
 */
void *block_pop_larger(const struct kmem_cache *c, bool nested)
{
	void *p;

	for (unsigned int i = 1;
	     i <= LARGER_SIZES && c->id + i <= LAST_BLOCK_CACHE; i++)
		if (percpu_popn(c->id + i, &p, 1, nested))
			return p;
	return NULL;
}

void *block_take(struct kmem_cache *c, bool nested)
{
	gfp_t gfp = (nested ? GFP_ATOMIC : GFP_KERNEL) | GFPF_MOVABLE;
	void *p = alloc_pages_exact(c->size >> PAGE_SHIFT, 0, gfp);

	if (!p)
		return NULL;
	cache_show(c);
	fetch_add_relaxed(&cache_stat(c)->grown, 1);
	set_page_class(p, PAGE_CLASS_ASK);
	return p;
}

unsigned int block_give(struct kmem_cache *c, void *const *blocks,
			unsigned int n, bool nested)
{
	unsigned int done;

	for (done = 0; done < n; done++) {
		/* First: once it is free, the page may be someone else's. */
		set_page_class(blocks[done], PAGE_CLASS_NONE);
		if (!free_pages_exact(virt_to_page(blocks[done]), !nested)) {
			set_page_class(blocks[done], PAGE_CLASS_ASK);
			break;
		}
	}
	fetch_add_relaxed(&cache_stat(c)->reaped, done);
	return done;
}
