/* SPDX-License-Identifier: MIT */
/*
 * vma.h - vm_areas: which parts of a window of address space are mapped, and
 * how.
 *
 * A vm_area is [start, end), a whole number of pages with one set of flags and
 * one owner. The areas of an mm lie in a balanced tree (find, holes) and in a
 * list (neighbours), both by address. Behind every area that
 * get_unmapped_area() placed lies at least one page that belongs to nobody: a
 * guard.
 *
 * Areas that are next to each other and equal are one: the same flags, ops and
 * private_data, the second's pgoff where the first's ends, neither VM_ALONE.
 *
 * Nothing here touches the memory described or makes system calls; vm_area
 * structs come from a kmem_cache of their own.
 *
 * Lock: the mm's, held by the caller, for everything; lookups change the mm,
 * too (last_found). Locks of the allocator are taken inside it.
 */
#ifndef PAGODA_VMA_VMA_H
#define PAGODA_VMA_VMA_H

#include "base/compiler.h"
#include "base/control.h"
#include "base/list.h"

enum vm_flags {
	VM_READ = 1 << 0,
	VM_WRITE = 1 << 1,
	VM_EXEC = 1 << 2,
	VM_LOCKED = 1 << 3, /* mlock */
	VM_PAGER = 1 << 4, /* missing pages come from ops->fault */
	VM_ALONE = 1 << 5, /* one owner's block: never merged with another */
};

struct pagoda_vm_operations;

struct vm_area {
	uintptr_t start, end;
	uint32_t flags; /* enum vm_flags */
	uint32_t height; /* of its subtree; a leaf has 1 */
	size_t pgoff; /* pages from the start of what is mapped to @start */
	const struct pagoda_vm_operations *ops; /* VM_PAGER */
	void *private_data; /* of ops */
	/*
	 * Faults, and pages that came with them: added up when areas merge, with
	 * the first part when one is split, with what stays when one is cut.
	 */
	uint64_t faults, filled;
	uint32_t slot; /* of its record: see base/area.h */
	struct vm_area *left, *right;
	size_t max_gap; /* largest hole before an area of its subtree, bytes */
	struct list_head list;
};

struct mm {
	uintptr_t start, end; /* the window. Const after mm_init() */
	struct vm_area *root;
	struct list_head areas; /* by address */
	struct vm_area *last_found; /* what find_vma() returned last */
	size_t map_count; /* areas */
	size_t total_vm; /* pages in areas */
	/* As what its areas are shown; AREA_NONE: not. Const after init */
	enum control_area_kind kind;
};

/*
 * mm_init() - an empty @mm for the window [@start, @end), page-aligned; @start
 * is not 0, which stands for no address. Its areas are shown as @kind.
 */
void mm_init(struct mm *mm, uintptr_t start, uintptr_t end,
	     enum control_area_kind kind);

/*
 * vma_init() - make the cache of vm_areas, if there is none; before the first
 * insertion, with the lock held.
 * Return: 0, or what kmem_cache_create() says.
 * Context: takes LOCK_CACHE_CHAIN.
 */
MUST_CHECK int vma_init(void);

/*
 * find_vma() - the first area that ends above @addr (it may start above it,
 * too); NULL: none.
 * find_vma_prev() - the same, and in @ret_prev the area before that one (the
 * last of all if the result is NULL); NULL if there is none.
 * find_vma_intersection() - the first area with a page in [@start, @end); NULL:
 * none.
 * vma_next() - the area after @vma; NULL: it is the last.
 */
struct vm_area *find_vma(struct mm *mm, uintptr_t addr);
struct vm_area *find_vma_prev(struct mm *mm, uintptr_t addr,
			      struct vm_area **ret_prev);
struct vm_area *find_vma_intersection(struct mm *mm, uintptr_t start,
				      uintptr_t end);
struct vm_area *vma_next(const struct mm *mm, const struct vm_area *vma);

/*
 * get_unmapped_area() - the lowest address of a hole for @len bytes and a guard
 * page behind them, aligned to @align (a power of two, at least a page).
 *
 * A hole is what may be used between two areas. It begins a page behind the end
 * of the first, whose guard that page is, or at the window's start; it ends at
 * the next area's start or the window's end. The new guard lies in the hole, so
 * one of @len bytes is too small. insert_vm_area() keeps no such distance:
 * areas whose addresses were chosen otherwise may be next to each other.
 *
 * @len: whole pages, at least one.
 * Return: 0 if there is none.
 * Context: O(log n); with @align above a page, also for each hole that is long
 * enough but lies so that nothing aligned fits.
 */
uintptr_t get_unmapped_area(const struct mm *mm, size_t len, size_t align);

/*
 * insert_vm_area() - a copy of @desc's start, end, flags, pgoff, ops and
 * private_data becomes an area; it is merged with equal neighbours. The range
 * must be free, and in the window.
 * Return: the area that now contains it, or NULL when out of memory, which an
 * area that merges cannot be.
 */
struct vm_area *insert_vm_area(struct mm *mm, const struct vm_area *desc);

/*
 * unmap_areas() - no area has a page in [@start, @end) any more: whole areas
 * go, others lose their head, their tail, or are cut in two (which needs
 * memory).
 * @gone: called for every piece that goes, by address, before it does: the
 *        area, and what of it goes. It must change neither the area nor the mm.
 *        May be NULL.
 * @start, @end: page-aligned, also outside the window. If @start is not below
 *        @end, nothing is done; so for change_areas().
 * Return: 0, or -ENOMEM and nothing has changed.
 */
MUST_CHECK int unmap_areas(struct mm *mm, uintptr_t start, uintptr_t end,
			   void (*gone)(const struct vm_area *vma,
					uintptr_t start, uintptr_t end));

/*
 * change_areas() - the flags of all that is mapped in [@start, @end) lose
 * @clear and gain @set. Areas are split at both ends where that is needed, and
 * merged with neighbours that are equal afterwards. An area that had these
 * flags before is not split.
 * Return: 0, or -ENOMEM and nothing has changed.
 */
MUST_CHECK int change_areas(struct mm *mm, uintptr_t start, uintptr_t end,
			    uint32_t set, uint32_t clear);

/* Show what was changed in @vma: its faults. */
void vma_show(const struct mm *mm, struct vm_area *vma);

/* Bytes of [@start, @end) from @start on that are mapped without a hole. */
size_t mapped_without_hole(struct mm *mm, uintptr_t start, uintptr_t end);

/* Give all vm_areas back, without a look at what they describe: in a child. */
void mm_forget(struct mm *mm);

/* Order, heights, gaps, list, merges and counters are right, or bug(). */
void mm_validate(const struct mm *mm);

#endif
