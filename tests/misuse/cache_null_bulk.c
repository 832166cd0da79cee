/* SPDX-License-Identifier: MIT */
/* NULL among many objects. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not its object: not a pointer of this allocator",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *objs[5];

	CHECK(pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, 5, objs));
	objs[4] = suspect(NULL);
	pagoda_kmem_cache_free_bulk(c, 5, objs);
}
