/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - areas in VMALLOC space, the upper end of the span.
 *
 * The space is cut into live areas and free extents, described by the struct
 * pages of their first page (and, for free extents, of their last, so that a
 * neighbour finds its start): no memory is needed to manage memory.
 *
 *	VMALLOC   area: nr_pages in use, room >= nr_pages its own
 *	VFREE     free extent of nr_pages, in a bin by size
 *	VTAIL     its last page, nr_pages of the whole
 *
 * Free extents are unpurged (may hold memory, kept for the next area of the
 * size) or clean (cost nothing, read as zeros); neighbours merge only if they
 * are alike. An area is cut from the first extent that fits, unpurged ones
 * first; if none does, the space is extended downwards. The decay clock purges
 * what was not needed for a while, and the growth of zones does, since they cannot
 * use what lies here.
 *
 * Growing moves no data: in place into the area's room or the free extent
 * behind it, else by mremap of the page tables to a larger area. The kernel
 * keeps what was moved as a mapping of its own, a "piece"; mremap takes one
 * piece at a time, so an area remembers where its pieces end. The rest of its
 * room belongs to the mapping of the whole space.
 *
 * Lock: LOCK_VMAP for all of it. System calls that take long are made without
 * it, on areas and extents nobody else can reach.
 */
#include "vmalloc/vmalloc.h"

#include <string.h>

#include "base/area.h"
#include "base/bug.h"
#include "base/lock.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/ahead.h"
#include "page_alloc/around.h"
#include "page_alloc/page_alloc.h"
#include "page_alloc/span.h"
#include "vmalloc/gather.h"
#include "vmalloc/huge.h"

enum {
	NR_BINS = 64,
	/* Two bins a doubling. */
	BIN_SHIFT = 1,
	/* Of thousands of extents in a bin, most may be too small. */
	FEW_TRIES = 32,
	/* Kernel mappings that pieces may cost: of 65,530 a process has. */
	MAX_PIECES = 8192,
	/* Longer areas are cleared by the kernel, page by page when touched. */
	CLEAR_BY_PURGE = MiB(32) >> PAGE_SHIFT,
	/* Pages that go back for each by which a zone has grown. */
	MAKE_UP_RATIO = 2,
};

enum kind { UNPURGED, CLEAN, NR_KINDS };

static struct lock vmap_lock = LOCK_INIT(VMAP);
static struct hlist_head bins[NR_KINDS][NR_BINS];
static uint64_t bin_used[NR_KINDS]; /* bit k: bin k is not empty */
static size_t idle_unpurged; /* pages: least since the last tick */
static size_t nr_pieces; /* of all areas */
static uint32_t zone_growth; /* pages by which zones have grown so far */
static size_t owed; /* pages that may go back for it */

static struct control_vmalloc *const stat = &control.vmalloc;

/* --- what is shown --- */

static struct control_area area_record(const struct page *page)
{
	unsigned int pieces = page->nr_pieces;
	size_t moved = pieces ? page->pieces[pieces - 1] : 0;

	return (struct control_area){
		.kind = AREA_VMALLOC,
		.prot = AREA_READ | AREA_WRITE,
		.pieces = (uint16_t)pieces,
		.start = (uintptr_t)page_address(page),
		.size = page->room << PAGE_SHIFT,
		.used = page->nr_pages << PAGE_SHIFT,
		.moved = min_size(moved, page->nr_pages) << PAGE_SHIFT,
	};
}

/* With the lock held. */
static void show_area(struct page *page, bool is_new)
{
	struct control_area record = area_record(page);

	area_show(AREAS_VMALLOC, &page->area_slot, is_new, &record);
}

/* Others read it without the lock. */
static void count_used(size_t more, size_t less)
{
	store_relaxed(&stat->used, stat->used + (more << PAGE_SHIFT) -
					   (less << PAGE_SHIFT));
}

/* Without it. */
static void update_area(const struct page *page)
{
	struct control_area record = area_record(page);

	area_update(AREAS_VMALLOC, page->area_slot, &record);
}

static void show_unpurged(struct page *first)
{
	struct control_area record = {
		.kind = AREA_UNPURGED,
		.prot = AREA_READ | AREA_WRITE,
		.start = (uintptr_t)page_address(first),
		.size = first->nr_pages << PAGE_SHIFT,
	};

	first->extent_slot = 0;
	area_show(AREAS_UNPURGED, &first->extent_slot, true, &record);
}

/* --- free extents --- */

static unsigned int bin_of(size_t nr)
{
	unsigned int log = ilog2(nr);
	size_t half = log ? nr >> (log - 1) & 1 : 0;

	return (unsigned int)min_size((log << BIN_SHIFT) + half, NR_BINS - 1);
}

/* @freed_at: what zone_growth was when the last of it came free. */
static void add_extent(size_t pfn, size_t nr, enum kind kind, uint32_t freed_at)
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
	hlist_add_head(&first->buddy, &bins[kind][bin]);
	bin_used[kind] |= 1ull << bin;
	if (kind == UNPURGED) {
		stat->unpurged += nr << PAGE_SHIFT;
		show_unpurged(first);
	}
}

static void del_extent(struct page *first)
{
	enum kind kind = (enum kind)first->cold;
	size_t nr = first->nr_pages;

	hlist_del(&first->buddy);
	if (hlist_empty(&bins[kind][first->bucket]))
		bin_used[kind] &= ~(1ull << first->bucket);
	first[nr - 1].type = PAGE_NONE;
	first->type = PAGE_NONE;
	if (kind == UNPURGED) {
		area_hide(AREAS_UNPURGED, &first->extent_slot);
		stat->unpurged -= nr << PAGE_SHIFT;
		idle_unpurged = min_size(idle_unpurged,
					 stat->unpurged >> PAGE_SHIFT);
	}
}

static size_t space_start_pfn(void)
{
	return (span.size - stat->online) >> PAGE_SHIFT;
}

/* The extent that ends at @pfn; NULL: none does. */
static struct page *extent_before(size_t pfn)
{
	const struct page *last;

	if (pfn <= space_start_pfn())
		return NULL;
	last = pfn_to_page(pfn - 1);
	/* A single page is its own tail. */
	if (last->type == PAGE_VTAIL ||
	    (last->type == PAGE_VFREE && last->nr_pages == 1))
		return pfn_to_page(pfn - last->nr_pages);
	return NULL;
}

/* The one that begins there. */
static struct page *extent_at(size_t pfn)
{
	if (pfn >= span.nr_pages || pfn_to_page(pfn)->type != PAGE_VFREE)
		return NULL;
	return pfn_to_page(pfn);
}

/*
 * Take the extents on both sides of the @nr pages at @pfn off the lists if they are
 * of that kind and have up to @most pages. Return: how many pages it is with them,
 * from *pfn on.
 */
static size_t merge(size_t *pfn, size_t nr, enum kind kind, size_t most)
{
	struct page *before = extent_before(*pfn);
	struct page *after = extent_at(*pfn + nr);

	if (before && before->cold == kind && before->nr_pages <= most) {
		*pfn -= before->nr_pages;
		nr += before->nr_pages;
		del_extent(before);
	}
	if (after && after->cold == kind && after->nr_pages <= most) {
		nr += after->nr_pages;
		del_extent(after);
	}
	return nr;
}

static void free_extent(size_t pfn, size_t nr, enum kind kind)
{
	nr = merge(&pfn, nr, kind, SIZE_MAX);
	add_extent(pfn, nr, kind, zone_growth);
}

/* Where an aligned run of @nr pages would start in the extent; 0: nowhere. */
static size_t fits_at(const struct page *extent, size_t nr, size_t align)
{
	size_t start = page_to_pfn(extent);
	size_t pages = align >> PAGE_SHIFT;
	uintptr_t addr = align_up((uintptr_t)pfn_to_addr(start), align);
	size_t pfn = pages > 1 ? addr_to_pfn((void *)addr) : start;

	return pfn + nr <= start + extent->nr_pages ? pfn : 0;
}

static size_t cut_extent(struct page *extent, size_t pfn, size_t nr)
{
	size_t start = page_to_pfn(extent);
	size_t end = start + extent->nr_pages;
	enum kind kind = (enum kind)extent->cold;
	uint32_t freed_at = extent->freed_at;

	del_extent(extent);
	if (pfn > start)
		add_extent(start, pfn - start, kind, freed_at);
	if (pfn + nr < end)
		add_extent(pfn + nr, end - pfn - nr, kind, freed_at);
	return pfn;
}

/* @tries: how many extents of a bin to look at. */
static size_t take_extent(enum kind kind, size_t nr, size_t align, size_t tries)
{
	uint64_t candidates = bin_used[kind] & (~0ull << bin_of(nr));

	for (; candidates; candidates &= candidates - 1) {
		struct hlist_node *i =
			bins[kind][__builtin_ctzll(candidates)].first;

		for (size_t k = 0; i && k < tries; k++, i = i->next) {
			struct page *extent =
				hlist_entry(i, struct page, buddy);
			size_t pfn = fits_at(extent, nr, align);

			if (pfn)
				return cut_extent(extent, pfn, nr);
		}
	}
	return 0;
}

/* --- purging --- */

static bool purge_extent(size_t pfn, size_t nr)
{
	count_vm_event(PURGE_CALLS);
	count_vm_events(PGPURGE, nr);
	return os_purge(pfn_to_addr(pfn), nr << PAGE_SHIFT) == 0;
}

static struct page *largest_unpurged(void)
{
	uint64_t used = bin_used[UNPURGED];

	if (!used)
		return NULL;
	return hlist_entry(bins[UNPURGED][ilog2(used)].first, struct page,
			   buddy);
}

/*
 * Pages that are neither in use nor on a list become a clean extent; the lock is
 * held, and given up during the system call. Return: whether they could be purged.
 */
static bool free_purged(size_t pfn, size_t nr)
{
	bool ok;

	lock_release(&vmap_lock);
	ok = purge_extent(pfn, nr);
	lock_acquire(&vmap_lock);
	free_extent(pfn, nr, ok ? CLEAN : UNPURGED);
	return ok;
}

/* An unpurged extent does. Return: pages given back; 0: it cannot be purged, or
 * there is no @extent. */
static size_t purge_one(struct page *extent)
{
	size_t pfn, nr;

	if (!extent)
		return 0;
	pfn = page_to_pfn(extent);
	nr = extent->nr_pages;
	del_extent(extent);
	return free_purged(pfn, nr) ? nr : 0;
}

/* The same for @target pages, largest extents first. */
static size_t purge_locked(size_t target)
{
	size_t done = 0, nr = 1;

	for (; nr && done < target; done += nr)
		nr = purge_one(largest_unpurged());
	return done;
}

/*
 * One of up to @most pages that nobody has needed while zones grew by a good part of
 * its size.
 */
static struct page *idle_extent(size_t most)
{
	for (uint64_t left = bin_used[UNPURGED]; left; left &= left - 1) {
		struct hlist_node *i =
			bins[UNPURGED][__builtin_ctzll(left)].first;

		for (; i; i = i->next) {
			struct page *extent = hlist_entry(i, struct page, buddy);
			size_t age = zone_growth - extent->freed_at;

			if (extent->nr_pages <= min_size(most, age * MAKE_UP_RATIO))
				return extent;
		}
	}
	return NULL;
}

/* --- the space --- */

/*
 * An area of @nr pages in address space: whole pageblocks, so that huge pages
 * fit, unless it is small (the buddy could not serve it) or space is short.
 */
static size_t round_area(size_t nr)
{
	bool roomy = span.size >= GiB(16) && nr > 2 * PAGEBLOCK_PAGES;

	return align_up(nr, roomy ? PAGEBLOCK_PAGES : 16);
}

static bool extend_space(size_t nr, size_t align)
{
	size_t more = round_area(nr + (align >> PAGE_SHIFT) - 1);
	void *addr = span_claim_down(more);
	size_t pfn;

	if (!addr)
		return false;
	if (span_online(addr, more) < 0) {
		span_unclaim_down(more);
		return false;
	}
	pfn = addr_to_pfn(addr);
	huge_advise(pfn, more);
	stat->online += more << PAGE_SHIFT;
	stat->start = span.base;
	stat->end = span.base + span.size;
	free_extent(pfn, more, CLEAN);
	return true;
}

/* --- areas --- */

static size_t take_free(size_t nr, size_t align, size_t tries,
			enum kind *ret_kind)
{
	size_t pfn = take_extent(UNPURGED, nr, align, tries);

	*ret_kind = UNPURGED;
	if (!pfn) {
		*ret_kind = CLEAN;
		pfn = take_extent(CLEAN, nr, align, tries);
	}
	return pfn;
}

static size_t find_room(size_t nr, size_t align, enum kind *ret_kind)
{
	size_t pfn = take_free(nr, align, FEW_TRIES, ret_kind);

	/* What is new is the first of its bin. */
	if (!pfn && extend_space(nr, align))
		pfn = take_free(nr, align, FEW_TRIES, ret_kind);
	if (!pfn)
		pfn = take_free(nr, align, SIZE_MAX, ret_kind);
	/* Purged extents merge with clean neighbours. */
	if (!pfn && purge_locked(SIZE_MAX))
		pfn = take_free(nr, align, SIZE_MAX, ret_kind);
	return pfn;
}

static size_t take_area(size_t nr, size_t room, size_t align,
			enum kind *ret_kind)
{
	size_t pfn = 0;

	room = round_area(room);
	pfn = find_room(room, align, ret_kind);
	if (!pfn && room > nr) {
		room = nr;
		pfn = find_room(room, align, ret_kind);
	}
	if (pfn) {
		struct page *page = pfn_to_page(pfn);

		page->type = PAGE_VMALLOC;
		page->nr_pages = nr;
		page->room = room;
		page->nr_pieces = 0;
		page->area_slot = 0;
		show_area(page, true);
		stat->nr_areas++;
		count_used(nr, 0);
	}
	return pfn;
}

static void clear_area(size_t pfn, size_t nr)
{
	void *addr = pfn_to_addr(pfn);

	if (nr < CLEAR_BY_PURGE || !purge_extent(pfn, nr))
		memset(addr, 0, nr << PAGE_SHIFT);
}

/* An area of its own for the caller. Return: its pfn, or 0. */
static size_t make_area(size_t nr, size_t room, size_t align, bool wait,
			enum kind *ret_kind)
{
	size_t pfn;

	if (nr > span.nr_pages || align > span.size)
		return 0;
	room = min_size(max_size(nr, room), span.nr_pages);
	if (!lock_acquire_unless(&vmap_lock, !wait))
		return 0;
	pfn = take_area(nr, room, align, ret_kind);
	lock_release(&vmap_lock);
	if (pfn)
		count_vm_event(VMALLOC_ALLOC);
	return pfn;
}

static void *reuse_area(size_t pfn, size_t nr, bool zero)
{
	count_vm_event(VMALLOC_REUSE);
	if (zero)
		clear_area(pfn, nr);
	return pfn_to_addr(pfn);
}

void *vmalloc_pages(size_t nr, size_t room, size_t align, bool zero, bool wait)
{
	enum kind kind;
	size_t pfn = make_area(nr, room, align, wait, &kind);

	if (!pfn)
		return NULL;
	if (kind == UNPURGED)
		return reuse_area(pfn, nr, zero);
	if (wait)
		ahead_measure(pfn_to_addr(pfn), nr);
	huge_choose(pfn, nr, pfn_to_page(pfn)->room);
	if (zero)
		around_clear_area(pfn, nr);
	/* Into one with room page tables are moved. */
	if (wait && room == nr)
		ahead_block(pfn_to_addr(pfn), nr);
	return pfn_to_addr(pfn);
}

void *vmalloc_gather(size_t nr, bool zero)
{
	enum kind kind;
	size_t pfn = make_area(nr, nr, PAGE_SIZE, true, &kind);
	size_t moved;

	if (!pfn)
		return NULL;
	if (kind == UNPURGED)
		return reuse_area(pfn, nr, zero);
	moved = gather_frames(pfn, nr);
	if (zero)
		memset(pfn_to_addr(pfn), 0, moved << PAGE_SHIFT);
	if (moved < nr)
		huge_choose(pfn + moved, nr - moved,
			    pfn_to_page(pfn)->room - moved);
	return pfn_to_addr(pfn);
}

/* An area of pieces, not free yet, becomes one mapping. Return: what kind it is. */
static enum kind join_pieces(struct page *page)
{
	size_t pfn = page_to_pfn(page);

	fetch_sub_relaxed(&nr_pieces, page->nr_pieces);
	if (os_refresh(pfn_to_addr(pfn), page->room << PAGE_SHIFT) < 0)
		return UNPURGED;
	huge_advise(pfn, page->room);
	count_vm_events(PGPURGE, page->nr_pages);
	return CLEAN;
}

/* With a lower limit, areas of many sizes that come and go are purged and filled all
 * the time, and the peak is no lower. */
static bool may_keep(const struct page *page)
{
	return stat->unpurged + (page->nr_pages << PAGE_SHIFT) <=
	       resident_free_limit(stat->used);
}

/*
 * With the smaller extents beside it: between clean ones they would stay, too small
 * for any area, until nothing else may be kept and every area is purged.
 */
static void free_and_purge(size_t pfn, size_t nr)
{
	nr = merge(&pfn, nr, UNPURGED, nr);
	free_purged(pfn, nr);
}

bool vfree(struct page *page, bool wait)
{
	enum kind kind = UNPURGED;
	bool keep;

	/* A nested call finds the lock free or does nothing. */
	if (wait && page->nr_pieces)
		kind = join_pieces(page);
	if (!lock_acquire_unless(&vmap_lock, !wait))
		return false;
	keep = !wait || kind == CLEAN || may_keep(page);
	area_hide(AREAS_VMALLOC, &page->area_slot);
	page->type = PAGE_NONE;
	stat->nr_areas--;
	count_used(0, page->nr_pages);
	if (keep)
		free_extent(page_to_pfn(page), page->room, kind);
	else
		free_and_purge(page_to_pfn(page), page->room);
	lock_release(&vmap_lock);
	count_vm_event(VMALLOC_FREE);
	return true;
}

/* --- growing and shrinking --- */

/* With the lock held. */
static bool grow_in_place(struct page *page, size_t nr)
{
	size_t end = page_to_pfn(page) + page->room;
	size_t need = nr > page->room ? nr - page->room : 0;

	if (need) {
		struct page *after = pfn_to_page(end);
		size_t take;

		if (end >= span.nr_pages ||
		    after->type != PAGE_VFREE || after->nr_pages < need)
			return false;
		take = min_size(round_area(need), after->nr_pages);
		cut_extent(after, end, take);
		page->room += take;
	}
	count_used(nr, page->nr_pages);
	page->nr_pages = nr;
	show_area(page, false);
	return true;
}

/* With the lock held. */
static void shrink_in_place(struct page *page, size_t nr)
{
	size_t keep = round_area(nr);
	size_t pfn = page_to_pfn(page);

	count_used(nr, page->nr_pages);
	if (page->nr_pieces) {
		/* Its mappings stay as they are: only the memory goes. */
		purge_extent(pfn + nr, page->nr_pages - nr);
	} else if (keep < page->room) {
		free_extent(pfn + keep, page->room - keep, UNPURGED);
		page->room = keep;
	}
	page->nr_pages = nr;
	show_area(page, false);
}

static bool add_piece(struct page *page, size_t end)
{
	if (page->nr_pieces == ARRAY_SIZE(page->pieces))
		return false;
	page->pieces[page->nr_pieces++] = (uint32_t)end;
	fetch_add_relaxed(&nr_pieces, 1);
	return true;
}

static bool move_piece(char *from, size_t start, size_t end,
		       struct page *to)
{
	char *dest = (char *)page_address(to) + (start << PAGE_SHIFT);

	return os_move(from + (start << PAGE_SHIFT),
		       (end - start) << PAGE_SHIFT, dest) == 0 &&
	       add_piece(to, end);
}

bool vmalloc_move_in(void *from, size_t nr, void *area)
{
	if (load_relaxed(&nr_pieces) >= MAX_PIECES ||
	    !move_piece(from, 0, nr, virt_to_page(area)))
		return false;
	update_area(virt_to_page(area));
	count_vm_event(VMALLOC_MOVE);
	return true;
}

/*
 * Move all pieces of @page to @to. A piece that cannot be moved is copied: what
 * was moved before it is not where it was any more.
 */
static void move_pieces(struct page *page, struct page *to)
{
	char *from = page_address(page);
	size_t start = 0;

	for (unsigned int i = 0; i <= page->nr_pieces; i++) {
		size_t end = i < page->nr_pieces ? page->pieces[i] :
						   page->nr_pages;

		end = min_size(end, page->nr_pages);
		if (start < end && !move_piece(from, start, end, to))
			memcpy((char *)page_address(to) + (start << PAGE_SHIFT),
			       from + (start << PAGE_SHIFT),
			       (end - start) << PAGE_SHIFT);
		start = max_size(start, end);
	}
	update_area(to);
	count_vm_event(VMALLOC_MOVE);
}

static void *move_area(struct page *page, size_t nr)
{
	size_t old = page->nr_pages;
	void *to;

	if (page->nr_pieces >= ARRAY_SIZE(page->pieces) ||
	    load_relaxed(&nr_pieces) >= MAX_PIECES)
		return NULL;
	/* Room to grow fourfold: moves get rarer as the area grows. */
	to = vmalloc_pages(nr, 4 * nr, PAGE_SIZE, false, true);
	if (!to)
		return NULL;
	move_pieces(page, virt_to_page(to));
	/* First: once it is free, the page may be someone else's. */
	set_page_class(page_address(page), PAGE_CLASS_NONE);
	vfree(page, true);
	ahead_growth(to, old, nr);
	return to;
}

void *vrealloc(struct page *page, size_t nr, bool wait)
{
	size_t old = page->nr_pages;
	bool done = true;

	if (!lock_acquire_unless(&vmap_lock, !wait))
		return NULL;
	if (nr > old)
		done = grow_in_place(page, nr);
	else if (nr < old)
		shrink_in_place(page, nr);
	lock_release(&vmap_lock);
	if (done && nr > old && wait) {
		huge_review(page, old);
		ahead_growth(page_address(page), old, nr);
	}
	if (done)
		return page_address(page);
	return wait ? move_area(page, nr) : NULL;
}

/* --- decay --- */

void vmalloc_decay(unsigned int ticks)
{
	size_t idle, target;

	lock_acquire(&vmap_lock);
	idle = min_size(idle_unpurged, stat->unpurged >> PAGE_SHIFT);
	idle_unpurged = stat->unpurged >> PAGE_SHIFT;
	target = idle - decayed(idle, ticks);
	if (target)
		purge_locked(target);
	lock_release(&vmap_lock);
}

/*
 * Whole extents: if part of one went, the next area of its size would be new memory,
 * all of it.
 */
void vmalloc_make_up(size_t nr)
{
	size_t done = 1;

	lock_acquire(&vmap_lock);
	zone_growth += (uint32_t)nr;
	owed += nr * MAKE_UP_RATIO;
	for (; done; owed -= min_size(done, owed))
		done = purge_one(idle_extent(owed));
	owed = min_size(owed, stat->unpurged >> PAGE_SHIFT);
	lock_release(&vmap_lock);
}

/* The lowest part of the space, if it is free, for the zones to grow into. */
void vmalloc_release(void)
{
	struct page *lowest;
	size_t nr;

	lock_acquire(&vmap_lock);
	purge_locked(SIZE_MAX);
	lowest = pfn_to_page(space_start_pfn());
	if (stat->online && lowest->type == PAGE_VFREE && lowest->cold == CLEAN) {
		nr = lowest->nr_pages;
		del_extent(lowest);
		stat->online -= nr << PAGE_SHIFT;
		span_unclaim_down(nr);
	}
	lock_release(&vmap_lock);
}

size_t vmalloc_trim(void)
{
	size_t pages;

	lock_acquire(&vmap_lock);
	pages = purge_locked(stat->unpurged >> PAGE_SHIFT);
	lock_release(&vmap_lock);
	return pages;
}
