/* SPDX-License-Identifier: MIT */
/* An object of another cache given to a pool whose reserve is full. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "cache mine: not its object: other",
};

void bug(void)
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("mine", 100, 0, 0, NULL);
	struct pagoda_kmem_cache *other =
		pagoda_kmem_cache_create("other", 100, 0, 0, NULL);
	struct pagoda_mempool *pool = pagoda_mempool_create_slab_pool(4, c);

	pagoda_mempool_free(suspect(pagoda_kmem_cache_alloc(
				    other, PAGODA_GFP_KERNEL)),
			    pool);
}
