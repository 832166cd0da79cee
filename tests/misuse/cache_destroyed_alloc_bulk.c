/* SPDX-License-Identifier: MIT */
/* Many objects of a cache after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *objs[2];

	pagoda_kmem_cache_alloc_bulk(ended_victim(0, NULL), PAGODA_GFP_KERNEL, 2,
				     objs);
}
