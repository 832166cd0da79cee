/* SPDX-License-Identifier: MIT */
/* Pages freed twice. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "nothing is allocated|double free",
};

void bug(void)
{
	void *p = suspect(pagoda_alloc_pages(PAGODA_GFP_DMA, 3));

	pagoda_free_pages(p, 3);
	pagoda_free_pages(p, 3);
}
