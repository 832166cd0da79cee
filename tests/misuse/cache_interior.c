/* SPDX-License-Identifier: MIT */
/* A pointer into an object of a cache. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not the start of an object",
};

void bug(void)
{
	/* With nothing left over in a slab, so that it is not coloured. */
	struct pagoda_kmem_cache *c = pagoda_kmem_cache_create(
		"victim", 128, 0, 0, NULL);
	char *p = victim_alloc(c);

	pagoda_kmem_cache_free(c, suspect(p + 32));
}
