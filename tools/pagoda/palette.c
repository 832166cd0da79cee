/* SPDX-License-Identifier: MIT */
/*
 * palette.c - see palette.h. The colours of caches are those that Okabe and Ito
 * chose to be told apart by the colour-blind; what is free is grey, and the
 * lighter the less memory it costs.
 */
#include "palette.h"

#include <stdlib.h>
#include <string.h>

static const struct ink cache_inks[PALETTE_CACHES] = {
	{ "", 0x0072b2, 0x3d9be0 }, { "", 0xe69f00, 0xeab040 },
	{ "", 0x009e73, 0x22b78c }, { "", 0x56b4e9, 0x8fd0f5 },
	{ "", 0xcc79a7, 0xdf9cc2 }, { "", 0xd8ca1e, 0xf0e442 },
};
static const struct ink other_caches = { "other caches", 0x7b6a58, 0xb09c86 };

static const struct ink state_inks[NR_FIXED_STATES] = {
	[STATE_CHANGING] = { "", 0x111111, 0xffffff },
	[STATE_FREE_RESIDENT] = { "", 0x9aa1a9, 0x7c838c },
	[STATE_FREE_RETURNED] = { "", 0xe7e5e1, 0x2c3036 },
	[STATE_PCP] = { "", 0x5f666e, 0xa9b0b8 },
	[STATE_LARGE] = { "", 0xc8371b, 0xf2694b },
	[STATE_LARGE_CACHED] = { "", 0xe8a596, 0x8f4a3c },
	[STATE_AREA] = { "", 0x6a3fa0, 0xad86e0 },
	[STATE_AREA_ROOM] = { "", 0xd9cbec, 0x493a5f },
	[STATE_AREA_UNPURGED] = { "", 0xb0a5c2, 0x786d8c },
	[STATE_AREA_RETURNED] = { "", 0xefedf3, 0x26242d },
	[STATE_SLAB_HOLLOW] = { "", 0xd3e2ea, 0x223b47 },
};

/* In the legend: in use first. */
static const enum page_state state_order[NR_FIXED_STATES] = {
	STATE_LARGE, STATE_LARGE_CACHED, STATE_AREA, STATE_AREA_ROOM,
	STATE_SLAB_HOLLOW, STATE_PCP, STATE_FREE_RESIDENT, STATE_FREE_RETURNED,
	STATE_AREA_UNPURGED, STATE_AREA_RETURNED, STATE_CHANGING,
};

void page_states_count(const struct page_states *s, uint64_t counts[NR_STATES])
{
	for (size_t i = 0; i < s->nr_regions; i++)
		for (size_t k = 0; k < s->regions[i].nr_runs; k++)
			counts[s->regions[i].runs[k].state] +=
				s->regions[i].runs[k].nr;
}

void palette_amounts(const struct palette *p, const struct page_states *s,
		     uint64_t amounts[MAX_INKS])
{
	uint64_t counts[NR_STATES] = { 0 };

	memset(amounts, 0, MAX_INKS * sizeof(amounts[0]));
	page_states_count(s, counts);
	for (size_t state = 0; state < NR_STATES; state++)
		if (p->ink_of[state] != NO_INK)
			amounts[p->ink_of[state]] += counts[state];
}

static uint8_t add_ink(struct palette *p, const struct ink *ink,
		       const char *label)
{
	struct ink *added = &p->inks[p->nr_inks];

	*added = *ink;
	snprintf(added->label, sizeof(added->label), "%s", label);
	return (uint8_t)p->nr_inks++;
}

/* Return: the cache that has most pages and no ink yet; 0, which is none. */
static uint32_t next_cache(const struct palette *p,
			   const uint64_t counts[NR_STATES])
{
	uint32_t best = 0;

	for (uint32_t id = 1; id < NR_CLASSES; id++)
		if (p->ink_of[STATE_SLAB + id] == NO_INK &&
		    counts[STATE_SLAB + id] > counts[STATE_SLAB + best])
			best = id;
	return best;
}

void palette_choose(struct palette *p, const uint64_t counts[NR_STATES],
		    const char *(*cache_name)(const void *arg, uint32_t id),
		    const void *arg)
{
	uint8_t others = NO_INK;
	uint32_t id;

	p->nr_inks = 0;
	memset(p->ink_of, NO_INK, sizeof(p->ink_of));
	while ((id = next_cache(p, counts))) {
		const char *name = cache_name(arg, id);

		if (p->nr_inks < PALETTE_CACHES && name) {
			p->ink_of[STATE_SLAB + id] =
				add_ink(p, &cache_inks[p->nr_inks], name);
			continue;
		}
		if (others == NO_INK)
			others = add_ink(p, &other_caches, other_caches.label);
		p->ink_of[STATE_SLAB + id] = others;
	}
	for (size_t i = 0; i < NR_FIXED_STATES; i++) {
		enum page_state state = state_order[i];

		if (counts[state])
			p->ink_of[state] = add_ink(p, &state_inks[state],
						   page_state_names[state]);
	}
}
