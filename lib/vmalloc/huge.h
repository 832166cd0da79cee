/* SPDX-License-Identifier: MIT */
/* huge.h - which areas have huge pages. */
#ifndef PAGODA_VMALLOC_HUGE_H
#define PAGODA_VMALLOC_HUGE_H

#include "base/compiler.h"

struct page;

/*
 * huge_advise() - ask for huge pages for @nr pages of address space, where they are
 * worth it.
 * huge_choose() - the same for a clean area of @room pages, of which @nr are about to be
 * used; a few of them may be touched, to find out what that takes.
 * huge_review() - the same for an area that grew in place from @old pages: its room was
 * advised before.
 */
void huge_advise(size_t pfn, size_t nr);
void huge_choose(size_t pfn, size_t nr, size_t room);
void huge_review(const struct page *page, size_t old);

#endif
