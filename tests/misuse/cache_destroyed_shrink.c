/* SPDX-License-Identifier: MIT */
/* A cache that is to give memory back after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	pagoda_kmem_cache_shrink(ended_victim(0, NULL));
}
