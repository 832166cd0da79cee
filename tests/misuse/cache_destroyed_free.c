/* SPDX-License-Identifier: MIT */
/* An object freed to a cache after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *obj;
	struct pagoda_kmem_cache *c = ended_victim(1, &obj);

	pagoda_kmem_cache_free(c, obj);
}
