/* SPDX-License-Identifier: MIT */
/* faultin.h - making pages before they are touched, and whether that is worth it. */
#ifndef PAGODA_PAGE_ALLOC_FAULTIN_H
#define PAGODA_PAGE_ALLOC_FAULTIN_H

#include "base/compiler.h"

/*
 * faultin_init() - read fault_ahead.
 * @quiet: calls that sandboxes may not know are not to be made: nothing is measured,
 *         and faults count as cheap.
 * Context: before the first page is made.
 */
void faultin_init(bool quiet);

/*
 * faults_are_dear() - does a page fault take several times as long as a page that is
 * asked for? False until faultin() has found out.
 * faultin_ns() - what one took when they were last found to be dear.
 * faultin_wants_pages() - is it time to find out? Then the next pages that will be
 * needed anyway should be made by faultin(), FAULTIN_LEAST of them.
 */
bool faults_are_dear(void);
uint64_t faultin_ns(void);
bool faultin_wants_pages(void);

enum { FAULTIN_LEAST = 8 };

/*
 * faultin() - have the kernel make @nr pages from @addr on, in one call.
 * @fresh: how many of them are not resident.
 * Return: whether all are resident now.
 * Context: a system call of up to @nr microseconds, so no lock that others wait for.
 */
bool faultin(void *addr, size_t nr, size_t fresh);

/* Has the kernel refused that? Then it is not asked again. */
bool faultin_is_refused(void);

#endif
