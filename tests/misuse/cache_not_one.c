/* SPDX-License-Identifier: MIT */
/* Something that never was a cache. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "invalid cache|destroyed already",
};

void bug(void)
{
	static char variable[1000];

	pagoda_kmem_cache_alloc(suspect(variable), PAGODA_GFP_KERNEL);
}
