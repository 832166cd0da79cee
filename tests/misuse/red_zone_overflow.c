/* SPDX-License-Identifier: MIT */
/* A write behind an object with a red zone. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": Right Redzone overwritten",
};

void bug(void)
{
	struct pagoda_kmem_cache *c = victim(PAGODA_SLAB_RED_ZONE);
	char *p = suspect(victim_alloc(c));

	p[100] = 0;
	pagoda_kmem_cache_free(c, p);
}
