/* SPDX-License-Identifier: MIT */
/* NULL is no object. */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": not its object: not a pointer of this allocator",
};

void bug(void)
{
	pagoda_kmem_cache_free(victim(0), suspect(NULL));
}
