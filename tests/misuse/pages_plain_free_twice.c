/* SPDX-License-Identifier: MIT */
/* Pages that free() gets twice. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "nothing is allocated|double free",
};

void bug(void)
{
	void *p = suspect(pagoda_alloc_pages(PAGODA_GFP_DMA32, 0));

	free(p);
	free(p);
}
