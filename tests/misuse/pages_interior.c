/* SPDX-License-Identifier: MIT */
/* A pointer into a block of pages. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "not a block of pages",
};

void bug(void)
{
	char *p = pagoda_alloc_pages(0, 3);

	pagoda_free_pages(suspect(p + PAGODA_PAGE_SIZE), 2);
}
