/* SPDX-License-Identifier: MIT */
/* thp.h - when to ask for transparent huge pages. */
#ifndef PAGODA_PAGE_ALLOC_THP_H
#define PAGODA_PAGE_ALLOC_THP_H

#include "base/compiler.h"

/*
 * thp_advise() - tell the kernel which pages to use for @nr pages from @pfn on.
 * thp=auto asks for huge ones while they are cheap.
 * thp_reconsider() - once they have proved to be cheap: for what got small ones before.
 * At every tick.
 */
void thp_advise(size_t pfn, size_t nr);
void thp_reconsider(void);

/*
 * thp_probe() - is it time to find out what a huge page costs now?
 * @pfn: the first of a huge page of @nr pages that are new, advised, about to be
 *       used and read as zeros.
 * Return: whether huge pages from @pfn on were touched, and so are resident: one
 * at least.
 *
 * If it was dear, the next thp_advise() calls ask for small pages for a while;
 * the caller advises what it probed again.
 */
bool thp_probe(size_t pfn, size_t nr);

/* thp_wanted() - is it time for thp_make()? With thp=auto, while they are cheap. */
bool thp_wanted(void);

/*
 * thp_make() - huge pages for memory of which nothing is resident and all will be used.
 * @addr, @nr: its pages. Advice is for all of them, so that it stays one mapping, and in
 *	the end for small ones.
 * @first: the first of them at which a huge one can begin.
 * Return: how many pages from @first on are resident now: fewer once one was dear.
 * Context: two system calls, and a page fault each, so no lock that others wait for.
 */
size_t thp_make(char *addr, size_t nr, size_t first);

/* No more: the clock it takes may be a system call, which quiet mode forbids. */
void thp_stop_probing(void);

#endif
