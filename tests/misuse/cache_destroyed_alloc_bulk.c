/* SPDX-License-Identifier: MIT */
/* Many objects of a cache after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *objs[2] = {victim_alloc(c), victim_alloc(c)};

	pagoda_kmem_cache_free_bulk(c, 2, objs);
	CHECK(!pagoda_kmem_cache_destroy(c));
	suspect(c);
	pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, 2, objs);
}
