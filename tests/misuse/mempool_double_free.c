/* SPDX-License-Identifier: MIT */
/* An element of a locked pool's reserve freed twice. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "locked mempool of 100000 bytes",
};

void bug(void)
{
	struct pagoda_mempool *pool;
	void *p = suspect(only_element(100000, &pool));

	pagoda_mempool_free(p, pool);
	pagoda_mempool_free(p, pool);
}
