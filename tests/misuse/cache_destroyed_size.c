/* SPDX-License-Identifier: MIT */
/* Asking a cache for its size after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	pagoda_kmem_cache_size(ended_victim(0, NULL));
}
