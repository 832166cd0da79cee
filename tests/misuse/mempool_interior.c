/* SPDX-License-Identifier: MIT */
/* An address inside an element of a locked pool's reserve. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/mempool.h>

const struct misuse misuse = {
	.reason = "locked mempool of 100 bytes: not the start",
};

void bug(void)
{
	struct pagoda_mempool *pool = pagoda_mempool_create_locked_pool(1, 100);
	struct rlimit none = {0, 0};
	char *p, *last = NULL;

	CHECK(pool);
	CHECK(!setrlimit(RLIMIT_DATA, &none));
	/* The last one is that of the reserve. */
	while ((p = pagoda_mempool_alloc(pool, PAGODA_GFP_ATOMIC)) != NULL)
		last = p;
	pagoda_mempool_free(suspect(last + 16), pool);
}
