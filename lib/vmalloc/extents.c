/* SPDX-License-Identifier: MIT */
/*
 * extents.c - free extents of a group's space, in bins by size, and the memory in them.
 *
 * They are described by the struct pages of their first page and of their last, from
 * which a neighbour finds the first: no memory is needed to manage memory.
 *
 *	VFREE     free extent of nr_pages
 *	VTAIL     its last page, nr_pages of the whole
 *
 * Free extents are unpurged (may hold memory, kept for the next area of the
 * size) or clean (cost nothing, read as zeros); neighbours merge only if they
 * are alike, and of one group.
 *
 * Lock: that of the group (internal.h). System calls that take long are made without
 * it, on extents nobody else can reach.
 */
#include "base/vmstat.h"
#include "os/os.h"
#include "vmalloc/internal.h"

struct vmap_group vmap_groups[NR_VMAP_GROUPS] SPARSE_TABLE;

static uint32_t zone_growth; /* pages by which zones have grown so far. Atomic */

void note_zone_growth(size_t nr)
{
	fetch_add_relaxed(&zone_growth, (uint32_t)nr);
}

/* --- bins --- */

static void show_unpurged(struct vmap_group *g, struct page *first)
{
	struct control_area record = {
		.kind = AREA_UNPURGED,
		.prot = AREA_READ | AREA_WRITE,
		.start = (uintptr_t)page_address(first),
		.size = first->nr_pages << PAGE_SHIFT,
	};

	first->extent_slot = 0;
	area_show(AREAS_UNPURGED, &g->extents, &first->extent_slot, true, &record);
}

/* @freed_at: what zone_growth was when the last of it came free. */
static void add_extent(struct vmap_group *g, size_t pfn, size_t nr, enum kind kind,
		       uint32_t freed_at)
{
	struct page *first = pfn_to_page(pfn);
	struct page *last = pfn_to_page(pfn + nr - 1);
	unsigned int bin = bin_of(nr);

	last->type = PAGE_VTAIL;
	last->nr_pages = nr;
	last->cold = (uint8_t)kind;
	first->type = PAGE_VFREE;
	first->nr_pages = nr;
	first->cold = (uint8_t)kind;
	first->bucket = (uint8_t)bin;
	first->freed_at = freed_at;
	hlist_add_head(&first->buddy, &g->bins[kind][bin]);
	store_relaxed(&g->bin_used[kind], g->bin_used[kind] | 1ull << bin);
	if (kind == UNPURGED) {
		count_pages(&stat_of(g)->unpurged, nr, 0);
		show_unpurged(g, first);
	}
}

static void del_extent(struct vmap_group *g, struct page *first)
{
	enum kind kind = (enum kind)first->cold;
	unsigned int bin = first->bucket;
	size_t nr = first->nr_pages;

	hlist_del(&first->buddy);
	if (hlist_empty(&g->bins[kind][bin]))
		store_relaxed(&g->bin_used[kind], g->bin_used[kind] & ~(1ull << bin));
	first[nr - 1].type = PAGE_NONE;
	first->type = PAGE_NONE;
	if (kind == UNPURGED) {
		area_hide(AREAS_UNPURGED, &g->extents, &first->extent_slot);
		count_pages(&stat_of(g)->unpurged, 0, nr);
		g->idle_unpurged = min_size(g->idle_unpurged,
					    stat_of(g)->unpurged >> PAGE_SHIFT);
	}
}

/* The extent that ends at @pfn; NULL: none does. */
static struct page *extent_before(const struct vmap_group *g, size_t pfn)
{
	const struct page *last;

	if (pfn <= space_start_pfn() || vmap_group_of(pfn - 1) != g)
		return NULL;
	last = pfn_to_page(pfn - 1);
	/* A single page is its own tail. */
	if (last->type == PAGE_VTAIL ||
	    (last->type == PAGE_VFREE && last->nr_pages == 1))
		return pfn_to_page(pfn - last->nr_pages);
	return NULL;
}

struct page *extent_at(const struct vmap_group *g, size_t pfn)
{
	if (pfn >= span.nr_pages || vmap_group_of(pfn) != g ||
	    pfn_to_page(pfn)->type != PAGE_VFREE)
		return NULL;
	return pfn_to_page(pfn);
}

/*
 * Take the extents on both sides of the @nr pages at @pfn off the lists if they are
 * of that kind and have up to @most pages. Return: how many pages it is with them,
 * from *pfn on.
 */
static size_t merge(struct vmap_group *g, size_t *pfn, size_t nr, enum kind kind,
		    size_t most)
{
	struct page *before = extent_before(g, *pfn);
	struct page *after = extent_at(g, *pfn + nr);

	if (before && before->cold == kind && before->nr_pages <= most) {
		*pfn -= before->nr_pages;
		nr += before->nr_pages;
		del_extent(g, before);
	}
	if (after && after->cold == kind && after->nr_pages <= most) {
		nr += after->nr_pages;
		del_extent(g, after);
	}
	return nr;
}

void free_extent(struct vmap_group *g, size_t pfn, size_t nr, enum kind kind)
{
	nr = merge(g, &pfn, nr, kind, SIZE_MAX);
	add_extent(g, pfn, nr, kind, load_relaxed(&zone_growth));
}

/*
 * Where an aligned run of @nr pages would start in the extent; 0: nowhere. In a clean one
 * as high as it can: space grows down, and what lies side by side is joined again.
 */
static size_t fits_at(const struct page *extent, size_t nr, size_t align)
{
	uintptr_t start = (uintptr_t)page_address(extent);
	uintptr_t end = start + (extent->nr_pages << PAGE_SHIFT);
	uintptr_t size = nr << PAGE_SHIFT;
	uintptr_t at;

	if (extent->nr_pages < nr)
		return 0;
	at = extent->cold == CLEAN ? align_down(end - size, align) :
				     align_up(start, align);
	return at >= start && at + size <= end ? addr_to_pfn((void *)at) : 0;
}

size_t cut_extent(struct vmap_group *g, struct page *extent, size_t pfn, size_t nr)
{
	size_t start = page_to_pfn(extent);
	size_t end = start + extent->nr_pages;
	enum kind kind = (enum kind)extent->cold;
	uint32_t freed_at = extent->freed_at;

	del_extent(g, extent);
	if (pfn > start)
		add_extent(g, start, pfn - start, kind, freed_at);
	if (pfn + nr < end)
		add_extent(g, pfn + nr, end - pfn - nr, kind, freed_at);
	return pfn;
}

size_t take_extent(struct vmap_group *g, enum kind kind, size_t nr, size_t align,
		   size_t tries)
{
	uint64_t candidates = g->bin_used[kind] & (~0ull << bin_of(nr));

	for (; candidates; candidates &= candidates - 1) {
		struct hlist_node *i =
			g->bins[kind][__builtin_ctzll(candidates)].first;

		for (size_t k = 0; i && k < tries; k++, i = i->next) {
			struct page *extent =
				hlist_entry(i, struct page, buddy);
			size_t pfn = fits_at(extent, nr, align);

			if (pfn)
				return cut_extent(g, extent, pfn, nr);
		}
	}
	return 0;
}

/* --- purging --- */

bool purge_pages(size_t pfn, size_t nr)
{
	count_vm_event(PURGE_CALLS);
	count_vm_events(PGPURGE, nr);
	return os_purge(pfn_to_addr(pfn), nr << PAGE_SHIFT) == 0;
}

static struct page *largest_unpurged(const struct vmap_group *g)
{
	uint64_t used = g->bin_used[UNPURGED];

	if (!used)
		return NULL;
	return hlist_entry(g->bins[UNPURGED][ilog2(used)].first, struct page,
			   buddy);
}

/*
 * Pages that are neither in use nor on a list become a clean extent; the lock is
 * given up during the system call. Return: whether they could be purged.
 */
static bool free_purged(struct vmap_group *g, size_t pfn, size_t nr)
{
	bool ok;

	vmap_unlock(g);
	ok = purge_pages(pfn, nr);
	vmap_lock(g, true);
	free_extent(g, pfn, nr, ok ? CLEAN : UNPURGED);
	return ok;
}

/* An unpurged extent does. Return: pages given back; 0: it cannot be purged, or
 * there is no @extent. */
static size_t purge_one(struct vmap_group *g, struct page *extent)
{
	size_t pfn, nr;

	if (!extent)
		return 0;
	pfn = page_to_pfn(extent);
	nr = extent->nr_pages;
	del_extent(g, extent);
	return free_purged(g, pfn, nr) ? nr : 0;
}

size_t purge_extents(struct vmap_group *g, size_t target)
{
	size_t done = 0, nr = 1;

	for (; nr && done < target; done += nr)
		nr = purge_one(g, largest_unpurged(g));
	return done;
}

static struct page *idle_extent(const struct vmap_group *g, size_t most)
{
	for (uint64_t left = g->bin_used[UNPURGED]; left; left &= left - 1) {
		struct hlist_node *i =
			g->bins[UNPURGED][__builtin_ctzll(left)].first;

		for (; i; i = i->next) {
			struct page *extent = hlist_entry(i, struct page, buddy);
			size_t age = load_relaxed(&zone_growth) -
				     extent->freed_at;

			if (extent->nr_pages <= min_size(most, age * MAKE_UP_RATIO))
				return extent;
		}
	}
	return NULL;
}

size_t purge_idle(struct vmap_group *g, size_t most)
{
	size_t done = 0, nr = 1;

	for (; nr; done += nr)
		nr = purge_one(g, idle_extent(g, most - min_size(done, most)));
	return done;
}

void free_and_purge(struct vmap_group *g, size_t pfn, size_t nr)
{
	nr = merge(g, &pfn, nr, UNPURGED, nr);
	free_purged(g, pfn, nr);
}
