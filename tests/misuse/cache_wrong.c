/* SPDX-License-Identifier: MIT */
/* An object freed to a cache that is not its own. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not its object: other",
};

void bug(void)
{
	struct pagoda_kmem_cache *other =
		pagoda_kmem_cache_create("other", 100, 0, 0, NULL);

	pagoda_kmem_cache_free(victim(0), suspect(victim_alloc(other)));
}
