/* SPDX-License-Identifier: MIT */
/* An element given to a pool after its end. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *element;
	struct pagoda_mempool *pool = ended_pool(&element);

	pagoda_mempool_free(element, pool);
}
