/* SPDX-License-Identifier: MIT */
/*
 * pages.c - the functions of include/pagoda/pages.h.
 *
 * A block is one of large.c's as soon as it is there: PAGE_LARGE, with
 * PAGE_CLASS_ASK at its first page. So free() takes it, and whatever is wrong with
 * a pointer is found as for malloc's blocks.
 */
#include <pagoda/pages.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "page_alloc/page_alloc.h"

enum {
	ALL_GFP = PAGODA_GFP_ATOMIC | PAGODA_GFP_ZERO | PAGODA_GFP_DMA |
		  PAGODA_GFP_DMA32 | PAGODA_GFP_HIGHUSER_MOVABLE,
	GFP_ZONES = PAGODA_GFP_DMA | PAGODA_GFP_DMA32 |
		    PAGODA_GFP_HIGHUSER_MOVABLE,
};

_Static_assert((int)PAGODA_ZONE_DMA == (int)ZONE_DMA &&
		       (int)PAGODA_ZONE_DMA32 == (int)ZONE_DMA32 &&
		       (int)PAGODA_ZONE_NORMAL == (int)ZONE_NORMAL &&
		       (int)PAGODA_ZONE_MOVABLE == (int)ZONE_MOVABLE &&
		       PAGODA_MAX_ORDER == MAX_ORDER &&
		       PAGODA_PAGE_SIZE == PAGE_SIZE,
	       "need no translation");

struct wanted {
	unsigned int node;
	size_t nr; /* pages */
	unsigned int align_order;
	unsigned int gfp; /* enum pagoda_gfp */
};

static void *invalid(void)
{
	errno = EINVAL;
	return NULL;
}

static bool is_good(const struct wanted *w)
{
	unsigned int zone = w->gfp & GFP_ZONES;

	return !(w->gfp & ~(unsigned int)ALL_GFP) && !(zone & (zone - 1)) &&
	       w->node < nr_nodes();
}

static gfp_t translate(unsigned int gfp, enum slow_path how)
{
	gfp_t flags = how == SLOW_NORMAL ? GFP_KERNEL : GFP_ATOMIC;

	if (gfp & PAGODA_GFP_ZERO)
		flags |= GFPF_ZERO;
	if (gfp & PAGODA_GFP_DMA)
		flags |= GFPF_DMA;
	if (gfp & PAGODA_GFP_DMA32)
		flags |= GFPF_DMA32;
	if (gfp & PAGODA_GFP_HIGHUSER_MOVABLE)
		flags |= GFPF_HIGHMEM | GFPF_MOVABLE;
	return flags;
}

void *finish_pages(void *p, enum slow_path how)
{
	if (p) {
		set_page_class(p, PAGE_CLASS_ASK);
		count_vm_event(LARGE_ALLOC);
	}
	if (how == SLOW_NORMAL)
		run_deferred();
	else
		count_vm_event(NESTED_ALLOC);
	gate_leave();
	if (how == SLOW_NORMAL)
		decay_tick(WEIGHT_LARGE);
	return p;
}

static void *try_alloc(const struct wanted *w)
{
	enum slow_path how = gate_enter();
	void *p = NULL;

	if (how != SLOW_BARRED)
		p = alloc_pages_exact_node(w->node, w->nr, w->align_order,
					   translate(w->gfp, how));
	return finish_pages(p, how);
}

static void *alloc(const struct wanted *w)
{
	unsigned int round = 0;
	void *p;

	if (w->gfp & PAGODA_GFP_ATOMIC) {
		gate_never_wait();
		p = try_alloc(w);
		gate_may_wait();
	} else {
		do
			p = try_alloc(w);
		while (!p && shrink_for_memory(&round));
	}
	if (!p) {
		count_vm_event(OOM);
		PROBE(oom, w->nr << PAGE_SHIFT);
		return out_of_memory();
	}
	/* They are locked once they are there. */
	if (w->gfp & PAGODA_GFP_DMA)
		touch_pages(p, w->nr << PAGE_SHIFT);
	return p;
}

static void *alloc_order(unsigned int node, unsigned int gfp,
			 unsigned int order)
{
	struct wanted w = {
		.node = node,
		.nr = (size_t)1 << (order & 31),
		.align_order = order,
		.gfp = gfp,
	};

	return order <= MAX_ORDER && is_good(&w) ? alloc(&w) : invalid();
}

static void *alloc_exact(unsigned int node, size_t size, unsigned int gfp)
{
	struct wanted w = { .node = node, .nr = pages_for(size), .gfp = gfp };

	if (!size || size > (size_t)PAGE_SIZE << MAX_ORDER || !is_good(&w))
		return invalid();
	return alloc(&w);
}

EXPORT void *pagoda_alloc_pages(unsigned int gfp, unsigned int order)
{
	return malloc_start() ? alloc_order(numa_node(), gfp, order) :
				out_of_memory();
}

EXPORT void *pagoda_alloc_pages_node(unsigned int node, unsigned int gfp,
				     unsigned int order)
{
	return malloc_start() ? alloc_order(node, gfp, order) :
				out_of_memory();
}

EXPORT void *pagoda_get_zeroed_page(unsigned int gfp)
{
	return pagoda_alloc_pages(gfp | PAGODA_GFP_ZERO, 0);
}

EXPORT void *pagoda_alloc_pages_exact(size_t size, unsigned int gfp)
{
	return malloc_start() ? alloc_exact(numa_node(), size, gfp) :
				out_of_memory();
}

EXPORT void *pagoda_alloc_pages_exact_node(unsigned int node, size_t size,
					   unsigned int gfp)
{
	return malloc_start() ? alloc_exact(node, size, gfp) : out_of_memory();
}

EXPORT unsigned int pagoda_nr_nodes(void)
{
	return malloc_start() ? nr_nodes() : 1;
}

/* --- free --- */

struct page *check_pages(const void *p, const char *caller)
{
	const char *why;

	if (!is_managed(p) || span.page_class[addr_to_pfn(p)] != PAGE_CLASS_ASK)
		bug("%s of %p: invalid pointer: not a block of pages: %s",
		    caller, p, whose(p));
	why = large_check(p);
	if (why)
		bug("%s of %p: invalid pointer: %s", caller, p, why);
	return virt_to_page(p);
}

static void free_block(void *p, size_t nr, const char *caller)
{
	size_t is;

	if (!p)
		return;
	is = check_pages(p, caller)->nr_pages;
	if (is != nr)
		bug("%s of %p: invalid size: %zu pages, but the block has %zu",
		    caller, p, nr, is);
	free(p);
}

EXPORT void pagoda_free_pages(void *p, unsigned int order)
{
	free_block(p, order <= MAX_ORDER ? (size_t)1 << order : 0,
		   "pagoda_free_pages");
}

EXPORT void pagoda_free_pages_exact(void *p, size_t size)
{
	free_block(p, pages_for(size), "pagoda_free_pages_exact");
}

/* --- what there is at an address --- */

/* The first page with a state at or before @p's, not much farther than any
 * block is long. */
static const struct page *head_of(const void *p)
{
	size_t most = max_size((size_t)1 << MAX_ORDER,
			       control_vmalloc_sum(&control.vmalloc).used >>
				       PAGE_SHIFT);
	const struct page *page = virt_to_page(p);

	most = min_size(most, page_to_pfn(page));
	while (page->type == PAGE_NONE && most--)
		page--;
	return page;
}

EXPORT int pagoda_virt_to_page(const void *addr, struct pagoda_page *ret)
{
	const struct page *page;

	if (!malloc_is_up() || !is_managed(addr))
		goto none;
	page = head_of(addr);
	if ((page->type != PAGE_LARGE && page->type != PAGE_VMALLOC) ||
	    page_to_pfn(virt_to_page(addr)) - page_to_pfn(page) >=
		    page->nr_pages)
		goto none;
	ret->address = page_address(page);
	ret->size = page->nr_pages << PAGE_SHIFT;
	ret->order = ilog2_up(page->nr_pages);
	ret->node = page->type == PAGE_LARGE ? page->node : 0;
	ret->zone = PAGODA_ZONE_NORMAL;
	if (page->type == PAGE_LARGE)
		ret->zone = (enum pagoda_zone)page->zone;
	return 0;
none:
	errno = EINVAL;
	return -1;
}
