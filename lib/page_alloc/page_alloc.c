/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.c - the page allocator's front: zonelists, the order of attempts and
 * exact sizes.
 *
 * An allocation walks its zonelist (MOVABLE, NORMAL, DMA32; DMA only if asked
 * for; the caller's node first). In each zone: per-CPU lists for low orders,
 * the buddy above the watermark, reclaim if the caches hold much, growth of the
 * zone. If no zone can: one round of reclaim, then the walk again, then NULL.
 */
#include "page_alloc/page_alloc.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/format.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/ahead.h"
#include "page_alloc/around.h"
#include "page_alloc/internal.h"
#include "percpu/thread.h"

enum {
	LEVEL_PAGES = 32, /* how often zone_level() runs */
	RECLAIM_RATIO = 16,
	RECLAIMS = 32, /* in a tick, before a zone grows all the same */
};

static unsigned int nodes = 1; /* Const after init */
static bool fake_nodes; /* Const after init */
static const struct reclaim_ops *reclaim; /* Const after init */

/* --- nodes --- */

unsigned int nr_nodes(void)
{
	return nodes;
}

unsigned int numa_node(void)
{
	if (likely(nodes == 1))
		return 0;
	/* Threads take turns, so that all fake nodes are used. */
	if (fake_nodes)
		return thread_word.stripe % nodes;
	return os_current_node() % nodes;
}

static void count_nodes(void)
{
	static const char fake[] = "fake=";
	uint64_t n = 1;
	char text[8];

	if (!strncmp(params.numa, fake, sizeof(fake) - 1)) {
		const char *value = params.numa + sizeof(fake) - 1;

		if (!fmt_parse_size(value, strlen(value), &n) || !n ||
		    n > MAX_NODES) {
			warn("PAGODA_OPTIONS: numa=%s: 1 to %d nodes",
			     params.numa, MAX_NODES);
			n = 1;
		}
		fake_nodes = n > 1;
	} else if (!strcmp(params.numa, "auto")) {
		n = min_size(os_nr_nodes(), MAX_NODES);
	}
	nodes = (unsigned int)n;
	control.nr_nodes = nodes;
	fmt_snprintf(text, sizeof(text), "%u", nodes);
	control_set_mode(MODE_NUMA, text, fake_nodes ? "fake" : "");
}

int page_alloc_init(void)
{
	static const char *const thp[] = { "auto", "on", "off" };
	int err = memmap_init();

	if (err)
		return err;
	count_nodes();
	zones_init(nodes);
	control_set_mode(MODE_THP, thp[params.thp], "");
	return 0;
}

void page_alloc_set_reclaim(const struct reclaim_ops *ops)
{
	reclaim = ops;
}

/* --- zonelists --- */

static const enum zone_type zonelist_movable[] = { ZONE_MOVABLE, ZONE_NORMAL,
						   ZONE_DMA32 };

struct zonelist {
	const enum zone_type *types;
	unsigned int nr;
};

static struct zonelist zonelist_of(gfp_t gfp)
{
	static const enum zone_type dma[] = { ZONE_DMA };
	static const enum zone_type dma32[] = { ZONE_DMA32 };

	if (gfp & GFPF_DMA)
		return (struct zonelist){ dma, 1 };
	if (gfp & GFPF_DMA32)
		return (struct zonelist){ dma32, 1 };
	if (gfp & GFPF_HIGHMEM)
		return (struct zonelist){ zonelist_movable, 3 };
	return (struct zonelist){ zonelist_movable + 1, 2 };
}

static enum migratetype gfp_migratetype(gfp_t gfp)
{
	if (gfp & GFPF_MOVABLE)
		return MIGRATE_MOVABLE;
	if (gfp & GFPF_RECLAIMABLE)
		return MIGRATE_RECLAIMABLE;
	return MIGRATE_UNMOVABLE;
}

/* --- allocation --- */

struct request {
	gfp_t gfp;
	unsigned int order;
	enum migratetype mt;
	enum zone_type wanted; /* the first zone of its list */
	size_t nr; /* pages to keep; the rest of the block goes back */
	uint64_t *dirty; /* which of the pages may hold data; or NULL */
	bool reclaimed; /* do not try that twice */
	size_t grown; /* pages by which its zone had to grow */
};

static void count_alloc(const struct zone *z, size_t nr)
{
	count_vm_events((enum vm_event)(PGALLOC_DMA + z->index), nr);
}

/* A block with zone->lock held, cut to size. */
static struct page *rmqueue(struct zone *z, struct request *rq, bool grow)
{
	size_t block = (size_t)1 << rq->order;
	struct page *page = NULL;
	size_t pfn;

	if (zone_watermark_ok(z, block, rq->gfp, rq->wanted))
		page = buddy_take(z, rq->order, rq->mt, rq->gfp);
	if (!page && grow) {
		rq->grown = zone_grow(z, rq->order);
		if (rq->grown)
			page = buddy_take(z, rq->order, rq->mt, rq->gfp);
	}
	if (!page)
		return NULL;
	pfn = page_to_pfn(page);
	page->type = PAGE_ALLOC;
	page->order = (uint8_t)rq->order;
	if (rq->nr < block) {
		page->nr_pages = rq->nr;
		page->type = PAGE_LARGE;
		buddy_free_range(z, pfn + rq->nr, block - rq->nr);
	}
	if (rq->dirty)
		present_copy(pfn, rq->nr, rq->dirty);
	page->cold = present_hand_out(pfn, rq->nr);
	return page;
}

static struct page *rmqueue_lock(struct zone *z, struct request *rq, bool grow)
{
	struct page *page;

	if (!lock_acquire_unless(&z->lock, !(rq->gfp & GFPF_WAIT)))
		return NULL;
	page = rmqueue(z, rq, grow);
	lock_release(&z->lock);
	return page;
}

/*
 * Before a zone grows: what the caches above hold unused is resident, and new
 * memory is not. Worth the walk if it is a good part of the zone.
 *
 * A program that goes round and round through blocks of many sizes may just not fit:
 * it would have its caches emptied every few calls, for ever. Doing that RECLAIMS
 * times, with the misses that follow, costs about as much as growing by a megabyte.
 */
static bool reclaim_before_growth(struct zone *z, struct request *rq)
{
	size_t cached;

	if (rq->reclaimed || !reclaim || !(rq->gfp & GFPF_WAIT))
		return false;
	rq->reclaimed = true;
	if (load_relaxed(&z->reclaims) >= RECLAIMS) {
		store_relaxed(&z->reclaims, 0);
		return false;
	}
	cached = reclaim->count();
	if (cached < MiB(1) ||
	    cached >> PAGE_SHIFT < load_relaxed(&z->stat->present) / RECLAIM_RATIO)
		return false;
	fetch_add_relaxed(&z->reclaims, 1);
	reclaim->shrink();
	return true;
}

static bool has_pcp(const struct zone *z, unsigned int order)
{
	return order < NR_PCP_ORDERS && z->index == ZONE_NORMAL &&
	       load_relaxed(&z->grouped);
}

static struct page *alloc_from_zone(struct zone *z, struct request *rq)
{
	struct page *page = NULL;

	if (!z->limit_pfn)
		return NULL;
	if (has_pcp(z, rq->order) && rq->nr == (size_t)1 << rq->order &&
	    !rq->dirty)
		page = pcp_alloc(z, rq->order, rq->mt, rq->gfp);
	if (!page)
		page = rmqueue_lock(z, rq, false);
	if (!page && reclaim_before_growth(z, rq))
		page = rmqueue_lock(z, rq, false);
	if (!page)
		page = rmqueue_lock(z, rq, true);
	if (page)
		count_alloc(z, rq->nr);
	if (unlikely(rq->grown) && reclaim && rq->gfp & GFPF_WAIT)
		reclaim->make_up(rq->grown);
	if (unlikely(load_relaxed(&z->fresh) >= LEVEL_PAGES) &&
	    rq->gfp & GFPF_WAIT)
		zone_level(z, rq->order);
	return page;
}

static struct page *get_page_from_zonelists(unsigned int node,
					    struct request *rq)
{
	struct zonelist zl = zonelist_of(rq->gfp);

	for (unsigned int i = 0; i < nodes; i++) {
		unsigned int n = (node + i) % nodes;

		for (unsigned int j = 0; j < zl.nr; j++) {
			struct page *page =
				alloc_from_zone(zone_of(n, zl.types[j]), rq);

			if (page)
				return page;
		}
		if (rq->gfp & GFPF_THISNODE)
			break;
	}
	return NULL;
}

static void reclaim_all(void)
{
	count_vm_event(ALLOCSTALL);
	reclaim->drain();
	for (unsigned int n = 0; n < nodes; n++)
		pcp_drain(zone_of(n, ZONE_NORMAL));
}

static struct page *alloc_slow(unsigned int node, struct request *rq)
{
	if (!(rq->gfp & GFPF_WAIT) || !reclaim)
		return NULL;
	reclaim_all();
	return get_page_from_zonelists(node, rq);
}

static struct page *alloc_request(unsigned int node, struct request *rq)
{
	struct page *page;

	if (unlikely(rq->gfp & GFPF_DMA32) && (rq->gfp & GFPF_WAIT) &&
	    !zone_open_dma32())
		return NULL;
	page = get_page_from_zonelists(node, rq);
	return likely(page) ? page : alloc_slow(node, rq);
}

struct page *alloc_pages_node(unsigned int node, gfp_t gfp, unsigned int order)
{
	struct request rq = {
		.gfp = gfp,
		.order = order,
		.mt = gfp_migratetype(gfp),
		.wanted = zonelist_of(gfp).types[0],
		.nr = (size_t)1 << order,
	};

	return alloc_request(node, &rq);
}

/* With zone->lock held, which it releases. */
static void free_to_buddy(struct zone *z, struct page *page, unsigned int order)
{
	page->type = PAGE_NONE;
	buddy_free(z, page_to_pfn(page), order);
	lock_release(&z->lock);
	count_vm_events(PGFREE, (uint64_t)1 << order);
}

bool free_pages(struct page *page, unsigned int order, bool wait)
{
	struct zone *z = page_zone(page);

	if (has_pcp(z, order) && pcp_free(z, page, order, wait)) {
		count_vm_events(PGFREE, (uint64_t)1 << order);
		return true;
	}
	if (!lock_acquire_unless(&z->lock, !wait))
		return false;
	free_to_buddy(z, page, order);
	return true;
}

/* Not to the lists of a CPU: what is taken from those counts as present. */
void free_pages_absent(struct page *page, unsigned int order, uint32_t absent)
{
	struct zone *z = page_zone(page);
	size_t pfn = page_to_pfn(page);

	lock_acquire(&z->lock);
	for (; absent; absent &= absent - 1)
		present_clear(pfn + (unsigned int)__builtin_ctz(absent), 1);
	free_to_buddy(z, page, order);
}

/* --- exact sizes --- */

static void clear_dirty(char *addr, size_t nr, const uint64_t *dirty)
{
	for (size_t i = 0; i < nr;) {
		size_t run = i;

		while (run < nr && dirty[run / 64] >> (run % 64) & 1)
			run++;
		memset(addr + (i << PAGE_SHIFT), 0, (run - i) << PAGE_SHIFT);
		i = run + 1;
	}
}

void *alloc_pages_exact_node(unsigned int node, size_t nr,
			     unsigned int align_order, gfp_t gfp)
{
	uint64_t dirty[(1 << MAX_ORDER) / 64];
	unsigned int order = ilog2_up(nr);
	struct request rq = {
		.gfp = gfp,
		.order = order > align_order ? order : align_order,
		.mt = MIGRATE_MOVABLE,
		.wanted = zonelist_of(gfp).types[0],
		.nr = nr,
		.dirty = gfp & GFPF_ZERO ? dirty : NULL,
	};
	struct zone *z;
	struct page *page;
	void *addr;

	if (rq.order > MAX_ORDER)
		return NULL;
	page = alloc_request(node, &rq);
	if (!page)
		return NULL;
	page->nr_pages = nr;
	page->type = PAGE_LARGE;
	z = page_zone(page);
	fetch_add_relaxed(&z->stat->large, nr);
	addr = page_address(page);
	if (page->cold && gfp & GFPF_WAIT)
		ahead_block(addr, nr);
	if (gfp & GFPF_ZERO) {
		around_clear(z, page_to_pfn(page), nr, dirty);
		clear_dirty(addr, nr, dirty);
	}
	return addr;
}

/* A run of @nr free pages that starts with a large free block. */
static struct page *take_contig(struct zone *z, size_t nr, size_t align_pages)
{
	size_t step = max_size(align_pages, PAGEBLOCK_PAGES);
	/* Of the address: the span itself is aligned to the largest order. */
	uintptr_t first = align_up((uintptr_t)pfn_to_addr(z->start_pfn),
				   step << PAGE_SHIFT);

	for (size_t pfn = (first - span.base) >> PAGE_SHIFT;
	     pfn < z->online_pfn; pfn += step)
		if (buddy_take_range(z, pfn, nr))
			return pfn_to_page(pfn);
	return NULL;
}

void *alloc_pages_contig(size_t nr, size_t align_pages, gfp_t gfp)
{
	struct zone *z = zone_of(0, ZONE_NORMAL);
	struct page *page;

	if (!(gfp & GFPF_WAIT) || !reclaim)
		return NULL;
	reclaim_all();
	lock_acquire(&z->lock);
	page = take_contig(z, nr, align_pages);
	if (page) {
		page->nr_pages = nr;
		page->type = PAGE_LARGE;
		page->node = z->node;
		page->zone = z->index;
		page->cold = false;
		present_set(page_to_pfn(page), nr);
	}
	lock_release(&z->lock);
	if (!page)
		return NULL;
	fetch_add_relaxed(&z->stat->large, nr);
	count_alloc(z, nr);
	if (gfp & GFPF_ZERO)
		memset(page_address(page), 0, nr << PAGE_SHIFT);
	return page_address(page);
}

bool free_pages_exact(struct page *page, bool wait)
{
	struct zone *z = page_zone(page);
	size_t nr = page->nr_pages;

	if (!lock_acquire_unless(&z->lock, !wait))
		return false;
	page->type = PAGE_NONE;
	buddy_free_range(z, page_to_pfn(page), nr);
	lock_release(&z->lock);
	fetch_sub_relaxed(&z->stat->large, nr);
	count_vm_events(PGFREE, nr);
	return true;
}

bool resize_pages_exact(struct page *page, size_t nr, bool wait)
{
	struct zone *z = page_zone(page);
	size_t old = page->nr_pages;
	size_t pfn = page_to_pfn(page);
	bool ok = true;

	if (!lock_acquire_unless(&z->lock, !wait))
		return false;
	if (nr < old) {
		page->nr_pages = nr;
		buddy_free_range(z, pfn + nr, old - nr);
	} else if (nr > old) {
		ok = buddy_take_range(z, pfn + old, nr - old);
		if (ok) {
			present_set(pfn + old, nr - old);
			page->nr_pages = nr;
		}
	}
	lock_release(&z->lock);
	if (ok)
		fetch_add_relaxed(&z->stat->large, nr - old);
	return ok;
}

void pages_moved_out(struct page *page)
{
	struct zone *z = page_zone(page);

	lock_acquire(&z->lock);
	present_clear(page_to_pfn(page), page->nr_pages);
	lock_release(&z->lock);
}
