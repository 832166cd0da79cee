/* SPDX-License-Identifier: MIT */
/* One of many objects freed at once that is of another cache. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not its object: kmalloc-112",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *objs[20];

	CHECK(pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, 20, objs));
	/* Those before lodge with another size. */
	for (int i = 0; i < 20; i++)
		objs[11] = malloc(100);
	suspect(objs[11]);
	pagoda_kmem_cache_free_bulk(c, 20, objs);
}
