/* SPDX-License-Identifier: MIT */
/*
 * space.c - whose VMALLOC space is: it grows downwards from the end of the span, for the
 * group that needs more, whose its pageblocks are from then on. Those that are free and
 * clean another group may adopt.
 *
 * Locks: LOCK_VMAP_SPACE for where the space begins. A pageblock's owner is written with
 * the lock of who had it before, or, if nobody had it, of who gets it.
 */
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/span.h"
#include "vmalloc/huge.h"
#include "vmalloc/internal.h"
#include "vmalloc/vmalloc.h"

static struct lock space_lock = LOCK_INIT(VMAP_SPACE);
static uint32_t groups_seen; /* Atomic: bit k: group k has had space */

static struct control_vmalloc *const stat = &control.vmalloc;

/*
 * If the lock of a group goes from CPU to CPU CROWD_SWITCHES times in CROWD_MS, each gets
 * a group of its own, until there are fewer than CALM_PER_MS areas between two ticks.
 * Both are far from what there is: with two threads that do nothing else it does a
 * thousand times a ms; lbzip2 makes some hundred areas a second.
 */
enum { CROWD_SWITCHES = 64, CROWD_MS = 8, CALM_PER_MS = 10 };

static struct {
	uint64_t since; /* ms: the last time that CROWD_SWITCHES were full */
	uint32_t switches;
	bool is_one;
} crowd CACHELINE_ALIGNED; /* Atomic */

/* --- groups --- */

void vmap_note_switch(void)
{
	uint64_t now;

	/* All CPUs read that with each area: no writes where it says enough. */
	if (load_relaxed(&crowd.is_one) ||
	    (fetch_add_relaxed(&crowd.switches, 1) + 1) % CROWD_SWITCHES)
		return;
	now = os_now_ms();
	if (now - exchange_relaxed(&crowd.since, now) <= CROWD_MS)
		store_relaxed(&crowd.is_one, true);
}

void vmap_review_crowd(void)
{
	static uint64_t last_ms, last_areas;
	uint64_t now = os_now_ms();
	uint64_t areas = sum_vm_event(VMALLOC_ALLOC);

	if (load_relaxed(&crowd.is_one) &&
	    areas - last_areas < CALM_PER_MS * (now - last_ms))
		store_relaxed(&crowd.is_one, false);
	last_ms = now;
	last_areas = areas;
}

struct vmap_group *my_vmap_group(void)
{
	if (!load_relaxed(&crowd.is_one) || !has_groups())
		return vmap_groups;
	return &vmap_groups[percpu_slot() % NR_VMAP_GROUPS];
}

static unsigned int number_of(const struct vmap_group *g)
{
	return (unsigned int)(g - vmap_groups);
}

struct vmap_group *next_vmap_group(const struct vmap_group *g)
{
	uint32_t rest = load_relaxed(&groups_seen);

	if (g)
		rest &= ~1u << number_of(g);
	return rest ? &vmap_groups[__builtin_ctz(rest)] : NULL;
}

unsigned int nr_vmap_groups(void)
{
	return (unsigned int)__builtin_popcount(load_relaxed(&groups_seen));
}

/* The pageblocks of these pages become @g's; NULL: nobody's. */
static void set_group(size_t pfn, size_t nr, const struct vmap_group *g)
{
	uint8_t owner = g ? (uint8_t)(number_of(g) + 1) : 0;

	if (g)
		fetch_or_relaxed(&groups_seen, 1u << number_of(g));
	if (!has_groups())
		return;
	for (size_t end = pfn + nr; pfn < end; pfn += PAGEBLOCK_PAGES)
		/* Pairs with vmap_group_of(). */
		store_release(&pfn_to_pageblock(pfn)->vmap_group, owner);
}

/* --- the space --- */

size_t space_start_pfn(void)
{
	return (span.size - load_relaxed(&stat->online)) >> PAGE_SHIFT;
}

size_t round_area(size_t nr)
{
	bool roomy = has_groups() && nr > 2 * PAGEBLOCK_PAGES;

	return align_up(nr, roomy ? PAGEBLOCK_PAGES : 16);
}

/* Pages that can be owned: so many or a few more. */
static size_t round_space(size_t nr)
{
	return has_groups() ? align_up(nr, PAGEBLOCK_PAGES) : nr;
}

/* What has room for such an area wherever it starts. */
static size_t space_for(size_t nr, size_t align)
{
	return round_area(nr + (align >> PAGE_SHIFT) - 1);
}

/* What is clean at the start of the space, and @g's. */
static size_t lowest_clean(const struct vmap_group *g)
{
	const struct page *lowest = extent_at(g, space_start_pfn());

	return lowest && lowest->cold == CLEAN ? lowest->nr_pages : 0;
}

static void *claim_space(size_t nr)
{
	void *addr = span_claim_down(nr);

	if (addr && span_online(addr, nr) < 0) {
		span_unclaim_down(nr);
		addr = NULL;
	}
	if (addr) {
		count_pages(&stat->online, nr, 0);
		stat->start = span.base;
		stat->end = span.base + span.size;
	}
	return addr;
}

bool extend_space(struct vmap_group *g, size_t nr, size_t align, bool wait)
{
	size_t more = space_for(nr, align);
	void *addr;

	if (!lock_acquire_unless(&space_lock, !wait))
		return false;
	more = round_space(more - min_size(lowest_clean(g), more - 1));
	addr = claim_space(more);
	lock_release(&space_lock);
	if (!addr)
		return false;
	huge_advise(addr_to_pfn(addr), more);
	set_group(addr_to_pfn(addr), more, g);
	free_extent(g, addr_to_pfn(addr), more, CLEAN);
	return true;
}

/* --- from another group --- */

/* Return: their first; 0: @from has no such run. */
static size_t adopt_from(struct vmap_group *from, struct vmap_group *g, size_t nr)
{
	size_t pfn = 0;

	if (from == g || !has_extent(from, CLEAN, nr))
		return 0;
	vmap_lock(from, true);
	pfn = take_extent(from, CLEAN, nr, PAGEBLOCK_PAGES << PAGE_SHIFT, FEW_TRIES);
	if (pfn)
		set_group(pfn, nr, g);
	vmap_unlock(from);
	if (!pfn)
		return 0;
	vmap_lock(g, true);
	free_extent(g, pfn, nr, CLEAN);
	vmap_unlock(g);
	return pfn;
}

bool adopt_space(struct vmap_group *g, size_t nr, size_t align)
{
	struct vmap_group *from = NULL;
	size_t pfn = 0;

	while (!pfn && (from = next_vmap_group(from)))
		pfn = adopt_from(from, g, round_space(space_for(nr, align)));
	return pfn;
}

void adopt_all(struct vmap_group *g)
{
	struct vmap_group *from = NULL;
	size_t most = (span.nr_pages - space_start_pfn()) / PAGEBLOCK_PAGES;

	while ((from = next_vmap_group(from)))
		while (most && adopt_from(from, g, PAGEBLOCK_PAGES))
			most--;
}

/* --- to the zones --- */

/* The lowest part of the space, if it is free. Return: whether there may be more. */
static bool release_lowest(void)
{
	size_t start = space_start_pfn();
	struct vmap_group *g = start < span.nr_pages ? vmap_group_of(start) : NULL;
	size_t nr = 0;

	if (!g)
		return false;
	vmap_lock(g, true);
	lock_acquire(&space_lock);
	/* Others may have claimed more of it, or released it. */
	if (start == space_start_pfn())
		nr = lowest_clean(g);
	if (has_groups())
		nr = align_down(nr, PAGEBLOCK_PAGES);
	if (nr) {
		cut_extent(g, pfn_to_page(start), start, nr);
		set_group(start, nr, NULL);
		count_pages(&stat->online, 0, nr);
		span_unclaim_down(nr);
	}
	lock_release(&space_lock);
	vmap_unlock(g);
	return nr;
}

void vmalloc_release(void)
{
	vmalloc_trim();
	while (release_lowest())
		;
}
