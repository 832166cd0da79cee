/* SPDX-License-Identifier: MIT */
/* A pool that grows after its end. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *element;

	pagoda_mempool_resize(ended_pool(&element), 5);
}
