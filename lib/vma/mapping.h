/* SPDX-License-Identifier: MIT */
/*
 * mapping.h - anonymous mappings of the program, for the wrappers of mmap() and
 * its kin in malloc/mmap.c.
 *
 * All functions may be called from signal handlers and do nothing, or say no,
 * where they would have to wait for themselves.
 */
#ifndef PAGODA_VMA_MAPPING_H
#define PAGODA_VMA_MAPPING_H

#include "base/compiler.h"

/* Which mappings are looked after: read from the options once. */
void mapping_init(bool quiet);

/* Would a mapping of @size bytes be? Anonymous, private, readable, writable. */
bool mapping_is_managed(size_t size);

/*
 * mapping_reuse() - a mapping of @size bytes like a new one, out of what the
 * program unmapped lately; NULL: none fits.
 */
void *mapping_reuse(size_t size);

/* The kernel just made this mapping, or mapping_reuse() returned it. */
void mapping_track(void *addr, size_t size);

/* Before anything is done to the range that makes it differ from a new one. */
void mapping_untrack(const void *addr, size_t size);

/*
 * mapping_retire() - instead of munmap(): the range is unmapped, its memory kept
 * for mapping_reuse(). Return: false: nothing was done; it is not tracked any
 * more.
 */
bool mapping_retire(void *addr, size_t size);

/* From here on nothing is kept: the program shares pages with the kernel. */
void mapping_stop(void);

/* Ticks of the decay clock: what nobody asked for goes. */
void mapping_decay(unsigned int ticks);

/* All of it, at once. Return: whether there was any. */
bool mapping_trim(void);

#endif
