/* SPDX-License-Identifier: MIT */
/*
 * palette.h - what the colours of a memory map stand for: one for each of the
 * caches with the most slabs, one for each other state of a page.
 */
#ifndef PAGODA_TOOL_PALETTE_H
#define PAGODA_TOOL_PALETTE_H

#include "page_states.h"

enum {
	PALETTE_CACHES = 6, /* with a colour of their own */
	MAX_INKS = PALETTE_CACHES + 1 + NR_FIXED_STATES,
	NO_INK = 255,
};

struct ink {
	char label[CACHE_NAME_LEN + 8];
	uint32_t light; /* 0xRRGGBB on light paper, and on dark */
	uint32_t dark;
};

struct palette {
	struct ink inks[MAX_INKS]; /* caches first, the largest first */
	size_t nr_inks;
	uint8_t ink_of[NR_STATES];
};

/*
 * palette_choose() - only states that there are pages of have a colour.
 * @counts: pages of each state, of all the maps that are to be drawn.
 * @cache_name: of a cache's id; or NULL.
 */
void palette_choose(struct palette *p, const uint64_t counts[NR_STATES],
		    const char *(*cache_name)(const void *arg, uint32_t id),
		    const void *arg);

/* Add the pages of each state to @counts. */
void page_states_count(const struct page_states *s, uint64_t counts[NR_STATES]);

/* Pages of each ink. */
void palette_amounts(const struct palette *p, const struct page_states *s,
		     uint64_t amounts[MAX_INKS]);

#endif
