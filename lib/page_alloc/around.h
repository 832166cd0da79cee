/* SPDX-License-Identifier: MIT */
/* around.h - pages that are made along with the one that is needed. */
#ifndef PAGODA_PAGE_ALLOC_AROUND_H
#define PAGODA_PAGE_ALLOC_AROUND_H

#include "base/compiler.h"

struct zone;

/*
 * around_pages() - how many pages to make from the start of a block of @order on, for
 * an allocation of @need pages that will soon be written to.
 * Return: 0 or at least @need.
 */
size_t around_pages(const struct zone *z, unsigned int order, size_t need);

/*
 * around_clear() - have the kernel make those of the @nr pages of a large block from
 * @pfn on that have no bit in @dirty, if there are enough of them. What has one is
 * left as it is.
 * Context: as faultin().
 */
void around_clear(const struct zone *z, size_t pfn, size_t nr,
		  const uint64_t *dirty);

/* The same for an area of @nr pages, if it is no larger than such a block. */
void around_clear_area(size_t pfn, size_t nr);

#endif
