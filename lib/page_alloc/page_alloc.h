/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.h - the page layer: boot arena, span, zones, buddy, per-CPU page
 * lists, and what goes back to the kernel.
 */
#ifndef PAGODA_PAGE_ALLOC_PAGE_ALLOC_H
#define PAGODA_PAGE_ALLOC_PAGE_ALLOC_H

#include "base/compiler.h"
#include "page_alloc/page.h"

/* --- gfp flags --- */

enum {
#define GFP_BIT(name, doc) GFP_BIT_##name,
#define GFP_SET(name, bits, doc)
#include "page_alloc/gfp.def"
#undef GFP_BIT
#undef GFP_SET
};

typedef unsigned int gfp_t;

enum {
#define GFP_BIT(name, doc) GFPF_##name = 1 << GFP_BIT_##name,
#define GFP_SET(name, bits, doc) GFP_##name = (bits),
#include "page_alloc/gfp.def"
#undef GFP_BIT
#undef GFP_SET
};

/* --- start-up --- */

/*
 * page_alloc_init() - reserve the span and set up nodes and zones.
 * Context: start-up, one thread, after params_parse().
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int page_alloc_init(void);

/*
 * What the page layer asks of the layers above when memory is short: give free
 * pages back to their zones. Registered once at start-up.
 */
struct reclaim_ops {
	/* Give back what caches hold without use. Called with no lock held. */
	void (*shrink)(void);
	/* About how many bytes that would be. */
	size_t (*count)(void);
	/* A zone has grown by @pages: what is kept where no zone can have it may
	 * go back. Called with no lock held. */
	void (*make_up)(size_t pages);
	/* Memory has run out: all that can be given back, and address space
	 * next to the zones. */
	void (*drain)(void);
};

void page_alloc_set_reclaim(const struct reclaim_ops *ops);

/* --- pages --- */

unsigned int nr_nodes(void);
/* Node of the CPU the caller is on. */
unsigned int numa_node(void);

/*
 * alloc_pages_node() - a block of 1 << @order pages, naturally aligned.
 * Return: its first page, of type PAGE_ALLOC; NULL when out of memory.
 * Context: takes zone->lock; without GFPF_WAIT only if it is free.
 */
struct page *alloc_pages_node(unsigned int node, gfp_t gfp,
			      unsigned int order);

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_pages_node(numa_node(), gfp, order);
}

/*
 * free_pages() - give back what alloc_pages_node() returned.
 * Return: false only without @wait, when the zone's lock is not free.
 */
bool free_pages(struct page *page, unsigned int order, bool wait);
/* The same for a block of which some pages hold no memory: bit k of @absent is for
 * its page k. */
void free_pages_absent(struct page *page, unsigned int order, uint32_t absent);

/*
 * alloc_pages_exact() - @nr pages, aligned to 1 << @align_order pages; the tail
 * of the block they are cut from stays free. The first page becomes PAGE_LARGE.
 * With GFPF_ZERO only pages that may hold data are cleared.
 */
void *alloc_pages_exact_node(unsigned int node, size_t nr,
			     unsigned int align_order, gfp_t gfp);

static inline void *alloc_pages_exact(size_t nr, unsigned int align_order,
				      gfp_t gfp)
{
	return alloc_pages_exact_node(numa_node(), nr, align_order, gfp);
}

/*
 * alloc_pages_contig() - the same for more than the largest order, out of free
 * blocks that happen to be neighbours: when address space has run out.
 */
void *alloc_pages_contig(size_t nr, size_t align_pages, gfp_t gfp);
bool free_pages_exact(struct page *page, bool wait);

/*
 * resize_pages_exact() - make a PAGE_LARGE block @nr pages long in place.
 * Growing takes the free pages right behind it. Return: whether it was done.
 */
bool resize_pages_exact(struct page *page, size_t nr, bool wait);

/* The memory of a PAGE_LARGE block was moved away: it reads as zeros. Nobody may write
 * to it before free_pages_exact(). */
void pages_moved_out(struct page *page);

/* --- memory that is free --- */

/* What is left of @idle after @ticks that each give back half of it. */
static inline size_t decayed(size_t idle, unsigned int ticks)
{
	return idle >> ticks;
}

/*
 * page_alloc_decay() - @ticks of the decay clock: give back to the kernel what
 * was free and resident since the last call, half of it a tick.
 * page_alloc_trim() - give back all free memory. Return: pages given back.
 * Context: takes zone locks; calls the kernel without any.
 */
void page_alloc_decay(unsigned int ticks);
size_t page_alloc_trim(void);

/*
 * page_alloc_move_out() - give the memory of free blocks, of any order and up to
 * @nr pages in all, to @move: it takes what is resident of @pages pages at @addr
 * away and returns how many of them, from the start, are done; less than all ends
 * it.
 * Return: pages that @move took. Context: as above, of ZONE_NORMAL.
 */
typedef size_t (*frame_mover)(void *arg, void *addr, size_t pages);
size_t page_alloc_move_out(size_t nr, frame_mover move, void *arg);

/* Free pages of ZONE_NORMAL that hold memory: a hint. */
size_t page_alloc_free_resident(void);

/* Pages of ZONE_NORMAL that are not free: a hint. */
size_t page_alloc_in_use(void);

/* Is so much of the heap free and resident that the decay clock should tick? */
bool page_alloc_much_free(void);
/* Did the heap shrink to a small part of what it once had? */
bool page_alloc_shrunk(void);
/* Is more free memory resident than resident_free_limit() allows? */
bool page_alloc_over_limit(void);

/* Most free resident memory to keep, in bytes; @wanted of it may soon be needed. */
size_t resident_free_limit(size_t wanted);

/* --- memblock: the boot arena --- */

/*
 * memblock_alloc() - memory before the allocator is up, and for nested calls
 * that find nothing else. Lock-free, never taken back but for the last block.
 * @align: a power of two. Return: zeroed memory, or NULL when it is used up.
 */
void *memblock_alloc(size_t size, size_t align);
void memblock_free(void *p);
bool memblock_owns(const void *p);
/* Where the arena is. */
void *memblock_arena(size_t *ret_size);
size_t memblock_usable_size(const void *p);

#endif
