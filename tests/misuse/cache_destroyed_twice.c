/* SPDX-License-Identifier: MIT */
/* A cache destroyed twice. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	pagoda_kmem_cache_destroy(ended_victim(0, NULL));
}
