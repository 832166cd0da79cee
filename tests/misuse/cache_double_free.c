/* SPDX-License-Identifier: MIT */
/* An object of a cache freed twice in a row. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM,
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *p = suspect(victim_alloc(c));

	pagoda_kmem_cache_free(c, p);
	pagoda_kmem_cache_free(c, p);
}
