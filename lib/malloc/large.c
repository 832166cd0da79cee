/* SPDX-License-Identifier: MIT */
/*
 * large.c - blocks of whole pages: from the block caches to 1 MiB, or 2 if they are to
 * be aligned to more than a page, from VMALLOC space above. page_class[] of the first
 * page says "ask struct page", that of the others nothing, so only the start of a block
 * can be freed.
 *
 * A block that needs more alignment than those of its cache have comes from the buddy
 * at its exact size, up to its largest order; one that needs zeros does, too, if no
 * cached one is at hand, but at the size of a cache. Any block of such a size goes to
 * that cache when it is freed.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/params.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "page_alloc/ahead.h"
#include "page_alloc/page_alloc.h"
#include "percpu/fastpath.h"
#include "slab/slab.h"
#include "vmalloc/vmalloc.h"

enum {
	BUDDY_MAX_PAGES = 1 << MAX_ORDER,
	/* What is larger, and need not be aligned, becomes an area, and page tables are
	 * moved instead of memory. */
	UNALIGNED_MAX_PAGES = MiB(1) >> PAGE_SHIFT,
	OFTEN_MS = 100,
};

/* --- block caches --- */

/* The block cache for @nr pages; 0: none is. */
static unsigned int class_for(size_t nr)
{
	return nr > KMALLOC_MAX / PAGE_SIZE ? block_class(nr) : 0;
}

/* @nr, or the size of the blocks of its cache. */
static size_t round_to_class(size_t nr)
{
	unsigned int class = class_for(nr);

	return class ? kmem_caches[class].size >> PAGE_SHIFT : nr;
}

/* The cache whose blocks are as large as @page's, and from the same zone; 0: none. */
static unsigned int class_of(const struct page *page)
{
	size_t nr = page->nr_pages;

	if (unlikely(page->zone != ZONE_NORMAL))
		return 0;
	return round_to_class(nr) == nr ? class_for(nr) : 0;
}

bool large_free_fast(void *p)
{
	struct page *page = virt_to_page(p);
	unsigned int class;

	if (page->type != PAGE_LARGE || !fast.span_size)
		return false;
	class = class_of(page);
	if (!class)
		return false;
	/* First: once it is in the sheaf, it may be someone else's. */
	page->type = PAGE_CACHED;
	if (likely(rseq_push(class, p)))
		return true;
	page->type = PAGE_LARGE;
	return false;
}

static void *alloc_block(unsigned int class, bool wait)
{
	void *p = kmem_cache_alloc_slow(&kmem_caches[class],
					wait ? SLOW_NORMAL : SLOW_NESTED);

	if (p)
		virt_to_page(p)->type = PAGE_LARGE;
	return p;
}

static bool free_block(unsigned int class, struct page *page, bool wait)
{
	page->type = PAGE_CACHED;
	if (kmem_cache_free_slow(&kmem_caches[class], page_address(page),
				 wait ? SLOW_NORMAL : SLOW_NESTED))
		return true;
	page->type = PAGE_LARGE;
	return false;
}

/*
 * The buddy cuts a block of 2.4 MiB from one of 4, and what is left is too small for
 * the next of that size: blocks of many sizes that come and go spread over twice the
 * memory they take. Areas lie side by side, whatever their size.
 */
static bool suits_buddy(size_t nr, size_t align)
{
	return nr <= UNALIGNED_MAX_PAGES || align > PAGE_SIZE;
}

/* The cache whose blocks begin at multiples of @align, but for those that grew in place;
 * 0: none. */
static unsigned int class_for_aligned(size_t nr, size_t align)
{
	if (!suits_buddy(nr, align) || align > (size_t)PAGE_SIZE << ilog2_up(nr))
		return 0;
	return class_for(nr);
}

void *large_alloc_fast(size_t size, size_t align)
{
	unsigned int class = class_for_aligned(pages_for(size), align);
	void *p;

	if (!class || !fast.span_size)
		return NULL;
	p = rseq_pop(class);
	if (p)
		virt_to_page(p)->type = PAGE_LARGE;
	return p;
}

/* --- allocation and free --- */

static void *alloc_area(size_t nr, size_t align, bool zero, bool wait)
{
	void *p = NULL;

	if (params.lazy == TRI_ON && wait && nr > BUDDY_MAX_PAGES &&
	    align <= PAGE_SIZE)
		p = vmalloc_gather(nr, zero);
	if (!p)
		p = vmalloc_pages(nr, nr, max_size(align, PAGE_SIZE), zero,
				  wait);
	return p;
}

/* From the page allocator, or VMALLOC space. */
static void *alloc_pages_or_area(size_t nr, size_t align, bool zero, bool wait)
{
	size_t align_pages = max_size(align >> PAGE_SHIFT, 1);
	gfp_t gfp = (wait ? GFP_KERNEL : GFP_ATOMIC) | GFPF_MOVABLE;
	bool in_buddy = nr <= BUDDY_MAX_PAGES && align_pages <= BUDDY_MAX_PAGES;
	bool buddy_first = in_buddy && suits_buddy(nr, align);
	void *p = NULL;

	if (zero)
		gfp |= GFPF_ZERO;
	if (buddy_first)
		p = alloc_pages_exact(nr, ilog2(align_pages), gfp);
	if (!p)
		p = alloc_area(nr, align, zero, wait);
	if (!p && in_buddy && !buddy_first)
		p = alloc_pages_exact(nr, 0, gfp);
	if (!p && nr > BUDDY_MAX_PAGES)
		p = alloc_pages_contig(nr, align_pages, gfp);
	if (p)
		set_page_class(p, PAGE_CLASS_ASK);
	return p;
}

static bool free_pages_or_area(struct page *page, bool wait)
{
	void *p = page_address(page);
	bool done;

	/* First: once it is free, the page may be someone else's. */
	set_page_class(p, PAGE_CLASS_NONE);
	done = page->type == PAGE_LARGE ? free_pages_exact(page, wait) :
					  vfree(page, wait);
	if (!done)
		set_page_class(p, PAGE_CLASS_ASK);
	return done;
}

static bool give_back(struct page *page, bool wait)
{
	unsigned int class = page->type == PAGE_LARGE ? class_of(page) : 0;

	return class ? free_block(class, page, wait) :
		       free_pages_or_area(page, wait);
}

/*
 * The buddy's blocks begin at a multiple of the power of two that holds them, but one
 * that grew in place need not, and it may be of a larger size than @class.
 */
static void *alloc_block_aligned(unsigned int class, size_t align, bool wait)
{
	void *p = alloc_block(class, wait);

	if (p && (uintptr_t)p & (align - 1)) {
		give_back(virt_to_page(p), wait);
		p = NULL;
	}
	return p;
}

void *large_alloc(size_t size, size_t align, bool zero, bool wait)
{
	size_t nr = pages_for(size);
	unsigned int class = class_for_aligned(nr, align);
	void *p = NULL;

	/* Nested calls could not give back what does not suit. */
	if (!wait && align > PAGE_SIZE)
		class = 0;
	if (class && !zero)
		p = alloc_block_aligned(class, align, wait);
	if (!p)
		p = alloc_pages_or_area(class ? round_to_class(nr) : nr, align,
					zero, wait);
	if (p) {
		count_vm_event(LARGE_ALLOC);
		PROBE(large_alloc, p, size);
	}
	return p;
}

const char *large_check(const void *p)
{
	const struct page *page = virt_to_page(p);

	if ((uintptr_t)p % PAGE_SIZE)
		return "inside a large block";
	if (page->type != PAGE_LARGE && page->type != PAGE_VMALLOC)
		return "double free of a large block";
	return NULL;
}

size_t large_usable_size(const void *p)
{
	return virt_to_page(p)->nr_pages << PAGE_SHIFT;
}

bool large_free(void *p, bool wait)
{
	bool done = give_back(virt_to_page(p), wait);

	if (done) {
		count_vm_event(LARGE_FREE);
		PROBE(large_free, p);
	}
	return done;
}

/* --- realloc --- */

bool large_may_stay(const void *p, size_t size)
{
	size_t old;

	if (!is_managed(p) || span.page_class[addr_to_pfn(p)] != PAGE_CLASS_ASK ||
	    large_check(p))
		return false;
	old = large_usable_size(p);
	/* From 1 MiB on, whole pages go back in place. */
	return old - size <= (old <= MiB(1) ? old / 4 : PAGE_SIZE - 1);
}

/*
 * From the buddy into VMALLOC space, with room to grow on: an area that had to move
 * keeps nothing for the next one when it is freed. Page tables only, where that is
 * less than copying.
 */
static void *move_to_vmalloc(struct page *page, size_t nr)
{
	size_t old = page->nr_pages;
	void *from = page_address(page);
	void *to = vmalloc_pages(nr, 4 * nr, PAGE_SIZE, false, true);

	if (!to)
		return NULL;
	if (old <= UNALIGNED_MAX_PAGES) {
		ahead_copy(to, from, old << PAGE_SHIFT, nr << PAGE_SHIFT);
		memcpy(to, from, old << PAGE_SHIFT);
		give_back(page, true);
	} else if (vmalloc_move_in(from, old, to)) {
		/* Not to a cache: the zone would never hear of what is written there
		 * later. */
		pages_moved_out(page);
		free_pages_or_area(page, true);
		ahead_growth(to, old, nr);
	} else {
		vfree(virt_to_page(to), true);
		return NULL;
	}
	set_page_class(to, PAGE_CLASS_ASK);
	return to;
}

/* A block outgrows the caches: is that what the program does all the time? */
static bool grows_often(void)
{
	static uint64_t last; /* ms. Atomic */
	uint64_t now = os_now_ms();
	uint64_t before = exchange_relaxed(&last, now);

	return now - before < OFTEN_MS;
}

static void *realloc_block(struct page *page, size_t nr, bool wait)
{
	bool may_move = wait && nr > UNALIGNED_MAX_PAGES &&
			page->zone == ZONE_NORMAL;
	bool small = page->nr_pages <= UNALIGNED_MAX_PAGES;
	void *to = NULL;

	/* Early, with room, if the next one is to find its memory. */
	if (may_move && small && grows_often())
		to = move_to_vmalloc(page, nr);
	if (!to && resize_pages_exact(page, nr, wait))
		to = page_address(page);
	if (!to && may_move && nr > BUDDY_MAX_PAGES)
		to = move_to_vmalloc(page, nr);
	return to;
}

void *area_realloc(struct page *page, size_t nr, bool wait)
{
	void *old = page_address(page);
	void *new;

	new = vrealloc(page, nr, wait);
	if (new && new != old)
		set_page_class(new, PAGE_CLASS_ASK);
	return new;
}

static void *realloc_area(struct page *page, size_t nr, bool wait)
{
	/* Small enough for a cache: not worth an area any more. */
	return nr <= UNALIGNED_MAX_PAGES ? NULL : area_realloc(page, nr, wait);
}

void *large_realloc(void *p, size_t size, bool wait)
{
	struct page *page = virt_to_page(p);
	size_t nr = pages_for(size);
	void *q;

	if (page->type == PAGE_LARGE && nr <= UNALIGNED_MAX_PAGES)
		nr = round_to_class(nr);
	if (nr == page->nr_pages)
		return p;
	q = page->type == PAGE_LARGE ? realloc_block(page, nr, wait) :
				       realloc_area(page, nr, wait);
	if (q == p && size > PAGE_SIZE)
		count_vm_event(LARGE_GROW);
	return q;
}
