/* SPDX-License-Identifier: MIT */
/* A cache with the name "victim" for the misuse of include/pagoda/kmem.h. */
#ifndef MISUSE_CACHE_H
#define MISUSE_CACHE_H

#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>

#include "misuse.h"

#define SAYS_VICTIM "cache victim"

static inline struct pagoda_kmem_cache *victim(unsigned int flags)
{
	struct pagoda_kmem_cache *c = pagoda_kmem_cache_create(
		"victim", 100, 0, flags, NULL);

	CHECK(c);
	return c;
}

static inline void *victim_alloc(struct pagoda_kmem_cache *c)
{
	void *p = pagoda_kmem_cache_alloc(c, PAGODA_GFP_KERNEL);

	CHECK(p);
	return p;
}

/* One that has ended, announced. @objs: gets @nr objects that it had. */
static inline struct pagoda_kmem_cache *ended_victim(size_t nr, void **objs)
{
	struct pagoda_kmem_cache *c = victim(0);

	for (size_t i = 0; i < nr; i++)
		objs[i] = victim_alloc(c);
	pagoda_kmem_cache_free_bulk(c, nr, objs);
	CHECK(!pagoda_kmem_cache_destroy(c));
	return suspect(c);
}

#endif
