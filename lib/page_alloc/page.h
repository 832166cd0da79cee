/* SPDX-License-Identifier: MIT */
/*
 * page.h - struct page, page frame numbers, and the maps from an address to
 * what it is.
 *
 * All managed memory lies in one reserved span; a "page" is a slot of 4 KiB of
 * it, resident or not, and its number (pfn) is its distance from the base. Two
 * side tables describe it: mem_map[], a struct page each, and page_class[], a
 * byte each, which alone decides the fast path of free(). Both are reserved for
 * the whole span and only cost memory where something was allocated.
 *
 *  span.base                                                       span.end
 *   | fixed windows | node 0 ZONE_NORMAL -->   ...   <-- VMALLOC space |
 *
 * The fixed windows (other zones, other nodes) exist only in large spans.
 * ZONE_DMA32 lies outside, in a window of its own below 4 GiB that is reserved
 * when it is first asked for; its pages are numbered behind those of the span.
 */
#ifndef PAGODA_PAGE_ALLOC_PAGE_H
#define PAGODA_PAGE_ALLOC_PAGE_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/control.h"
#include "base/list.h"

enum {
	PAGE_SHIFT = 12,
	PAGE_SIZE = 1 << PAGE_SHIFT,
	MAX_ORDER = NR_PAGE_ORDERS - 1,
	PAGEBLOCK_PAGES = 1 << PAGEBLOCK_ORDER,
};

/* page_class[]: 1 .. 254 are kmem_cache ids. */
enum { PAGE_CLASS_NONE = 0, PAGE_CLASS_ASK = 255 };

/*
 * States of a page. Only the first page of a block has a state; the others are
 * PAGE_NONE.
 * A struct page of zeros is a PAGE_NONE: those inside a large free block may be
 * given back to the kernel, and nothing else in them outlives being PAGE_NONE.
 *
 *	offline -> BUDDY <-> PCP
 *	BUDDY, PCP -> ALLOC -> SLAB, LARGE -> BUDDY, PCP
 *	LARGE <-> CACHED (freed, in a sheaf) -> BUDDY
 *	BUDDY <-> ISOLATED (being purged)
 *	VMALLOC, VFREE: first page of an area or a free extent in VMALLOC space;
 *	VTAIL: last page of a free extent (vmalloc/vmalloc.c)
 */
enum page_type {
	PAGE_NONE = 0,
	PAGE_BUDDY,
	PAGE_PCP,
	PAGE_ISOLATED,
	PAGE_ALLOC,
	PAGE_SLAB,
	PAGE_LARGE,
	PAGE_CACHED,
	PAGE_VMALLOC,
	PAGE_VFREE,
	PAGE_VTAIL,
};

enum { MAX_OBJS_PER_SLAB = 256 };

struct page {
	uint8_t type; /* enum page_type. Lock: owner's */
	uint8_t order; /* all but LARGE, CACHED, VMALLOC */
	uint8_t node;
	uint8_t zone; /* enum zone_type */
	union {
		uint8_t migratetype; /* BUDDY: the list it is on */
		/* SLAB: CPUs that it belongs to, see slab/lists.h. Atomic */
		uint8_t group;
	};
	uint8_t cold; /* BUDDY: enum temperature; PCP, ALLOC, LARGE: see
		       * present_hand_out(); SLAB: enum slab_rest; VFREE: known
		       * to be clean */
	uint8_t bucket; /* SLAB: the partial list it is on; VFREE: the bin */
	union {
		uint8_t cache; /* SLAB: id of its kmem_cache */
		uint8_t nr_pieces; /* VMALLOC: kernel mappings of its own */
	};
	union {
		struct hlist_node buddy; /* BUDDY, SLAB. Lock: zone, node */
		struct list_head lru; /* PCP, ISOLATED, partial SLAB */
		uint32_t area_slot; /* VMALLOC: see base/area.h */
	};
	union {
		struct { /* SLAB. Lock: that of its lists */
			uint16_t nr_free;
			uint16_t colour; /* bytes before the first object */
			/* Pages given back (bit k: page k), no object of which
			 * was handed out since. */
			uint32_t holes;
			/* One bit an object: set = free. */
			uint64_t bitmap[MAX_OBJS_PER_SLAB / 64];
		};
		uint32_t resident; /* BUDDY: pages that may hold memory */
		struct { /* LARGE, CACHED, VMALLOC, VFREE, VTAIL */
			size_t nr_pages; /* Owner: whoever holds the block */
			union {
				size_t room; /* VMALLOC: pages, grows to in place */
				struct { /* VFREE */
					uint32_t extent_slot; /* see base/area.h */
					/* vmalloc.c: zone_growth then */
					uint32_t freed_at;
				};
			};
			uint32_t pieces[6]; /* VMALLOC: page where each ends */
		};
	};
};

_Static_assert(sizeof(struct page) == 64, "one cache line each");

/* Per 2 MiB. Lock: zone->lock. */
struct pageblock {
	uint64_t present[PAGEBLOCK_PAGES / 64]; /* may hold memory */
	uint8_t migratetype; /* Atomic: pcp_free() reads it without, as a hint */
	uint8_t huge; /* made as one page, still whole. Atomic: the same */
	/* In VMALLOC space: 1 + the group it belongs to, see vmalloc/space.c. Atomic */
	uint8_t vmap_group;
};

/* Const after init but for the low window, which opens once. */
struct span {
	uintptr_t base;
	size_t size;
	size_t nr_pages;
	uintptr_t low_base;
	size_t low_size; /* Atomic: 0 until the low window is open */
	uint8_t *page_class;
	struct page *mem_map;
	struct pageblock *pageblocks;
};

extern struct span span INTERNAL;

static inline bool in_span(const void *p)
{
	return (uintptr_t)p - span.base < span.size;
}

static inline bool in_low_window(const void *p)
{
	return (uintptr_t)p - span.low_base < load_acquire(&span.low_size);
}

static inline bool is_managed(const void *p)
{
	return likely(in_span(p)) || in_low_window(p);
}

/* @p is managed. */
static inline size_t addr_to_pfn(const void *p)
{
	if (likely(in_span(p)))
		return ((uintptr_t)p - span.base) >> PAGE_SHIFT;
	return span.nr_pages + (((uintptr_t)p - span.low_base) >> PAGE_SHIFT);
}

static inline void *pfn_to_addr(size_t pfn)
{
	if (likely(pfn < span.nr_pages))
		return (void *)(span.base + (pfn << PAGE_SHIFT));
	return (void *)(span.low_base + ((pfn - span.nr_pages) << PAGE_SHIFT));
}

static inline struct page *pfn_to_page(size_t pfn)
{
	return &span.mem_map[pfn];
}

static inline size_t page_to_pfn(const struct page *page)
{
	return (size_t)(page - span.mem_map);
}

static inline void *page_address(const struct page *page)
{
	return pfn_to_addr(page_to_pfn(page));
}

static inline struct page *virt_to_page(const void *p)
{
	return pfn_to_page(addr_to_pfn(p));
}

/* Of the page at @p alone. */
static inline void set_page_class(const void *p, uint8_t class)
{
	store_relaxed(&span.page_class[addr_to_pfn(p)], class);
}

static inline struct pageblock *pfn_to_pageblock(size_t pfn)
{
	return &span.pageblocks[pfn >> PAGEBLOCK_ORDER];
}

#endif
