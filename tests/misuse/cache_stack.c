/* SPDX-License-Identifier: MIT */
/* A variable freed to a cache. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not its object: not a pointer of this allocator",
};

void bug(void)
{
	char variable[100];

	pagoda_kmem_cache_free(victim(0), suspect(variable));
}
