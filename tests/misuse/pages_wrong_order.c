/* SPDX-License-Identifier: MIT */
/* Pages freed with another order than they were allocated with. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "4 pages, but the block has 8",
};

void bug(void)
{
	pagoda_free_pages(suspect(pagoda_alloc_pages(0, 3)), 2);
}
