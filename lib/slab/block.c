/* SPDX-License-Identifier: MIT */
/*
 * block.c - caches of page blocks: what malloc serves above the kmalloc sizes,
 * to 1 MiB, in four sizes a doubling.
 *
 * They are kmem_caches without slabs: an object is a block of its own, straight
 * from the page allocator. The sheaves of each CPU keep free ones, within a budget
 * of their own (block_budget); with threads most of that is for barns, one block to
 * a sheaf, since CPUs that all took and gave pages would stand in line for the lock
 * of the zone. A block that waits is PAGE_CACHED, which is how a double free is
 * found at once.
 */
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
