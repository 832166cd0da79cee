/* SPDX-License-Identifier: MIT */
/* A pool of objects of a cache that has ended. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("ended", 100, 0, 0, NULL);

	CHECK(!pagoda_kmem_cache_destroy(c));
	pagoda_mempool_create_slab_pool(1, suspect(c));
}
