/* SPDX-License-Identifier: MIT */
/* A cache used after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	pagoda_kmem_cache_alloc(ended_victim(0, NULL), PAGODA_GFP_KERNEL);
}
