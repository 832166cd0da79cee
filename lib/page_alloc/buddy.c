/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - the binary buddy system of a zone.
 *
 * A free block of order k is 1 << k pages, aligned to its size; its buddy is
 * pfn ^ (1 << k). The lists are threaded through struct page, never through the
 * pages, so free memory can be given back to the kernel. There is a list for
 * every order, migrate type and temperature: HOT blocks hold at least one page
 * that may be resident, FRESH blocks none; BARE ones are FRESH and have no
 * struct pages to speak of either. HOT is taken first, since a resident page
 * costs nothing and a fresh one a page fault; BARE last.
 *
 * Migrate types: memory whose owners live and die together is kept together by
 * pageblocks of 2 MiB. An allocation of a type that has nothing left takes the
 * largest block of another type and, if that is most of a pageblock, all of it.
 * Small heaps are not grouped (zone->grouped).
 *
 * Invariants, checked by buddy_validate():
 * - the first page of a free block is PAGE_BUDDY, the others PAGE_NONE;
 * - HOT blocks have a present bit, others none; BARE are of
 *   STRIP_ORDER at least;
 * - no two buddies of one order are both free;
 * - orders[][] bit k is set iff a list of order k is not empty;
 * - stat->free counts the pages on the lists, stat->free_resident their present
 *   bits, stat->nr_free the blocks.
 *
 * Lock: zone->lock for everything here; buddy_take() lets go of it while the
 * kernel makes pages.
 */
#include "base/bug.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "page_alloc/around.h"
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"
#include "page_alloc/thp.h"

/* From here on a block is worth its whole pageblock (the kernel's rule). */
enum { STEAL_ORDER = PAGEBLOCK_ORDER / 2 };

/*
 * What is dense: slabs, and page blocks that are small. Of a larger one nobody
 * knows how much will be used; in a large zone a huge page in vain is little.
 */
enum {
	DENSE_ORDER = 4,
	ALL_DENSE_FROM = MiB(512) >> PAGE_SHIFT,
};

/* Blocks at the head of a list that are given to the kernel after the others. */
enum { SPARED = 8 };

static const enum migratetype fallbacks[NR_MIGRATETYPES][2] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

/* --- the lists --- */

static void add_to_free_list_of(struct zone *z, enum temperature t, size_t pfn,
				unsigned int order, enum migratetype mt,
				size_t resident)
{
	struct page *page = pfn_to_page(pfn);

	page->type = PAGE_BUDDY;
	page->order = (uint8_t)order;
	page->node = z->node;
	page->zone = z->index;
	page->migratetype = (uint8_t)mt;
	page->cold = (uint8_t)t;
	page->resident = (uint32_t)resident;
	hlist_add_head(&page->buddy, &z->free_list[t][mt][order]);
	z->orders[t][mt] = (uint16_t)(z->orders[t][mt] | 1u << order);
	z->stat->nr_free[mt][order]++;
	stat_add(&z->stat->free, (int64_t)1 << order);
	stat_add(&z->stat->free_resident, (int64_t)resident);
}

static void add_to_free_list(struct zone *z, size_t pfn, unsigned int order,
			     enum migratetype mt, size_t resident)
{
	add_to_free_list_of(z, resident ? HOT : FRESH, pfn, order, mt,
			    resident);
}

static void del_from_free_list(struct zone *z, struct page *page)
{
	unsigned int order = page->order;
	unsigned int mt = page->migratetype;
	struct hlist_head *list = &z->free_list[page->cold][mt][order];

	hlist_del(&page->buddy);
	if (hlist_empty(list))
		z->orders[page->cold][mt] = (uint16_t)(
			z->orders[page->cold][mt] & ~(1u << order));
	page->type = PAGE_NONE;
	z->stat->nr_free[mt][order]--;
	stat_add(&z->stat->free, -((int64_t)1 << order));
	stat_add(&z->stat->free_resident, -(int64_t)page->resident);
	if (z->stat->free_resident < z->idle_resident)
		z->idle_resident = z->stat->free_resident;
}

static struct page *first_block(struct zone *z, enum temperature t,
				unsigned int mt, unsigned int order)
{
	return hlist_entry(z->free_list[t][mt][order].first, struct page,
			   buddy);
}

static bool is_free_buddy(const struct zone *z, size_t pfn, unsigned int order)
{
	const struct page *page = pfn_to_page(pfn);

	return pfn >= z->start_pfn &&
	       pfn + ((size_t)1 << order) <= z->online_pfn &&
	       page->type == PAGE_BUDDY && page->order == order;
}

/* --- taking --- */

/* Give back the upper halves of a block of @high until it is of @low. */
static void expand(struct zone *z, struct page *page, unsigned int low,
		   unsigned int high, enum migratetype mt)
{
	size_t pfn = page_to_pfn(page);

	while (high > low) {
		size_t half;

		high--;
		PROBE(buddy_split, pfn, high);
		half = pfn + ((size_t)1 << high);
		add_to_free_list(z, half, high, mt,
				 page->resident ?
					 present_count(half, (size_t)1 << high) :
					 0);
	}
}

/* What buddy_take() is asked for. */
struct want {
	unsigned int order;
	enum migratetype mt;
	bool huge; /* the memory around it will be used soon, too */
	bool dense; /* and written to all over */
};

/* Return: pages from @pfn on that are resident now, in huge ones. */
static size_t make_huge(size_t pfn, size_t nr)
{
	size_t done = thp_make(pfn_to_addr(pfn), align_up(nr, PAGEBLOCK_PAGES), 0);

	for (size_t i = 0; i < done; i += PAGEBLOCK_PAGES)
		store_relaxed(&pfn_to_pageblock(pfn + i)->huge, 1);
	return done;
}

/*
 * @page is a block of @order off the lists, without a resident page. The kernel
 * takes its time to make some, so the lock is let go of meanwhile: nobody merges
 * an isolated block with anything, and no other block is in its pageblocks.
 */
static void make_resident(struct zone *z, struct page *page,
			  unsigned int order, const struct want *w)
{
	size_t pfn = page_to_pfn(page), need = (size_t)1 << w->order;
	bool huge = order >= PAGEBLOCK_ORDER && w->huge &&
		    pfn >= z->huge_pfn && thp_wanted();
	size_t around = w->dense && !huge ? around_pages(z, order, need) : 0;
	size_t done;

	if (!huge && !around)
		return;
	page->type = PAGE_ISOLATED;
	lock_release(&z->lock);
	if (huge)
		done = make_huge(pfn, need);
	else
		done = faultin(pfn_to_addr(pfn), around, around) ? around : 0;
	lock_acquire(&z->lock);
	page->type = PAGE_NONE;
	present_set(pfn, done);
	page->resident = (uint32_t)done;
	if (w->order < NR_PCP_ORDERS)
		fetch_add_relaxed(&z->fresh, done);
}

/* @page is a block of @order, off the lists: keep what is wanted of it. */
static struct page *cut(struct zone *z, struct page *page, unsigned int order,
			const struct want *w, enum migratetype rest)
{
	size_t pfn = page_to_pfn(page);

	if (page->cold == BARE)
		memmap_fault_in(pfn + 1, pfn + ((size_t)1 << order));
	if (!page->resident)
		make_resident(z, page, order, w);
	expand(z, page, w->order, order, rest);
	return page;
}

/* The smallest block that is large enough. */
static struct page *take_smallest(struct zone *z, enum temperature t,
				  const struct want *w)
{
	unsigned int fits = z->orders[t][w->mt] & (~0u << w->order);
	struct page *page;
	unsigned int found;

	if (!fits)
		return NULL;
	found = (unsigned int)__builtin_ctz(fits);
	page = first_block(z, t, w->mt, found);
	del_from_free_list(z, page);
	return cut(z, page, found, w, w->mt);
}

static void set_pageblock_type(struct zone *z, size_t pfn, enum migratetype mt)
{
	z->stat->nr_pageblocks[pageblock_type(pfn)]--;
	z->stat->nr_pageblocks[mt]++;
	store_relaxed(&pfn_to_pageblock(pfn)->migratetype, (uint8_t)mt);
	count_vm_event(PAGEBLOCK_STEAL);
}

/* How far it is to the next block that has a state of its own. */
static size_t block_pages(const struct page *page)
{
	switch ((enum page_type)page->type) {
	case PAGE_BUDDY:
	case PAGE_PCP:
	case PAGE_ISOLATED:
	case PAGE_ALLOC:
	case PAGE_SLAB:
		return (size_t)1 << page->order;
	case PAGE_LARGE:
	case PAGE_CACHED:
		return page->nr_pages;
	case PAGE_NONE:
	case PAGE_VMALLOC:
	case PAGE_VFREE:
	case PAGE_VTAIL:
		break;
	}
	return 1;
}

/* Make the pageblock around @pfn one of @mt, with its free blocks. */
static void steal_pageblock(struct zone *z, size_t pfn, enum migratetype mt)
{
	size_t start = align_down(pfn, PAGEBLOCK_PAGES);
	size_t end = min_size(start + PAGEBLOCK_PAGES, z->online_pfn);

	set_pageblock_type(z, pfn, mt);
	for (pfn = start; pfn < end;) {
		struct page *page = pfn_to_page(pfn);

		pfn += block_pages(page);
		if (page->type != PAGE_BUDDY || page->migratetype == mt)
			continue;
		del_from_free_list(z, page);
		add_to_free_list_of(z, (enum temperature)page->cold,
				    page_to_pfn(page), page->order, mt,
				    page->resident);
	}
}

/*
 * The largest block of another type, of at least @min_order: it leaves the
 * fewest pieces behind.
 */
static struct page *take_fallback(struct zone *z, enum temperature t,
				  const struct want *w, unsigned int min_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(fallbacks[0]); i++) {
		enum migratetype other = fallbacks[w->mt][i];
		unsigned int fits = z->orders[t][other] & (~0u << min_order);
		enum migratetype rest = other;
		unsigned int found;
		struct page *page;
		size_t pfn;

		if (!fits)
			continue;
		found = ilog2(fits);
		page = first_block(z, t, other, found);
		pfn = page_to_pfn(page);
		del_from_free_list(z, page);
		if (found >= STEAL_ORDER) {
			rest = w->mt;
			/* Nothing else is in a pageblock that is all free. */
			if (found >= PAGEBLOCK_ORDER)
				set_pageblock_type(z, pfn, w->mt);
			else
				steal_pageblock(z, pfn, w->mt);
			if (found > PAGEBLOCK_ORDER)
				set_pageblock_type(z, pfn + PAGEBLOCK_PAGES,
						   w->mt);
		}
		return cut(z, page, found, w, rest);
	}
	return NULL;
}

struct page *buddy_take(struct zone *z, unsigned int order,
			enum migratetype mt, gfp_t gfp)
{
	unsigned int large = order > STEAL_ORDER ? order : STEAL_ORDER;
	struct want w = {
		.order = order,
		.mt = z->grouped ? mt : MIGRATE_UNMOVABLE,
		.huge = gfp & GFPF_WAIT &&
			(mt != MIGRATE_MOVABLE || order <= DENSE_ORDER ||
			 z->online_pfn - z->start_pfn >= ALL_DENSE_FROM),
		.dense = gfp & GFPF_WAIT && gfp & GFPF_DENSE,
	};
	struct page *page = take_smallest(z, HOT, &w);

	if (!page)
		page = take_fallback(z, HOT, &w, large);
	if (page)
		return page;
	if (order < NR_PCP_ORDERS)
		fetch_add_relaxed(&z->fresh, (size_t)1 << order);
	page = take_smallest(z, FRESH, &w);
	if (!page)
		page = take_smallest(z, BARE, &w);
	if (!page)
		page = take_fallback(z, FRESH, &w, large);
	if (!page)
		page = take_fallback(z, BARE, &w, large);
	if (!page)
		page = take_fallback(z, HOT, &w, order);
	if (!page)
		page = take_fallback(z, FRESH, &w, order);
	return page;
}

/* Away from the head of the list, which is taken next: not what is warm. */
static struct page *later_block(struct zone *z, unsigned int mt,
				unsigned int order)
{
	struct hlist_node *n = z->free_list[HOT][mt][order].first;

	for (unsigned int i = 1; i < SPARED && n->next; i++)
		n = n->next;
	return hlist_entry(n, struct page, buddy);
}

struct page *buddy_take_resident(struct zone *z, unsigned int min_order,
				 unsigned int max_order)
{
	unsigned int wanted = (2u << max_order) - (1u << min_order);
	struct page *best = NULL;

	for (unsigned int mt = 0; mt < NR_MIGRATETYPES; mt++) {
		unsigned int fits = z->orders[HOT][mt] & wanted;
		struct page *page;

		if (!fits)
			continue;
		page = later_block(z, mt, ilog2(fits));
		if (!best || page->order > best->order)
			best = page;
	}
	if (best)
		del_from_free_list(z, best);
	return best;
}

struct page *buddy_take_unstripped(struct zone *z)
{
	struct page *best = NULL;

	for (unsigned int mt = 0; mt < NR_MIGRATETYPES; mt++) {
		unsigned int fits = z->orders[FRESH][mt] >> STRIP_ORDER;
		struct page *page;

		if (!fits)
			continue;
		page = first_block(z, FRESH, mt, STRIP_ORDER + ilog2(fits));
		if (!best || page->order > best->order)
			best = page;
	}
	if (best)
		del_from_free_list(z, best);
	return best;
}

void buddy_put_stripped(struct zone *z, struct page *page)
{
	unsigned int order = page->order;
	size_t pfn = page_to_pfn(page);

	page->type = PAGE_NONE;
	if (order < MAX_ORDER &&
	    is_free_buddy(z, pfn ^ ((size_t)1 << order), order))
		buddy_free(z, pfn, order);
	else
		add_to_free_list_of(z, BARE, pfn, order, pageblock_type(pfn),
				    0);
}

static bool is_free_run(struct zone *z, size_t pfn, size_t end)
{
	while (pfn < end) {
		struct page *page;

		if (pfn >= z->online_pfn)
			return false;
		page = pfn_to_page(pfn);
		if (page->type != PAGE_BUDDY)
			return false;
		pfn += (size_t)1 << page->order;
	}
	return true;
}

bool buddy_take_range(struct zone *z, size_t pfn, size_t nr)
{
	size_t end = pfn + nr;

	if (!is_free_run(z, pfn, end))
		return false;
	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);
		size_t block_end = pfn + ((size_t)1 << page->order);

		del_from_free_list(z, page);
		if (block_end > end)
			buddy_free_range(z, end, block_end - end);
		pfn = block_end;
	}
	return true;
}

/* --- giving back --- */

void buddy_free(struct zone *z, size_t pfn, unsigned int order)
{
	size_t resident = present_count(pfn, (size_t)1 << order);

	while (order < MAX_ORDER) {
		size_t buddy = pfn ^ ((size_t)1 << order);

		if (!is_free_buddy(z, buddy, order))
			break;
		del_from_free_list(z, pfn_to_page(buddy));
		resident += pfn_to_page(buddy)->resident;
		pfn &= ~((size_t)1 << order);
		order++;
		PROBE(buddy_merge, pfn, order);
	}
	add_to_free_list(z, pfn, order, pageblock_type(pfn), resident);
}

void buddy_free_range(struct zone *z, size_t pfn, size_t nr)
{
	while (nr) {
		unsigned int order = ilog2(nr);

		if (pfn)
			order = (unsigned int)min_size(
				order, (unsigned int)__builtin_ctzll(pfn));
		if (order > MAX_ORDER)
			order = MAX_ORDER;
		buddy_free(z, pfn, order);
		pfn += (size_t)1 << order;
		nr -= (size_t)1 << order;
	}
}

/* --- checking --- */

static void validate_block(struct zone *z, struct page *page, unsigned int t,
			   unsigned int mt, unsigned int order)
{
	size_t pfn = page_to_pfn(page);
	size_t nr = (size_t)1 << order;

	BUG_ON(page->type != PAGE_BUDDY || page->order != order);
	BUG_ON(page->migratetype != mt || page->cold != t);
	BUG_ON(pfn % nr != 0);
	BUG_ON(pfn < z->start_pfn || pfn + nr > z->online_pfn);
	BUG_ON(order < MAX_ORDER && is_free_buddy(z, pfn ^ nr, order));
	BUG_ON(page->resident != present_count(pfn, nr));
	BUG_ON((t == HOT) != (page->resident > 0));
	BUG_ON(t == BARE && order < STRIP_ORDER);
	for (size_t i = 1; i < nr; i++)
		BUG_ON(pfn_to_page(pfn + i)->type != PAGE_NONE);
}

void buddy_validate(struct zone *z)
{
	uint64_t nr_free = 0, resident = 0;

	for (unsigned int mt = 0; mt < NR_MIGRATETYPES; mt++) {
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
			uint64_t blocks = 0;

			for (unsigned int t = 0; t < NR_TEMPERATURES; t++) {
				struct hlist_node *n =
					z->free_list[t][mt][o].first;

				BUG_ON(!n != !(z->orders[t][mt] >> o & 1));
				for (; n; n = n->next) {
					struct page *page = hlist_entry(
						n, struct page, buddy);

					validate_block(z, page, t, mt, o);
					blocks++;
					resident += present_count(
						page_to_pfn(page),
						(size_t)1 << o);
				}
			}
			BUG_ON(z->stat->nr_free[mt][o] != blocks);
			nr_free += blocks << o;
		}
	}
	BUG_ON(z->stat->free != nr_free);
	BUG_ON(z->stat->free_resident != resident);
}
