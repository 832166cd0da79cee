/* SPDX-License-Identifier: MIT */
/* A cache that is to give memory back after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);

	CHECK(!pagoda_kmem_cache_destroy(c));
	pagoda_kmem_cache_shrink(suspect(c));
}
