/* SPDX-License-Identifier: MIT */
/* A cache whose objects must be had when there is no memory. */
#include "cache.h"

const struct misuse misuse = {
	.reason = "out of memory: cache victim",
	.no_pointer = true,
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(PAGODA_SLAB_PANIC);
	struct rlimit none = {0, 0};

	CHECK(!setrlimit(RLIMIT_DATA, &none));
	for (;;)
		victim_alloc(c);
}
