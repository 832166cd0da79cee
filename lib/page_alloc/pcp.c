/* SPDX-License-Identifier: MIT */
/*
 * pcp.c - per-CPU page lists in front of ZONE_NORMAL's buddy, for blocks of
 * orders 0 .. 3: most slabs. They keep the zone's lock out of the way and the
 * last freed block, which is warm, for the next allocation. Blocks are taken
 * from the hot end and given back to the buddy from the cold end.
 *
 * Zones that are small yet (not grouped) do without, so as not to spread over
 * more memory than they need.
 *
 * Stripes stand for CPUs: a thread uses that of its gate stripe, and a lock,
 * not a restartable sequence, guards each, since this is the slow path already.
 * Lock: pcp->lock, then zone->lock.
 */
#include "base/vmstat.h"
#include "page_alloc/internal.h"
#include "percpu/thread.h"

static struct per_cpu_pages pcps[MAX_NODES][NR_PCP_STRIPES] SPARSE_TABLE;

static struct per_cpu_pages *my_pcp(const struct zone *z)
{
	return &pcps[z->node][thread_word.stripe % NR_PCP_STRIPES];
}

static void make_ready(struct per_cpu_pages *pcp)
{
	for (unsigned int mt = 0; mt < NR_MIGRATETYPES; mt++)
		for (unsigned int o = 0; o < NR_PCP_ORDERS; o++)
			INIT_LIST_HEAD(&pcp->lists[mt][o]);
	pcp->ready = true;
}

static bool pcp_lock(struct per_cpu_pages *pcp, bool wait)
{
	/* Zero is a free lock; only the checker needs the class. */
	lock_set_class(&pcp->lock, LOCK_PCP);
	if (!lock_acquire_unless(&pcp->lock, !wait))
		return false;
	if (unlikely(!pcp->ready))
		make_ready(pcp);
	return true;
}

/* @after: of which it becomes the next. */
static void pcp_add(struct zone *z, struct per_cpu_pages *pcp,
		    struct page *page, unsigned int order, unsigned int mt,
		    struct list_head *after)
{
	page->type = PAGE_PCP;
	page->order = (uint8_t)order;
	page->migratetype = (uint8_t)mt;
	list_add(&page->lru, after);
	pcp->count += 1u << order;
	fetch_add_relaxed(&z->stat->pcp, 1ull << order);
}

static void pcp_del(struct zone *z, struct per_cpu_pages *pcp,
		    struct page *page)
{
	list_del(&page->lru);
	pcp->count -= 1u << page->order;
	fetch_sub_relaxed(&z->stat->pcp, 1ull << page->order);
}

/*
 * A few blocks at once: the zone's lock is the contended one. The buddy cuts them from
 * the lower end of a larger block, and so they are handed out, as the kernel does:
 * CPUs fetch ahead best upwards.
 */
static void pcp_refill(struct zone *z, struct per_cpu_pages *pcp,
		       unsigned int order, enum migratetype mt, gfp_t gfp)
{
	struct list_head *list = &pcp->lists[mt][order];
	unsigned int n = PCP_BATCH >> order;

	if (!lock_acquire_unless(&z->lock, !(gfp & GFPF_WAIT)))
		return;
	while (n-- && zone_watermark_ok(z, (size_t)1 << order, gfp,
					ZONE_NORMAL)) {
		struct page *page = buddy_take(z, order, mt, gfp);

		if (!page)
			break;
		page->cold = present_hand_out(page_to_pfn(page),
					      (size_t)1 << order);
		pcp_add(z, pcp, page, order, mt, list->prev);
	}
	lock_release(&z->lock);
}

struct page *pcp_alloc(struct zone *z, unsigned int order,
		       enum migratetype mt, gfp_t gfp)
{
	struct per_cpu_pages *pcp = my_pcp(z);
	struct list_head *list = &pcp->lists[mt][order];
	struct page *page = NULL;

	if (!pcp_lock(pcp, gfp & GFPF_WAIT))
		return NULL;
	if (list_empty(list))
		pcp_refill(z, pcp, order, mt, gfp);
	if (!list_empty(list)) {
		page = list_first_entry(list, struct page, lru);
		pcp_del(z, pcp, page);
		page->type = PAGE_ALLOC;
	}
	lock_release(&pcp->lock);
	return page;
}

/* Give @nr pages back from the cold ends, the largest blocks first. */
static void pcp_shrink(struct zone *z, struct per_cpu_pages *pcp, uint32_t nr)
{
	uint32_t target = pcp->count > nr ? pcp->count - nr : 0;

	lock_acquire(&z->lock);
	for (unsigned int o = NR_PCP_ORDERS; o-- > 0;) {
		for (unsigned int mt = 0; mt < NR_MIGRATETYPES; mt++) {
			struct list_head *list = &pcp->lists[mt][o];

			while (pcp->count > target && !list_empty(list)) {
				struct page *page = list_last_entry(
					list, struct page, lru);

				pcp_del(z, pcp, page);
				page->type = PAGE_NONE;
				buddy_free(z, page_to_pfn(page), o);
			}
		}
	}
	lock_release(&z->lock);
}

bool pcp_free(struct zone *z, struct page *page, unsigned int order, bool wait)
{
	struct per_cpu_pages *pcp = my_pcp(z);
	unsigned int mt = pageblock_type(page_to_pfn(page));

	if (!pcp_lock(pcp, wait))
		return false;
	page->cold = false;
	pcp_add(z, pcp, page, order, mt, &pcp->lists[mt][order]);
	if (unlikely(pcp->count > PCP_HIGH) && wait)
		pcp_shrink(z, pcp, PCP_BATCH);
	lock_release(&pcp->lock);
	return true;
}

void pcp_drain(struct zone *z)
{
	for (unsigned int i = 0; i < NR_PCP_STRIPES; i++) {
		struct per_cpu_pages *pcp = &pcps[z->node][i];

		if (!load_relaxed(&pcp->count) || !pcp_lock(pcp, true))
			continue;
		pcp_shrink(z, pcp, pcp->count);
		lock_release(&pcp->lock);
	}
}
