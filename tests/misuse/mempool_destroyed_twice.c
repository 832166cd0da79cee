/* SPDX-License-Identifier: MIT */
/* A pool destroyed twice. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "destroyed already",
};

void bug(void)
{
	void *element;

	pagoda_mempool_destroy(ended_pool(&element));
}
