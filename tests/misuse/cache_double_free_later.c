/* SPDX-License-Identifier: MIT */
/* An object freed again after others: found when the cache gives memory back. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM,
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *others[300], *p = suspect(victim_alloc(c));

	CHECK(pagoda_kmem_cache_alloc_bulk(c, PAGODA_GFP_KERNEL, 300, others));
	pagoda_kmem_cache_free(c, p);
	pagoda_kmem_cache_free_bulk(c, 300, others);
	free(p);
	pagoda_kmem_cache_shrink(c);
}
