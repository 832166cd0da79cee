/* SPDX-License-Identifier: MIT */
/*
 * purge.c - free memory that is resident: back to the kernel, or to where it is
 * needed instead of new memory.
 *
 * It goes by whole free blocks, largest first: taken off the lists under the
 * zone's lock, given away without it, put back as fresh. Of blocks below
 * PURGE_ORDER a tick takes only so many: each is a system call for a few pages.
 * The struct pages of larger blocks that hold no memory go after them, in the same
 * way.
 */
#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/internal.h"

enum {
	PURGE_ORDER = 4,
	PURGE_SMALL_ORDER = 1, /* a tick leaves single pages alone */
	PURGE_SMALL_CALLS = 64, /* for blocks below PURGE_ORDER, a tick */
	STRIP_CALLS = 64, /* blocks whose mem_map is given back, a tick */
	PURGE_BATCH = 32, /* blocks off the lists at once */
	LEVEL_RATIO = 8, /* part of a zone that may lie in too small pieces */
	LEVEL_MIN = MiB(1) >> PAGE_SHIFT,
	MUCH_FREE_MIN = MiB(4) >> PAGE_SHIFT,
	MUCH_FREE_RATIO = 4, /* part of what is in use */
	SHRUNK_MIN = MiB(16) >> PAGE_SHIFT,
	SHRUNK_RATIO = 4, /* part of what there is */
};

size_t resident_free_limit(size_t wanted)
{
	return max_size(load_relaxed(&params.resident_free) << 10, wanted);
}

/* A block off the lists, on its way to the kernel. */
struct isolated {
	struct page *page;
	size_t resident; /* pages */
};

/* What may be given back at once. */
struct purge {
	size_t target; /* resident pages, about */
	size_t calls; /* blocks at most */
	unsigned int min_order, max_order;
};

/* Up to PURGE_BATCH of the blocks that @p asks for. Return: how many. */
static size_t isolate(struct zone *z, struct isolated *blocks,
		      const struct purge *p)
{
	size_t most = min_size(PURGE_BATCH, p->calls);
	size_t pages = 0, nr = 0;

	lock_acquire(&z->lock);
	while (nr < most && pages < p->target) {
		struct page *page = buddy_take_resident(z, p->min_order,
							p->max_order);

		if (!page)
			break;
		page->type = PAGE_ISOLATED;
		blocks[nr++] = (struct isolated){ page, page->resident };
		pages += page->resident;
	}
	lock_release(&z->lock);
	return nr;
}

static size_t pages_of(const struct isolated *b)
{
	return (size_t)1 << b->page->order;
}

static bool purge_block(const struct isolated *b)
{
	count_vm_event(PURGE_CALLS);
	return os_purge(page_address(b->page), pages_of(b) << PAGE_SHIFT) == 0;
}

/* @empty: pages from its start that hold no memory any more. */
static void put_back(struct zone *z, const struct isolated *b, size_t empty)
{
	unsigned int order = b->page->order;
	size_t pfn = page_to_pfn(b->page);

	present_clear(pfn, empty);
	for (size_t i = 0; i < empty; i += PAGEBLOCK_PAGES)
		store_relaxed(&pfn_to_pageblock(pfn + i)->huge, 0);
	b->page->type = PAGE_NONE;
	buddy_free(z, pfn, order);
}

/* Give back what @p asks for. Return: pages given back. */
static size_t zone_purge(struct zone *z, struct purge p)
{
	bool failed = false;
	size_t done = 0;

	/* Locked memory stays resident, and would be found again. */
	while (p.target && !failed) {
		struct isolated blocks[PURGE_BATCH];
		bool purged[PURGE_BATCH];
		size_t nr = isolate(z, blocks, &p);

		if (!nr)
			break;
		p.calls -= nr;
		for (size_t i = 0; i < nr; i++) {
			purged[i] = purge_block(&blocks[i]);
			if (!purged[i]) {
				failed = true;
				continue;
			}
			done += blocks[i].resident;
			p.target -= min_size(blocks[i].resident, p.target);
		}
		lock_acquire(&z->lock);
		for (size_t i = 0; i < nr; i++)
			put_back(z, &blocks[i],
				 purged[i] ? pages_of(&blocks[i]) : 0);
		lock_release(&z->lock);
	}
	count_vm_events(PGPURGE, done);
	return done;
}

/* Up to @nr pages of @z's, with @move(). Return: pages moved. */
static size_t zone_move_out(struct zone *z, size_t nr, frame_mover move,
			    void *arg)
{
	bool failed = false;
	size_t done = 0;

	while (done < nr && !failed) {
		struct purge p = {
			.target = nr - done,
			.calls = SIZE_MAX,
			.max_order = MAX_ORDER,
		};
		struct isolated blocks[PURGE_BATCH];
		size_t moved[PURGE_BATCH] = { 0 };
		size_t n = isolate(z, blocks, &p);

		for (size_t i = 0; i < n && done < nr && !failed; i++) {
			size_t pages = min_size(pages_of(&blocks[i]), nr - done);

			moved[i] = move(arg, page_address(blocks[i].page),
					pages);
			failed = moved[i] < pages;
			done += moved[i];
		}
		lock_acquire(&z->lock);
		for (size_t i = 0; i < n; i++)
			put_back(z, &blocks[i], moved[i]);
		lock_release(&z->lock);
		failed |= !n;
	}
	return done;
}

size_t page_alloc_move_out(size_t nr, frame_mover move, void *arg)
{
	size_t done = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++)
		done += zone_move_out(zone_of(node, ZONE_NORMAL), nr - done,
				      move, arg);
	return done;
}

/*
 * Give back the mem_map of up to @calls blocks that hold no memory, the largest
 * first. They are not merged with anything and nobody looks into them while they
 * are off the lists.
 */
static void zone_strip(struct zone *z, size_t calls)
{
	struct page *blocks[PURGE_BATCH];
	size_t nr;

	do {
		nr = 0;
		lock_acquire(&z->lock);
		while (nr < min_size(PURGE_BATCH, calls)) {
			struct page *page = buddy_take_unstripped(z);

			if (!page)
				break;
			page->type = PAGE_ISOLATED;
			blocks[nr++] = page;
		}
		lock_release(&z->lock);
		if (!nr)
			break;
		for (size_t i = 0; i < nr; i++)
			memmap_strip(blocks[i], blocks[i]->order);
		lock_acquire(&z->lock);
		for (size_t i = 0; i < nr; i++)
			buddy_put_stripped(z, blocks[i]);
		lock_release(&z->lock);
		calls -= nr;
	} while (calls);
}

static size_t for_each_zone(size_t (*fn)(struct zone *z, unsigned int arg),
			    unsigned int arg)
{
	size_t sum = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++)
		for (unsigned int type = 0; type < NR_ZONES; type++)
			if (zone_of(node, (enum zone_type)type)->limit_pfn)
				sum += fn(zone_of(node, (enum zone_type)type),
					  arg);
	return sum;
}

/* Pages of @z that are resident for nothing and more than may be. */
static size_t excess(struct zone *z)
{
	size_t resident = load_relaxed(&z->stat->free_resident);
	size_t in_use = pages_in_use(z);
	size_t peak = load_relaxed(&z->peak);
	size_t limit;

	/* What was in use a moment ago may be wanted again. */
	if (in_use > peak)
		store_relaxed(&z->peak, in_use);
	limit = resident_free_limit(max_size(in_use, peak) << PAGE_SHIFT) >>
		PAGE_SHIFT;
	return resident > limit ? resident - limit : 0;
}

bool page_alloc_over_limit(void)
{
	for (unsigned int node = 0; node < nr_nodes(); node++)
		if (excess(zone_of(node, ZONE_NORMAL)) > 1 << MAX_ORDER)
			return true;
	return false;
}

size_t page_alloc_free_resident(void)
{
	size_t pages = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++)
		pages += load_relaxed(
			&zone_of(node, ZONE_NORMAL)->stat->free_resident);
	return pages;
}

size_t page_alloc_in_use(void)
{
	size_t pages = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++)
		pages += pages_in_use(zone_of(node, ZONE_NORMAL));
	return pages;
}

bool page_alloc_much_free(void)
{
	for (unsigned int node = 0; node < nr_nodes(); node++) {
		const struct zone *z = zone_of(node, ZONE_NORMAL);

		if (load_relaxed(&z->stat->free_resident) >
		    max_size(MUCH_FREE_MIN, pages_in_use(z) / MUCH_FREE_RATIO))
			return true;
	}
	return false;
}

bool page_alloc_shrunk(void)
{
	size_t present = 0, in_use = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++) {
		const struct zone *z = zone_of(node, ZONE_NORMAL);

		present += load_relaxed(&z->stat->present);
		in_use += pages_in_use(z);
	}
	return present >= SHRUNK_MIN && in_use < present / SHRUNK_RATIO;
}

/* What lies scattered: not all at once. */
static size_t purge_small(struct zone *z, size_t target, unsigned int max_order,
			  unsigned int ticks)
{
	return zone_purge(z, (struct purge){
		.target = target,
		.calls = (size_t)PURGE_SMALL_CALLS * ticks,
		.min_order = PURGE_SMALL_ORDER,
		.max_order = max_order,
	});
}

static size_t decay_zone(struct zone *z, unsigned int ticks)
{
	size_t idle, target, done;

	/* What earlier ticks purged: not what was free for a moment. */
	zone_strip(z, (size_t)STRIP_CALLS * ticks);
	if (ticks && z->index == ZONE_NORMAL)
		pcp_drain(z);
	if (ticks)
		store_relaxed(&z->reclaims, 0);

	lock_acquire(&z->lock);
	store_relaxed(&z->peak, decayed(load_relaxed(&z->peak), ticks));
	idle = min_size(z->idle_resident, z->stat->free_resident);
	if (ticks)
		z->idle_resident = z->stat->free_resident;
	lock_release(&z->lock);
	target = max_size(idle - decayed(idle, ticks), excess(z));
	/* The last few all at once, for halves of them would come to no end, but
	 * no large block for their sake. */
	if (target < (1 << PURGE_ORDER))
		return purge_small(z, idle, PURGE_ORDER, ticks);
	done = zone_purge(z, (struct purge){
		.target = target,
		.calls = SIZE_MAX,
		.min_order = PURGE_ORDER,
		.max_order = MAX_ORDER,
	});
	if (done < target)
		done += purge_small(z, target - done, MAX_ORDER, ticks);
	return done;
}

void zone_level(struct zone *z, unsigned int order)
{
	size_t fresh = exchange_acquire(&z->fresh, 0);
	size_t resident = load_relaxed(&z->stat->free_resident);
	size_t in_use = pages_in_use(z);
	size_t keep = max_size(in_use / LEVEL_RATIO, LEVEL_MIN);

	if (order && resident > keep)
		zone_purge(z, (struct purge){
			.target = min_size(fresh, resident - keep),
			.calls = fresh,
			.max_order = order - 1,
		});
}

static size_t trim_zone(struct zone *z, unsigned int unused)
{
	size_t done;

	(void)unused;
	if (z->index == ZONE_NORMAL)
		pcp_drain(z);
	/* Not what other threads free meanwhile. */
	done = zone_purge(z, (struct purge){
		.target = load_relaxed(&z->stat->free_resident),
		.calls = SIZE_MAX,
		.max_order = MAX_ORDER,
	});
	zone_strip(z, SIZE_MAX);
	return done;
}

void page_alloc_decay(unsigned int ticks)
{
	for_each_zone(decay_zone, ticks);
}

size_t page_alloc_trim(void)
{
	return for_each_zone(trim_zone, 0);
}
