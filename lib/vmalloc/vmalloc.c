/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - areas in VMALLOC space, the upper end of the span.
 *
 * The space is cut into live areas and free extents (extents.c); the struct page of its
 * first page describes each.
 *
 *	VMALLOC   area: nr_pages in use, room >= nr_pages its own
 *
 * An area is cut from the first extent that fits, an unpurged one first, also if it lies
 * in another group's space; if none does, from clean space of its group's own, to which
 * that of others is added, or the space is extended downwards. The decay clock purges
 * what was not needed for a while, and the growth of zones does, since they cannot
 * use what lies here.
 *
 * Growing moves no data: in place into the area's room or the free extent
 * behind it, else by mremap of the page tables to a larger area. The kernel
 * keeps what was moved as a mapping of its own, a "piece"; mremap takes one
 * piece at a time, so an area remembers where its pieces end. The rest of its
 * room belongs to the mapping of the whole space.
 *
 * Lock: that of the area's group (internal.h). System calls that take long are made
 * without it, on areas nobody else can reach.
 */
#include "vmalloc/vmalloc.h"

#include <string.h>

#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/ahead.h"
#include "page_alloc/around.h"
#include "page_alloc/page_alloc.h"
#include "vmalloc/gather.h"
#include "vmalloc/huge.h"
#include "vmalloc/internal.h"

enum {
	/* Kernel mappings that pieces may cost: of 65,530 a process has. */
	MAX_PIECES = 8192,
	/* Areas that are freed before what may be kept is reckoned again. */
	KEEP_UNASKED = 64,
	/* Longer areas are cleared by the kernel, page by page when touched. */
	CLEAR_BY_PURGE = MiB(32) >> PAGE_SHIFT,
};

static size_t nr_pieces; /* of all areas. Atomic */
static size_t owed; /* pages that may go back since zones grew. Atomic */

/* Pages; what two threads do at once may get lost. Atomic */
static struct {
	size_t gone; /* purged because too many were free, and not used again so far */
	size_t missed; /* those that were, lately */
} early;

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
static void show_area(struct vmap_group *g, struct page *page, bool is_new)
{
	struct control_area record = area_record(page);

	area_show(AREAS_VMALLOC, &g->areas, &page->area_slot, is_new, &record);
}

/* Without it. */
static void update_area(const struct page *page)
{
	struct control_area record = area_record(page);

	area_update(AREAS_VMALLOC, page->area_slot, &record);
}

/* --- finding a place --- */

/* What an area is to be. */
struct plan {
	size_t nr;
	size_t room;
	size_t align;
	bool wait;
};

/* @pfn was just taken. */
static void begin_area(struct vmap_group *g, size_t pfn, const struct plan *plan)
{
	struct page *page = pfn_to_page(pfn);

	page->type = PAGE_VMALLOC;
	page->nr_pages = plan->nr;
	page->room = plan->room;
	page->nr_pieces = 0;
	page->area_slot = 0;
	show_area(g, page, true);
	store_relaxed(&stat_of(g)->nr_areas, stat_of(g)->nr_areas + 1);
	count_pages(&stat_of(g)->used, plan->nr, 0);
}

static size_t take_from(struct vmap_group *g, enum kind kind,
			const struct plan *plan, size_t tries)
{
	size_t pfn;

	if (!has_extent(g, kind, plan->room) || !vmap_lock(g, plan->wait))
		return 0;
	pfn = take_extent(g, kind, plan->room, plan->align, tries);
	if (pfn)
		begin_area(g, pfn, plan);
	vmap_unlock(g);
	return pfn;
}

static size_t take_from_others(const struct vmap_group *own, enum kind kind,
			       const struct plan *plan, size_t tries)
{
	struct vmap_group *g = NULL;
	size_t pfn = 0;

	while (!pfn && (g = next_vmap_group(g)))
		if (g != own)
			pfn = take_from(g, kind, plan, tries);
	return pfn;
}

static size_t take_new(struct vmap_group *own, const struct plan *plan)
{
	size_t pfn = 0;

	if (!vmap_lock(own, plan->wait))
		return 0;
	/* It is the first of its bin. */
	if (extend_space(own, plan->room, plan->align, plan->wait))
		pfn = take_extent(own, CLEAN, plan->room, plan->align, FEW_TRIES);
	if (pfn)
		begin_area(own, pfn, plan);
	vmap_unlock(own);
	return pfn;
}

static size_t find_unpurged(struct vmap_group *own, const struct plan *plan,
			    size_t tries)
{
	size_t pfn = take_from(own, UNPURGED, plan, tries);

	return pfn ? pfn : take_from_others(own, UNPURGED, plan, tries);
}

/* @nr clean pages are used again, some of which had to be purged. */
static void note_missed(size_t nr)
{
	size_t gone = load_relaxed(&early.gone);

	nr = min_size(nr, gone);
	if (!nr)
		return;
	store_relaxed(&early.gone, gone - nr);
	store_relaxed(&early.missed, load_relaxed(&early.missed) + nr);
}

static size_t find_clean(struct vmap_group *own, const struct plan *plan)
{
	size_t pfn = take_from(own, CLEAN, plan, FEW_TRIES);

	if (!pfn && plan->wait && adopt_space(own, plan->room, plan->align))
		pfn = take_from(own, CLEAN, plan, FEW_TRIES);
	if (!pfn)
		return take_new(own, plan);
	note_missed(plan->nr);
	return pfn;
}

/* There is no space left: among all that is clean, and would be if it were purged. */
static size_t find_last(struct vmap_group *own, const struct plan *plan)
{
	size_t pfn = take_from(own, CLEAN, plan, SIZE_MAX);

	if (!pfn)
		pfn = take_from_others(own, CLEAN, plan, SIZE_MAX);
	if (pfn || !plan->wait)
		return pfn;
	vmalloc_trim();
	adopt_all(own);
	return take_from(own, CLEAN, plan, SIZE_MAX);
}

static size_t find_room(const struct plan *plan, enum kind *ret_kind)
{
	struct vmap_group *own = my_vmap_group();
	size_t pfn = find_unpurged(own, plan, FEW_TRIES);

	*ret_kind = UNPURGED;
	if (pfn)
		return pfn;
	*ret_kind = CLEAN;
	pfn = find_clean(own, plan);
	if (pfn)
		return pfn;
	*ret_kind = UNPURGED;
	pfn = find_unpurged(own, plan, SIZE_MAX);
	if (pfn)
		return pfn;
	*ret_kind = CLEAN;
	return find_last(own, plan);
}

/* --- areas --- */

static void clear_area(size_t pfn, size_t nr)
{
	void *addr = pfn_to_addr(pfn);

	if (nr < CLEAR_BY_PURGE || !purge_pages(pfn, nr))
		memset(addr, 0, nr << PAGE_SHIFT);
}

/* An area of its own for the caller. Return: its pfn, or 0. */
static size_t make_area(size_t nr, size_t room, size_t align, bool wait,
			enum kind *ret_kind)
{
	struct plan plan = { .nr = nr, .align = align, .wait = wait };
	size_t pfn;

	if (nr > span.nr_pages || align > span.size)
		return 0;
	plan.room = round_area(min_size(max_size(nr, room), span.nr_pages));
	pfn = find_room(&plan, ret_kind);
	if (!pfn && plan.room > nr) {
		plan.room = nr;
		pfn = find_room(&plan, ret_kind);
	}
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

/*
 * What may stay unpurged is as much as is in use: with a lower limit, areas of many sizes
 * that come and go are purged and filled all the time, and the peak is no lower. While
 * they still are, half as much more: three of a thousand that were purged made the others
 * take ten times as long.
 */
static size_t most_to_keep(size_t used)
{
	size_t limit = resident_free_limit(used);

	return limit + min_size(load_relaxed(&early.missed) << PAGE_SHIFT,
				limit / 2);
}

/*
 * To know the other groups' counters is dear, so a group that has asked may take half of
 * its share of what is left without asking again for a while: if all groups do, as much
 * is still in use.
 */
static bool ask_to_keep(struct vmap_group *g, size_t size)
{
	struct control_vmap_group all = control_vmalloc_sum(&control.vmalloc);
	size_t limit = most_to_keep(all.used);
	size_t left = limit - min_size(limit, all.unpurged);

	g->may_keep = stat_of(g)->unpurged + left / (2 * nr_vmap_groups());
	g->keep_unasked = KEEP_UNASKED;
	return size <= left;
}

static bool may_keep(struct vmap_group *g, const struct page *page)
{
	size_t size = page->nr_pages << PAGE_SHIFT;
	size_t kept = stat_of(g)->unpurged + size;

	if (!g->keep_unasked || kept > g->may_keep)
		return ask_to_keep(g, size);
	g->keep_unasked--;
	return true;
}

static void purge_early(struct vmap_group *g, size_t pfn, size_t nr)
{
	store_relaxed(&early.gone, load_relaxed(&early.gone) + nr);
	free_and_purge(g, pfn, nr);
}

bool vfree(struct page *page, bool wait)
{
	size_t pfn = page_to_pfn(page);
	struct vmap_group *g = vmap_group_of(pfn);
	enum kind kind = UNPURGED;
	bool keep;

	/* A nested call finds the lock free or does nothing. */
	if (wait && page->nr_pieces)
		kind = join_pieces(page);
	if (!vmap_lock(g, wait))
		return false;
	keep = !wait || kind == CLEAN || may_keep(g, page);
	area_hide(AREAS_VMALLOC, &g->areas, &page->area_slot);
	page->type = PAGE_NONE;
	store_relaxed(&stat_of(g)->nr_areas, stat_of(g)->nr_areas - 1);
	count_pages(&stat_of(g)->used, 0, page->nr_pages);
	/* Once it is free, the page may be someone else's. */
	if (keep)
		free_extent(g, pfn, page->room, kind);
	else
		purge_early(g, pfn, page->room);
	vmap_unlock(g);
	count_vm_event(VMALLOC_FREE);
	return true;
}

/* --- growing and shrinking --- */

/* With the lock held. */
static bool grow_in_place(struct vmap_group *g, struct page *page, size_t nr)
{
	size_t end = page_to_pfn(page) + page->room;
	size_t need = nr > page->room ? nr - page->room : 0;

	if (need) {
		struct page *after = extent_at(g, end);
		size_t take;

		if (!after || after->nr_pages < need)
			return false;
		take = min_size(round_area(need), after->nr_pages);
		cut_extent(g, after, end, take);
		page->room += take;
	}
	count_pages(&stat_of(g)->used, nr, page->nr_pages);
	page->nr_pages = nr;
	show_area(g, page, false);
	return true;
}

/* With the lock held. */
static void shrink_in_place(struct vmap_group *g, struct page *page, size_t nr)
{
	size_t keep = round_area(nr);
	size_t pfn = page_to_pfn(page);

	count_pages(&stat_of(g)->used, nr, page->nr_pages);
	if (page->nr_pieces) {
		/* Its mappings stay as they are: only the memory goes. */
		purge_pages(pfn + nr, page->nr_pages - nr);
	} else if (keep < page->room) {
		free_extent(g, pfn + keep, page->room - keep, UNPURGED);
		page->room = keep;
	}
	page->nr_pages = nr;
	show_area(g, page, false);
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
	struct vmap_group *g = vmap_group_of(page_to_pfn(page));
	size_t old = page->nr_pages;
	bool done = true;

	if (!vmap_lock(g, wait))
		return NULL;
	if (nr > old)
		done = grow_in_place(g, page, nr);
	else if (nr < old)
		shrink_in_place(g, page, nr);
	vmap_unlock(g);
	if (done && nr > old && wait) {
		huge_review(page, old);
		ahead_growth(page_address(page), old, nr);
	}
	if (done)
		return page_address(page);
	return wait ? move_area(page, nr) : NULL;
}

/* --- decay --- */

static size_t resident(const struct vmap_group *g)
{
	return stat_of(g)->unpurged >> PAGE_SHIFT;
}

void vmalloc_decay(unsigned int ticks)
{
	struct vmap_group *g = NULL;

	vmap_review_crowd();
	store_relaxed(&early.gone, decayed(load_relaxed(&early.gone), ticks));
	store_relaxed(&early.missed, decayed(load_relaxed(&early.missed), ticks));
	while ((g = next_vmap_group(g))) {
		size_t idle;

		vmap_lock(g, true);
		idle = min_size(g->idle_unpurged, resident(g));
		g->idle_unpurged = resident(g);
		purge_extents(g, idle - decayed(idle, ticks));
		vmap_unlock(g);
	}
}

/*
 * Whole extents: if part of one went, the next area of its size would be new memory,
 * all of it.
 */
void vmalloc_make_up(size_t nr)
{
	size_t left = exchange_relaxed(&owed, 0) + nr * MAKE_UP_RATIO;
	struct vmap_group *g = NULL;
	size_t unpurged = 0;

	note_zone_growth(nr);
	while ((g = next_vmap_group(g))) {
		vmap_lock(g, true);
		left -= min_size(left, purge_idle(g, left));
		unpurged += resident(g);
		vmap_unlock(g);
	}
	fetch_add_relaxed(&owed, min_size(left, unpurged));
}

size_t vmalloc_trim(void)
{
	struct vmap_group *g = NULL;
	size_t pages = 0;

	while ((g = next_vmap_group(g))) {
		vmap_lock(g, true);
		pages += purge_extents(g, resident(g));
		vmap_unlock(g);
	}
	return pages;
}
