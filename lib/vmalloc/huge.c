/* SPDX-License-Identifier: MIT */
/*
 * huge.c - which areas have huge pages: large ones, whose pages will be used as a rule,
 * once those of this machine have proved to be cheap (page_alloc/thp.c). Where page
 * faults are dear they are worth it much earlier: docs/DESIGN.md.
 *
 * No lock: the area is the caller's.
 */
#include "vmalloc/huge.h"

#include "base/params.h"
#include "page_alloc/faultin.h"
#include "page_alloc/page.h"
#include "page_alloc/thp.h"

enum {
	/* Pages of an area, and of one with room that is known to grow: what is
	 * behind its end will be used, too. */
	HUGE_FROM = MiB(128) >> PAGE_SHIFT,
	HUGE_FROM_DEAR = MiB(16) >> PAGE_SHIFT,
	HUGE_GROWING = MiB(64) >> PAGE_SHIFT,
};

static size_t huge_from(void)
{
	return faults_are_dear() ? HUGE_FROM_DEAR : HUGE_FROM;
}

void huge_advise(size_t pfn, size_t nr)
{
	if (params.thp == TRI_ON || nr >= huge_from())
		thp_advise(pfn, nr);
}

void huge_choose(size_t pfn, size_t nr, size_t room)
{
	size_t huge = align_up(pfn, PAGEBLOCK_PAGES);

	if (room >= HUGE_GROWING && room >= 2 * nr)
		thp_advise(pfn, room);
	else
		huge_advise(pfn, room);
	if (nr >= huge_from() && huge + PAGEBLOCK_PAGES <= pfn + nr &&
	    thp_probe(huge, pfn + nr - huge))
		huge_advise(pfn, room);
}

void huge_review(const struct page *page, size_t old)
{
	size_t pfn = page_to_pfn(page), end = pfn + page->room;
	size_t huge = align_up(pfn + old, PAGEBLOCK_PAGES);
	size_t least = page->nr_pieces ? HUGE_GROWING : HUGE_FROM;

	if (page->room >= least && huge < pfn + page->nr_pages &&
	    huge + PAGEBLOCK_PAGES <= end &&
	    thp_probe(huge, pfn + page->nr_pages - huge))
		thp_advise(huge, end - huge);
}
