/* SPDX-License-Identifier: MIT */
/* An object of a cache that has ended, freed once more by free(). */
#include "cache.h"

const struct misuse misuse = {
	.reason = "nothing is allocated",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);
	void *p = suspect(victim_alloc(c));

	pagoda_kmem_cache_free(c, p);
	CHECK(!pagoda_kmem_cache_destroy(c));
	free(p);
}
