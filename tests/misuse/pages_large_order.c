/* SPDX-License-Identifier: MIT */
/* Pages freed with an order that there is not. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "0 pages, but the block has 1",
};

void bug(void)
{
	pagoda_free_pages(suspect(pagoda_alloc_pages(0, 0)), 99);
}
