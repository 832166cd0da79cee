/* SPDX-License-Identifier: MIT */
/* ahead.h - fault-ahead: memory made whole because what came before it was used whole. */
#ifndef PAGODA_PAGE_ALLOC_AHEAD_H
#define PAGODA_PAGE_ALLOC_AHEAD_H

#include "base/compiler.h"

/*
 * Memory of which nothing is resident is about to be handed out; make it first, all
 * but a page or two, if that will be used as its predecessor was:
 *
 * ahead_slab() - a slab of cache @id, whose objects do not share pages.
 * ahead_block() - a block or area of @nr pages.
 * ahead_mapping() - a mapping of the program's own.
 *
 * Context: system calls of up to @nr microseconds, or as long as @nr page faults where huge
 * pages are made, so no lock that others wait for.
 */
void ahead_slab(unsigned int id, void *addr, size_t nr);
void ahead_block(void *addr, size_t nr);
void ahead_mapping(void *addr, size_t nr);

/*
 * ahead_measure() - an area of @nr pages is new: use the end of it to find out what
 * faults cost, if nobody has.
 * ahead_growth() - an area of @old pages has grown to @nr, and will be used on as it was.
 * ahead_copy() - the same for @old bytes that are about to be copied, to a block of @size
 * that may be resident or not.
 */
void ahead_measure(void *addr, size_t nr);
void ahead_growth(void *area, size_t old, size_t nr);
void ahead_copy(void *to, const void *from, size_t old, size_t size);

#endif
