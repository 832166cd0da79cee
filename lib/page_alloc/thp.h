/* SPDX-License-Identifier: MIT */
/* thp.h - when to ask for transparent huge pages. */
#ifndef PAGODA_PAGE_ALLOC_THP_H
#define PAGODA_PAGE_ALLOC_THP_H

#include "base/compiler.h"

/*
 * thp_advise() - tell the kernel which pages to use for @nr pages from @pfn on.
 * thp=auto asks for huge ones while they are cheap.
 */
void thp_advise(size_t pfn, size_t nr);

/*
 * thp_probe() - is it time to find out what a huge page costs now?
 * @pfn: the first of a huge page of @nr pages that are new, advised, about to be
 *       used and read as zeros.
 * Return: whether the huge page at @pfn was touched, and so is resident.
 *
 * If it was dear, the next thp_advise() calls ask for small pages for a while;
 * the caller advises what it probed again.
 */
bool thp_probe(size_t pfn, size_t nr);

/*
 * thp_make() - a huge page for the pageblock at @pfn, of which nothing is resident
 * and which was advised to have small ones. With thp=auto, while they are cheap.
 * Return: whether all of it is resident now.
 */
bool thp_make(size_t pfn);

/* No more: the clock it takes may be a system call, which quiet mode forbids. */
void thp_stop_probing(void);

#endif
