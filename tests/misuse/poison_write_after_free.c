/* SPDX-License-Identifier: MIT */
/* A write to a freed object, found when it is handed out again. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": Poison overwritten",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(PAGODA_SLAB_POISON);
	char *p = suspect(victim_alloc(c));

	pagoda_kmem_cache_free(c, p);
	p[50] = 0;
	for (int i = 0; i < 1000; i++)
		victim_alloc(c);
}
