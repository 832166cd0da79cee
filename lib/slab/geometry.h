/* SPDX-License-Identifier: MIT */
/* geometry.h - where objects lie in their slabs. */
#ifndef PAGODA_SLAB_GEOMETRY_H
#define PAGODA_SLAB_GEOMETRY_H

#include "slab/internal.h"

/*
 * What it takes to find an object's slab and number, and its slab's bucket. Copied,
 * because stores to a bitmap could, for all the compiler knows, change the cache.
 */
struct geometry {
	uintptr_t mask; /* of an address: its place in the slab */
	uint64_t magic; /* 2^32 / size, rounded up */
	uint32_t objs, bucket_scale;
	uint32_t extent; /* bytes from the first object to the end of the last */
	uintptr_t span_base;
	size_t span_size;
	struct page *mem_map;
};

static ALWAYS_INLINE struct geometry geometry_of(const struct kmem_cache *c)
{
	return (struct geometry){
		.mask = ((uintptr_t)PAGE_SIZE << c->order) - 1,
		.magic = c->magic,
		.objs = c->objs,
		.bucket_scale = c->bucket_scale,
		.extent = c->objs * c->size,
		.span_base = span.base,
		.span_size = span.size,
		.mem_map = span.mem_map,
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

_Static_assert(sizeof(struct page) == 1 << 6, "what slab_around() shifts by");

/* The same, quicker, if @obj lies in the span. */
static ALWAYS_INLINE struct page *slab_in_span(struct geometry g,
						const void *obj)
{
	uintptr_t offset = ((uintptr_t)obj - g.span_base) & ~g.mask;

	return (struct page *)((char *)g.mem_map + (offset >> (PAGE_SHIFT - 6)));
}

/* The same for any. */
static ALWAYS_INLINE struct page *slab_around(struct geometry g, const void *obj)
{
	if (likely((uintptr_t)obj - g.span_base < g.span_size))
		return slab_in_span(g, obj);
	return pfn_to_page(align_down(addr_to_pfn(obj),
				      (g.mask + 1) >> PAGE_SHIFT));
}

/* Address of the first object of @slab, in which @obj lies. */
static ALWAYS_INLINE uintptr_t first_in(struct geometry g,
					const struct page *slab, const void *obj)
{
	return ((uintptr_t)obj & ~g.mask) + slab->colour;
}

enum { NO_INDEX = UINT16_MAX };

/* Number of the object that starts at @obj, or NO_INDEX: exact as class_check is. */
static ALWAYS_INLINE unsigned int slab_index(struct geometry g,
					     const struct page *slab,
					     const void *obj)
{
	uint32_t offset = (uint32_t)((uintptr_t)obj & g.mask) - slab->colour;
	uint64_t quotient = offset * g.magic;
	uint32_t index = (uint32_t)(quotient >> 32);

	if (unlikely((uint32_t)quotient >= g.magic || index >= g.objs))
		return NO_INDEX;
	return index;
}

#endif
