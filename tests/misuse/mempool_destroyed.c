/* SPDX-License-Identifier: MIT */
/* An element of a pool after its end. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/mempool.h>

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	struct pagoda_mempool *pool =
		pagoda_mempool_create_kmalloc_pool(2, 100);

	pagoda_mempool_destroy(pool);
	suspect(pool);
	pagoda_mempool_alloc(pool, PAGODA_GFP_ATOMIC);
}
