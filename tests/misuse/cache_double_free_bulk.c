/* SPDX-License-Identifier: MIT */
/* The same object twice in one bulk free. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM,
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *objs[20];

	CHECK(pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, 19, objs));
	objs[19] = objs[5];
	suspect(objs[5]);
	pagoda_kmem_cache_free_bulk(c, 20, objs);
	pagoda_kmem_cache_shrink(c);
}
