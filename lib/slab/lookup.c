/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - objects by what their slabs say: is one handed out, and which are.
 */
#include "base/atomic.h"
#include "slab/geometry.h"

const char *slab_check_object(const void *p)
{
	const struct kmem_cache *c = &kmem_caches[span.page_class[addr_to_pfn(p)]];
	struct page *slab = slab_of(c, p);
	unsigned int index;

	if (slab->type != PAGE_SLAB || slab->cache != c->id)
		return "its slab was freed";
	index = slab_index(geometry_of(c), slab, p);
	if (index == NO_INDEX)
		return "not the start of an object";
	if (load_relaxed(&slab->bitmap[index / 64]) >> (index % 64) & 1)
		return "the object is free";
	return NULL;
}

static size_t live_in_slab(struct kmem_cache *c, struct page *slab, size_t max,
			   void (*fn)(struct kmem_cache *c, void *obj))
{
	char *obj = slab_first(slab);
	size_t nr = 0;

	for (unsigned int i = 0; i < c->objs && nr < max; i++, obj += c->size) {
		if (slab->bitmap[i / 64] >> (i % 64) & 1)
			continue;
		fn(c, obj);
		nr++;
	}
	return nr;
}

/* Full slabs are on no list, so by way of page_class[]. */
static size_t live_in_zone(struct kmem_cache *c,
			   const struct control_zone *zone, size_t max,
			   void (*fn)(struct kmem_cache *c, void *obj))
{
	size_t end = zone->start_pfn + zone->present;
	size_t nr = 0;

	for (size_t pfn = zone->start_pfn; pfn < end && nr < max; pfn++) {
		if (span.page_class[pfn] != c->id)
			continue;
		nr += live_in_slab(c, pfn_to_page(pfn), max - nr, fn);
		pfn += (1ul << c->order) - 1;
	}
	return nr;
}

void slab_for_each_live(struct kmem_cache *c, size_t max,
			void (*fn)(struct kmem_cache *c, void *obj))
{
	for (unsigned int node = 0; node < nr_nodes(); node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			max -= live_in_zone(c, &control.zones[node][zone], max,
					    fn);
}
