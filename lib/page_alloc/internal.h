/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of page_alloc/ share. */
#ifndef PAGODA_PAGE_ALLOC_INTERNAL_H
#define PAGODA_PAGE_ALLOC_INTERNAL_H

#include "base/control.h"
#include "base/lock.h"
#include "page_alloc/page_alloc.h"

enum { NR_PCP_ORDERS = 4, NR_PCP_STRIPES = 16 };

/* One CPU's (or stripe's) lists of blocks of orders below NR_PCP_ORDERS. */
struct per_cpu_pages {
	struct lock lock;
	uint32_t count; /* pages. Lock: this lock, like the lists */
	bool ready;
	struct list_head lists[NR_MIGRATETYPES][NR_PCP_ORDERS];
} CACHELINE_ALIGNED;

enum { PCP_HIGH = 96, PCP_BATCH = 32 }; /* pages */

/*
 * Resident blocks are taken before those the kernel would have to fill. BARE are
 * fresh blocks, of STRIP_ORDER at least, whose struct pages are given back as
 * well, but for the page of mem_map with the first one.
 */
enum temperature { HOT, FRESH, BARE, NR_TEMPERATURES };

/* Two pages of mem_map: one goes back. */
enum { STRIP_ORDER = 7 };

struct zone {
	struct lock lock;
	uint8_t node, index;
	bool grouped; /* page blocks keep to a migrate type. Atomic: set once */
	struct control_zone *stat;
	size_t start_pfn; /* Const after init */
	size_t limit_pfn; /* Const after init: where its window ends */
	size_t online_pfn; /* what is online ends here. Lock: lock */
	size_t meta_pfn; /* what has metadata ends here. Lock: lock */
	/* Small pages were advised from here on; thp_make() may make huge ones.
	 * SIZE_MAX: nowhere yet. Lock: lock */
	size_t huge_pfn;
	size_t idle_resident; /* least free_resident since the last tick */
	size_t peak; /* most pages in use lately: halves at each tick. Atomic */
	uint32_t reclaims; /* instead of growing, since the last tick. Atomic */
	/* Pages of small blocks that were not resident, taken since level_zone().
	 * Atomic */
	size_t fresh;
	/* Bit k: a list of order k is not empty. Lock: lock */
	uint16_t orders[NR_TEMPERATURES][NR_MIGRATETYPES];
	struct hlist_head free_list[NR_TEMPERATURES][NR_MIGRATETYPES]
				   [NR_PAGE_ORDERS];
};

struct zone *zone_of(unsigned int node, enum zone_type type);

static inline struct zone *page_zone(const struct page *page)
{
	return zone_of(page->node, (enum zone_type)page->zone);
}

/* A counter that is written under zone->lock and read without. */
static inline void stat_add(uint64_t *counter, int64_t n)
{
	store_relaxed(counter, *counter + (uint64_t)n);
}

/* A hint without zone->lock. */
static inline size_t pages_in_use(const struct zone *z)
{
	return load_relaxed(&z->stat->present) - load_relaxed(&z->stat->free);
}

/* --- memmap.c: the span and its side tables --- */

MUST_CHECK int memmap_init(void);
/*
 * Claim [from, to) of the part of the span that node 0's ZONE_NORMAL and
 * VMALLOC space share. Return: false if it would run into the other.
 */
bool memmap_claim_up(size_t to_pfn);
/* Reserve the window of ZONE_DMA32. Once, with that zone's lock held. */
bool memmap_open_low_window(void);
/* Bring metadata of the pages online: mem_map, page_class, pageblocks. */
MUST_CHECK int memmap_online(size_t from_pfn, size_t to_pfn);
/* Where page faults are dear: of their mem_map what will soon be used. */
void memmap_fault_in(size_t from_pfn, size_t to_pfn);
/* Give back the mem_map of a free block, but for its first page. */
void memmap_strip(struct page *first, unsigned int order);
/* Bring the pages themselves online. */
MUST_CHECK int memmap_commit(size_t from_pfn, size_t to_pfn);

/* --- present.c: which free pages may hold memory. Lock: zone->lock --- */

size_t present_count(size_t pfn, size_t nr);
void present_set(size_t pfn, size_t nr);
/* The pages are handed out. Return: where page faults are dear, whether none of them
 * may hold memory yet. */
bool present_hand_out(size_t pfn, size_t nr);
void present_clear(size_t pfn, size_t nr);
/* Copy the bits of the pages to @bits (bit i: page pfn + i). */
void present_copy(size_t pfn, size_t nr, uint64_t *bits);

/* --- buddy.c. All but pageblock_type() with zone->lock held --- */

/* Which list a free page of this pageblock belongs on; without the lock a hint. */
static inline enum migratetype pageblock_type(size_t pfn)
{
	return load_relaxed(&pfn_to_pageblock(pfn)->migratetype);
}

/*
 * With GFPF_WAIT a huge page may be made for it, with GFPF_DENSE some small ones, the
 * lock let go of meanwhile.
 */
struct page *buddy_take(struct zone *z, unsigned int order,
			enum migratetype mt, gfp_t gfp);
/* Put a block back, merged with free neighbours. */
void buddy_free(struct zone *z, size_t pfn, unsigned int order);
/* The same for any run of pages. */
void buddy_free_range(struct zone *z, size_t pfn, size_t nr);
/* Take the @nr pages at @pfn if all of them are free. */
bool buddy_take_range(struct zone *z, size_t pfn, size_t nr);
/* The largest resident free block of such an order, off the lists; or NULL. */
struct page *buddy_take_resident(struct zone *z, unsigned int min_order,
				 unsigned int max_order);
/* The largest fresh block that may be stripped, off the lists; or NULL. */
struct page *buddy_take_unstripped(struct zone *z);
/* Put it back, as BARE unless it merges with a neighbour. */
void buddy_put_stripped(struct zone *z, struct page *page);
/* Each block of free memory is on the right list, counted once. For tests. */
void buddy_validate(struct zone *z);

/* --- zone.c --- */

void zones_init(unsigned int nodes);
/* Make ZONE_DMA32 usable. Return: whether it is. Takes its lock. */
bool zone_open_dma32(void);
/* Grow @z so that it has a free block of @order. Return: by how many pages; 0 if it
 * cannot. Lock: zone->lock */
size_t zone_grow(struct zone *z, unsigned int order);
/* Would @nr pages more leave @z above its mark? Lock: zone->lock */
bool zone_watermark_ok(const struct zone *z, size_t nr, gfp_t gfp,
		       enum zone_type wanted);

/* --- purge.c --- */

/*
 * Blocks of @order came from memory that is not resident while a good part of
 * the zone is free and resident in pieces too small for them: those go back, so
 * that a change of sizes does not grow the heap.
 */
void zone_level(struct zone *z, unsigned int order);

/* --- pcp.c --- */

struct page *pcp_alloc(struct zone *z, unsigned int order,
		       enum migratetype mt, gfp_t gfp);
bool pcp_free(struct zone *z, struct page *page, unsigned int order,
	      bool wait);
void pcp_drain(struct zone *z);

#endif
