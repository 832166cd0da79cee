/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - the functions of include/pagoda/vmalloc.h.
 *
 * Areas of any length, unlike malloc's, which are long ones only. Where VMALLOC
 * space has nothing left, blocks of pages do as well: large.c knows both.
 */
#include <pagoda/vmalloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/probe.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "vmalloc/vmalloc.h"

static void *try_alloc(size_t size, bool zero)
{
	enum slow_path how = gate_enter();
	bool wait = how == SLOW_NORMAL;
	void *p = NULL;

	if (how != SLOW_BARRED) {
		p = wait ? vmalloc_gather(pages_for(size), zero) :
			   vmalloc_pages(pages_for(size), 0, PAGE_SIZE, zero,
					 false);
		if (!p)
			p = large_alloc(size, PAGE_SIZE, zero, wait);
	}
	return finish_pages(p, how);
}

static void *alloc(size_t size, bool zero)
{
	unsigned int round = 0;
	void *p = NULL;

	if (!size) {
		errno = EINVAL;
		return NULL;
	}
	if (size > PTRDIFF_MAX || !malloc_start())
		return out_of_memory();
	do
		p = try_alloc(size, zero);
	while (!p && size < span.size && shrink_for_memory(&round));
	if (p)
		return p;
	count_vm_event(OOM);
	PROBE(oom, size);
	return out_of_memory();
}

EXPORT void *pagoda_vmalloc(size_t size)
{
	return alloc(size, false);
}

EXPORT void *pagoda_vzalloc(size_t size)
{
	return alloc(size, true);
}

EXPORT void pagoda_vfree(void *p)
{
	if (!p)
		return;
	check_pages(p, "pagoda_vfree");
	free(p);
}

EXPORT size_t pagoda_vmalloc_size(const void *p)
{
	return p ? check_pages(p, "pagoda_vmalloc_size")->nr_pages
			   << PAGE_SHIFT : 0;
}

/* Return: NULL if it would have to be copied. */
static void *resize(struct page *page, size_t size)
{
	enum slow_path how = gate_enter();
	bool wait = how == SLOW_NORMAL;
	void *p = NULL;

	if (how != SLOW_BARRED && page->type == PAGE_VMALLOC)
		p = area_realloc(page, pages_for(size), wait);
	else if (how != SLOW_BARRED)
		p = large_realloc(page_address(page), size, wait);
	gate_leave();
	return p;
}

static void *copy(void *old, size_t old_size, size_t size)
{
	void *p = alloc(size, false);

	if (!p)
		return size <= old_size ? old : NULL;
	memcpy(p, old, min_size(old_size, size));
	free(old);
	return p;
}

EXPORT void *pagoda_vrealloc(void *p, size_t size)
{
	struct page *page;
	void *q;

	if (!p || !size)
		return alloc(size, false);
	page = check_pages(p, "pagoda_vrealloc");
	if (size > PTRDIFF_MAX)
		return out_of_memory();
	if (pages_for(size) == page->nr_pages)
		return p;
	q = resize(page, size);
	return q ? q : copy(p, page->nr_pages << PAGE_SHIFT, size);
}

EXPORT int pagoda_vmalloc_to_page(const void *addr, struct pagoda_page *ret)
{
	return pagoda_virt_to_page(addr, ret);
}
