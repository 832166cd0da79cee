/* SPDX-License-Identifier: MIT */
/* geometry.h - where objects lie in their slabs. */
#ifndef PAGODA_SLAB_GEOMETRY_H
#define PAGODA_SLAB_GEOMETRY_H

#include "slab/internal.h"

/*
 * What it takes to find an object's number and its slab's bucket. Copied, because
 * stores to a bitmap could, for all the compiler knows, change the cache.
 */
struct geometry {
	uintptr_t mask; /* of an address: its place in the slab */
	uint64_t magic;
	uint32_t objs, bucket_scale;
};

static ALWAYS_INLINE struct geometry geometry_of(const struct kmem_cache *c)
{
	return (struct geometry){
		.mask = ((uintptr_t)PAGE_SIZE << c->order) - 1,
		.magic = c->magic,
		.objs = c->objs,
		.bucket_scale = c->bucket_scale,
	};
}

static inline char *slab_first(const struct page *slab)
{
	return (char *)page_address(slab) + slab->colour;
}

static inline struct page *slab_of(const struct kmem_cache *c, const void *obj)
{
	return pfn_to_page(align_down(addr_to_pfn(obj), 1ul << c->order));
}

enum { NO_INDEX = UINT16_MAX };

/* Number of the object that starts at @obj, or NO_INDEX. */
static ALWAYS_INLINE unsigned int slab_index(struct geometry g,
					     const struct page *slab,
					     const void *obj)
{
	uintptr_t offset = ((uintptr_t)obj & g.mask) - slab->colour;
	unsigned __int128 q = (unsigned __int128)offset * g.magic;
	uint64_t index = (uint64_t)(q >> 64);

	if (unlikely((uint64_t)q >= g.magic || index >= g.objs))
		return NO_INDEX;
	return (unsigned int)index;
}

#endif
