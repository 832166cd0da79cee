/* SPDX-License-Identifier: MIT */
/* A cache that must be created, and cannot be. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "cannot be created: errno 17",
	.no_pointer = true,
};

void bug(void)
{
	victim(0);
	pagoda_kmem_cache_create("victim", 100, 0, PAGODA_SLAB_PANIC, NULL);
}
