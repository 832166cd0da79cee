/* SPDX-License-Identifier: MIT */
/* Asking a cache for its size after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(0);

	CHECK(!pagoda_kmem_cache_destroy(c));
	pagoda_kmem_cache_size(suspect(c));
}
