/* SPDX-License-Identifier: MIT */
/* An address inside the first page of a block. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "inside a large block",
};

void bug(void)
{
	char *p = pagoda_alloc_pages(0, 3);

	pagoda_free_pages(suspect(p + 64), 3);
}
