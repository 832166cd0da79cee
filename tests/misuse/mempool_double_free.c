/* SPDX-License-Identifier: MIT */
/* An element of a locked pool's reserve freed twice. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/mempool.h>

const struct misuse misuse = {
	.reason = "locked mempool of 100000 bytes",
};

void bug(void)
{
	struct pagoda_mempool *pool =
		pagoda_mempool_create_locked_pool(1, 100000);
	struct rlimit none = {0, 0};
	void *p, *last = NULL;

	CHECK(pool);
	CHECK(!setrlimit(RLIMIT_DATA, &none));
	/* The last one is that of the reserve. */
	while ((p = pagoda_mempool_alloc(pool, PAGODA_GFP_ATOMIC)) != NULL)
		last = p;
	suspect(last);
	pagoda_mempool_free(last, pool);
	pagoda_mempool_free(last, pool);
}
