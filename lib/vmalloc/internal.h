/* SPDX-License-Identifier: MIT */
/*
 * internal.h - VMALLOC space and its free extents, for who makes areas of them.
 *
 * CPUs form groups, each with space of its own, which it alone cuts and joins: threads on
 * different CPUs do not wait for each other, and what describes their areas does not move
 * between them. (The kernel's vmap_node.) Space is owned by the pageblock, and changes
 * hands only while it is free and clean. A group that has nothing takes areas of others'
 * space; they go back there. Small spans have one group, and so have programs in which
 * areas seldom come from one CPU and then from another: several take more memory.
 *
 * Lock: LOCK_VMAP of a group for its space, LOCK_VMAP_SPACE for where the whole begins.
 * A thread holds one group's at a time. Which group a block belongs to is read without:
 * only its group gives it away, and only while it is free.
 */
#ifndef PAGODA_VMALLOC_INTERNAL_H
#define PAGODA_VMALLOC_INTERNAL_H

#include "base/area.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/lock.h"
#include "page_alloc/page.h"
#include "percpu/percpu.h"

enum {
	NR_BINS = 64,
	/* Four bins a doubling, from 64 KiB on: coarser ones, and what is cut is often
	 * much too large. Areas of 1 to 4 MiB took a third more space with two. */
	BIN_SHIFT = 2,
	BIN_MIN_SHIFT = 4,
	/* Of thousands of extents in a bin, most may be too small. */
	FEW_TRIES = 32,
	/* Pages that go back for each by which a zone has grown. */
	MAKE_UP_RATIO = 2,
};

enum kind { UNPURGED, CLEAN, NR_KINDS };

/* All zero until it is first used. */
struct vmap_group {
	struct lock lock;
	unsigned int slot; /* of the CPU that locked it last */
	uint64_t bin_used[NR_KINDS]; /* bit k: bin k is not empty. Atomic, for hints */
	size_t idle_unpurged; /* pages: least since the last tick */
	size_t may_keep; /* bytes that may be unpurged, */
	unsigned int keep_unasked; /* for so many more areas */
	struct area_slots areas, extents; /* records of them */
	struct hlist_head bins[NR_KINDS][NR_BINS];
} CACHELINE_ALIGNED;

extern struct vmap_group vmap_groups[NR_VMAP_GROUPS] INTERNAL;

static inline struct control_vmap_group *stat_of(const struct vmap_group *g)
{
	return &control.vmalloc.groups[g - vmap_groups];
}

/* A group was locked by another CPU than the last time. */
void vmap_note_switch(void);

/* Return: false only without @wait, when the lock is not free. */
static inline bool vmap_lock(struct vmap_group *g, bool wait)
{
	unsigned int slot = percpu_slot();

	/* Zero is a free lock; only its class is needed. */
	lock_set_class(&g->lock, LOCK_VMAP);
	if (!lock_acquire_unless(&g->lock, !wait))
		return false;
	if (unlikely(g->slot != slot)) {
		g->slot = slot;
		vmap_note_switch();
	}
	return true;
}

static inline void vmap_unlock(struct vmap_group *g)
{
	lock_release(&g->lock);
}

/* A counter that others read without the lock. */
static inline void count_pages(uint64_t *counter, size_t more, size_t less)
{
	store_relaxed(counter, *counter + (more << PAGE_SHIFT) -
				       (less << PAGE_SHIFT));
}

/* --- space.c --- */

/* Address space is short in small spans: one group there. */
static inline bool has_groups(void)
{
	return span.size >= GiB(16);
}

/* Whose space the page is; NULL: nobody's. Pairs with the release in space.c. */
static inline struct vmap_group *vmap_group_of(size_t pfn)
{
	unsigned int nr = 1;

	if (has_groups())
		nr = load_acquire(&pfn_to_pageblock(pfn)->vmap_group);
	return nr ? &vmap_groups[nr - 1] : NULL;
}

/* Of the current CPU, which may change at once; the first one unless it is crowded. */
struct vmap_group *my_vmap_group(void);

/* A tick of the decay clock: is it still? Context: one caller at a time. */
void vmap_review_crowd(void);

/* Those that have had space, after @g; NULL: from the first, and no more. */
struct vmap_group *next_vmap_group(const struct vmap_group *g);

/* How many have. */
unsigned int nr_vmap_groups(void);

/* The space is from there to the end of the span. Without a lock a hint, which only
 * moves down while something below the lowest area is claimed. */
size_t space_start_pfn(void);

/*
 * An area of @nr pages in address space: whole pageblocks, so that huge pages
 * fit, unless it is small (the buddy could not serve it) or space is short.
 */
size_t round_area(size_t nr);

/*
 * extend_space() - a clean extent for an area of @nr pages with that alignment, below
 * all others. Context: @g is locked; takes LOCK_VMAP_SPACE.
 * adopt_space() - the same out of what is clean in another group.
 * adopt_all() - whatever is clean in the others.
 * Context: no group is locked; takes their locks, one after another, and sleeps.
 */
bool extend_space(struct vmap_group *g, size_t nr, size_t align, bool wait);
bool adopt_space(struct vmap_group *g, size_t nr, size_t align);
void adopt_all(struct vmap_group *g);

/* --- extents.c. Context: the group is locked --- */

static inline unsigned int bin_of(size_t nr)
{
	unsigned int log = ilog2(max_size(nr, 1 << BIN_MIN_SHIFT));
	/* From 1 << BIN_SHIFT on, and that much more a doubling. */
	size_t bin = (nr >> (log - BIN_SHIFT)) +
		     ((size_t)(log - BIN_MIN_SHIFT) << BIN_SHIFT);
	size_t least = 1 << BIN_SHIFT;

	return (unsigned int)min_size(max_size(bin, least) - least, NR_BINS - 1);
}

/* May there be one of @nr pages? A hint, without the lock. */
static inline bool has_extent(const struct vmap_group *g, enum kind kind, size_t nr)
{
	return load_relaxed(&g->bin_used[kind]) >> bin_of(nr);
}

/* @nr pages at @pfn, on no list, come free, and are joined with their like. */
void free_extent(struct vmap_group *g, size_t pfn, size_t nr, enum kind kind);

/* The one of @g that begins there, or NULL. */
struct page *extent_at(const struct vmap_group *g, size_t pfn);

/* Take the @nr pages at @pfn out of it. Return: @pfn. */
size_t cut_extent(struct vmap_group *g, struct page *extent, size_t pfn, size_t nr);

/* Some @nr pages. @tries: how many extents of a bin to look at. Return: 0: none. */
size_t take_extent(struct vmap_group *g, enum kind kind, size_t nr, size_t align,
		   size_t tries);

/* Pages that nobody else can reach: their memory goes. */
bool purge_pages(size_t pfn, size_t nr);

/*
 * Unpurged extents become clean:
 * purge_extents() - @target pages, largest first.
 * purge_idle() - those of up to @most pages that nobody has needed while zones grew by
 * a good part of their size.
 * free_and_purge() - pages that are on no list, with the smaller extents beside them.
 * They give up the lock while the kernel works. Return: pages given back.
 */
size_t purge_extents(struct vmap_group *g, size_t target);
size_t purge_idle(struct vmap_group *g, size_t most);
void free_and_purge(struct vmap_group *g, size_t pfn, size_t nr);

/* Zones have grown by @nr pages. Context: any. */
void note_zone_growth(size_t nr);

#endif
