/* SPDX-License-Identifier: MIT */
/* Objects freed to a cache after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *objs[2];
	struct pagoda_kmem_cache *c = ended_victim(2, objs);

	pagoda_kmem_cache_free_bulk(c, 2, objs);
}
