/* SPDX-License-Identifier: MIT */
/*
 * large.c - blocks of whole pages: from the buddy up to its largest order, from
 * VMALLOC space above. page_class[] of the first page says "ask struct page",
 * that of the others nothing, so only the start of a block can be freed.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "page_alloc/page_alloc.h"
#include "vmalloc/vmalloc.h"

enum {
	BUDDY_MAX_PAGES = 1 << MAX_ORDER,
	/* Above this, moving page tables beats copying into new memory. */
	MOVE_FROM_PAGES = MiB(1) >> PAGE_SHIFT,
};

static void set_class(const void *p, uint8_t class)
{
	store_relaxed(&span.page_class[addr_to_pfn(p)], class);
}

void *large_alloc(size_t size, size_t align, bool zero, bool wait)
{
	size_t nr = pages_for(size);
	size_t align_pages = max_size(align >> PAGE_SHIFT, 1);
	gfp_t gfp = (wait ? GFP_KERNEL : GFP_ATOMIC) | GFPF_MOVABLE;
	void *p = NULL;

	if (zero)
		gfp |= GFPF_ZERO;
	if (nr <= BUDDY_MAX_PAGES && align_pages <= BUDDY_MAX_PAGES)
		p = alloc_pages_exact(nr, ilog2(align_pages), gfp);
	if (!p)
		p = vmalloc_pages(nr, nr, max_size(align, PAGE_SIZE), zero,
				  wait);
	if (!p && nr > BUDDY_MAX_PAGES)
		p = alloc_pages_contig(nr, align_pages, gfp);
	if (!p)
		return NULL;
	set_class(p, PAGE_CLASS_ASK);
	count_vm_event(LARGE_ALLOC);
	return p;
}

const char *large_check(const void *p)
{
	const struct page *page = virt_to_page(p);

	if ((uintptr_t)p % PAGE_SIZE)
		return "inside a large block";
	if (page->type != PAGE_LARGE && page->type != PAGE_VMALLOC)
		return "double free of a large block";
	return NULL;
}

size_t large_usable_size(const void *p)
{
	return virt_to_page(p)->nr_pages << PAGE_SHIFT;
}

bool large_free(void *p, bool wait)
{
	struct page *page = virt_to_page(p);
	bool done;

	/* First: once it is free, the page may be someone else's. */
	set_class(p, PAGE_CLASS_NONE);
	done = page->type == PAGE_LARGE ? free_pages_exact(page, wait) :
					  vfree(page, wait);
	if (done)
		count_vm_event(LARGE_FREE);
	else
		set_class(p, PAGE_CLASS_ASK);
	return done;
}

/* From the buddy into VMALLOC space, page tables only. */
static void *move_to_vmalloc(struct page *page, size_t nr)
{
	void *from = page_address(page);
	void *to = vmalloc_pages(nr, 4 * nr, PAGE_SIZE, false, true);

	if (!to)
		return NULL;
	if (!vmalloc_move_in(from, page->nr_pages, to)) {
		vfree(virt_to_page(to), true);
		return NULL;
	}
	pages_moved_out(page);
	set_class(to, PAGE_CLASS_ASK);
	large_free(from, true);
	count_vm_event(LARGE_ALLOC);
	return to;
}

static void *realloc_block(struct page *page, size_t nr, bool wait)
{
	if (resize_pages_exact(page, nr, wait))
		return page_address(page);
	if (nr <= BUDDY_MAX_PAGES || !wait || page->nr_pages < MOVE_FROM_PAGES)
		return NULL;
	return move_to_vmalloc(page, nr);
}

static void *realloc_area(struct page *page, size_t nr, bool wait)
{
	void *old = page_address(page);
	void *new;

	/* Small enough for the buddy: not worth an area any more. */
	if (nr <= BUDDY_MAX_PAGES / 2)
		return NULL;
	new = vrealloc(page, nr, wait);
	if (new && new != old) {
		set_class(old, PAGE_CLASS_NONE);
		set_class(new, PAGE_CLASS_ASK);
	}
	return new;
}

void *large_realloc(void *p, size_t size, bool wait)
{
	struct page *page = virt_to_page(p);
	size_t nr = pages_for(size);
	void *q;

	if (nr == page->nr_pages)
		return p;
	q = page->type == PAGE_LARGE ? realloc_block(page, nr, wait) :
				       realloc_area(page, nr, wait);
	if (q == p && size > PAGE_SIZE)
		count_vm_event(LARGE_GROW);
	return q;
}
