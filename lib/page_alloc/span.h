/* SPDX-License-Identifier: MIT */
/*
 * span.h - for vmalloc/: the upper end of the span, which grows down.
 */
#ifndef PAGODA_PAGE_ALLOC_SPAN_H
#define PAGODA_PAGE_ALLOC_SPAN_H

#include "base/compiler.h"

/*
 * span_claim_down() - the @nr_pages below all that was claimed before, not
 * online yet. Return: NULL if they would run into the zones.
 */
void *span_claim_down(size_t nr_pages);

/* Take back the last claim. */
void span_unclaim_down(size_t nr_pages);

/* Bring claimed pages and their metadata online. Return: 0 or -errno. */
MUST_CHECK int span_online(void *addr, size_t nr_pages);

#endif
