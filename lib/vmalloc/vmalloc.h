/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h - blocks that the buddy is too coarse for: areas of VMALLOC space.
 */
#ifndef PAGODA_VMALLOC_VMALLOC_H
#define PAGODA_VMALLOC_VMALLOC_H

#include "base/compiler.h"
#include "page_alloc/page.h"

/*
 * vmalloc_pages() - an area of @nr pages.
 * @room: pages it may grow to in place later; at least @nr.
 * @align: a power of two, in bytes.
 * @zero: the area reads as zeros. @wait: may wait for the lock.
 * Return: NULL when out of memory or address space.
 * Context: takes LOCK_VMAP.
 */
void *vmalloc_pages(size_t nr, size_t room, size_t align, bool zero, bool wait);

/*
 * vmalloc_gather() - an area made of memory that lies free elsewhere, however
 * scattered, as far as there is some: it costs no memory but what is missing.
 */
void *vmalloc_gather(size_t nr, bool zero);

/* Return: false only without @wait, when the lock is not free. */
bool vfree(struct page *page, bool wait);

/*
 * vrealloc() - make the area @nr pages long without copying: in place, or by
 * moving its page tables to a larger area. Return: where it is now; NULL if
 * neither could be done, and then it is as it was.
 */
void *vrealloc(struct page *page, size_t nr, bool wait);

/* Bring @nr pages at @from, which are resident, into an area without copying.
 * @from reads as zeros afterwards. */
bool vmalloc_move_in(void *from, size_t nr, void *area);

/* A tick of the decay clock; and all of it at once. Return: pages given back. */
void vmalloc_decay(unsigned int ticks);
size_t vmalloc_trim(void);

/* Zones have grown by @nr pages: what areas left behind goes back instead. */
void vmalloc_make_up(size_t nr);

/* Address space is short: leave free space next to the zones to them. */
void vmalloc_release(void);

#endif
