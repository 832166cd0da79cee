/* SPDX-License-Identifier: MIT */
/* An exact block freed with another size. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "10 pages, but the block has 13",
};

void bug(void)
{
	pagoda_free_pages_exact(suspect(pagoda_alloc_pages_exact(50000, 0)),
				40000);
}
