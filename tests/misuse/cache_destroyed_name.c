/* SPDX-License-Identifier: MIT */
/* Asking a cache for its name after its end. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	pagoda_kmem_cache_name(ended_victim(0, NULL));
}
