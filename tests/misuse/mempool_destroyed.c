/* SPDX-License-Identifier: MIT */
/* An element of a pool after its end. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *element;

	pagoda_mempool_alloc(ended_pool(&element), PAGODA_GFP_ATOMIC);
}
