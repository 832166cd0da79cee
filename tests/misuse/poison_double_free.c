/* SPDX-License-Identifier: MIT */
/* A poisoned object freed again after others, found at once. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": the object is free",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(PAGODA_SLAB_POISON);
	char *p = suspect(victim_alloc(c)), *q = victim_alloc(c);

	pagoda_kmem_cache_free(c, p);
	pagoda_kmem_cache_free(c, q);
	pagoda_kmem_cache_free(c, p);
}
