/* SPDX-License-Identifier: MIT */
/* An address inside an element of a locked pool's reserve. */
#include "pool.h"

const struct misuse misuse = {
	.reason = "locked mempool of 100 bytes: not the start",
};

void bug(void)
{
	struct pagoda_mempool *pool;
	char *p = only_element(100, &pool);

	pagoda_mempool_free(suspect(p + 16), pool);
}
