/* SPDX-License-Identifier: MIT */
/*
 * lazy.h - large mappings of the program's that get their pages from memory that
 * is there already, when they are touched.
 *
 * All functions may be called from signal handlers and do nothing where they would
 * have to wait for themselves.
 */
#ifndef PAGODA_VMA_LAZY_H
#define PAGODA_VMA_LAZY_H

#include "base/compiler.h"

/* Where it may be: read from the options once. */
void lazy_init(bool quiet);

/* May a mapping of @size bytes be filled lazily? Without a lock, a hint. */
bool lazy_wants(size_t size);

/*
 * lazy_arm() - a new mapping is filled by the pager from here on, if there is
 * memory for it. Not from inside the allocator: it may start a thread.
 */
void lazy_arm(void *addr, size_t size);

/*
 * lazy_stop() - no mapping is filled lazily any more, and the thread is gone.
 * Return: whether there was one.
 */
bool lazy_stop(void);

#endif
