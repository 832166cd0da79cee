/* SPDX-License-Identifier: MIT */
/*
 * page_states.h - the state of every page of a process, as runs of equal ones.
 */
#ifndef PAGODA_TOOL_PAGE_STATES_H
#define PAGODA_TOOL_PAGE_STATES_H

#include "place.h"

/*
 * Their numbers are in recordings (see recording.h): new ones are added before
 * STATE_SLAB, none is renumbered.
 */
enum page_state {
	STATE_CHANGING, /* just now handed out or taken back */
	STATE_FREE_RESIDENT,
	STATE_FREE_RETURNED, /* without memory behind it */
	STATE_PCP,	     /* free, kept by a CPU */
	STATE_LARGE,
	STATE_LARGE_CACHED,  /* freed, kept by a CPU */
	STATE_AREA,	     /* in VMALLOC space: in use, ... */
	STATE_AREA_ROOM,     /* for the area before it to grow */
	STATE_AREA_UNPURGED, /* free, with memory behind it */
	STATE_AREA_RETURNED,
	STATE_SLAB_HOLLOW, /* of a slab, without memory behind it */
	NR_FIXED_STATES,
	STATE_SLAB = 16, /* + the id of its cache */
	NR_STATES = STATE_SLAB + NR_CLASSES,
};

extern const char *const page_state_names[NR_FIXED_STATES];

struct page_run {
	uint32_t state;
	uint32_t nr; /* pages, at least one */
};

/* A zone, or VMALLOC space. */
struct page_region {
	char name[12];
	uint32_t node;
	uint64_t start;	 /* address */
	uint32_t offset; /* pages between it and the start of its page block */
	uint64_t nr_pages; /* the sum of the runs */
	struct page_run *runs;
	size_t nr_runs;
	size_t room;
	char *types; /* a letter of page_block_letters for each page block */
};

struct page_states {
	struct page_region regions[MAX_NODES * NR_ZONES + 1];
	size_t nr_regions;
};

/* By migrate type; '-': blocks are not grouped by type (yet). */
extern const char page_block_letters[NR_MIGRATETYPES + 1];
#define PAGE_BLOCK_NO_TYPE '-'

/*
 * page_states_read() - look at all pages that are online. The process may run
 * meanwhile; what makes no sense is STATE_CHANGING.
 * @ret: to be freed with page_states_free(), in any case.
 */
enum target_status page_states_read(struct target *t, struct page_states *ret);

/* Add a run to a region that is being made. Return: false: no memory. */
bool page_region_add(struct page_region *r, uint32_t state, uint64_t nr);

/* Page blocks that the region has a part in. */
size_t page_region_blocks(const struct page_region *r);

void page_states_free(struct page_states *s);

#endif
