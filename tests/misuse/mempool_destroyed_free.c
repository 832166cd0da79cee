/* SPDX-License-Identifier: MIT */
/* An element given to a pool after its end. */
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
	void *p = pagoda_mempool_alloc(pool, PAGODA_GFP_KERNEL);

	pagoda_mempool_destroy(pool);
	suspect(pool);
	pagoda_mempool_free(p, pool);
}
