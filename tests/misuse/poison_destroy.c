/* SPDX-License-Identifier: MIT */
/* A write to a freed object, found when the cache ends. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": Poison overwritten",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(PAGODA_SLAB_POISON);
	char *p = suspect(victim_alloc(c));

	pagoda_kmem_cache_free(c, p);
	p[99] = 0;
	pagoda_kmem_cache_destroy(c);
}
