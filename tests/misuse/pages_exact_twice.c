/* SPDX-License-Identifier: MIT */
/* Pages of an exact number freed twice. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "freed already|double free",
};

void bug(void)
{
	void *p = suspect(pagoda_alloc_pages_exact(50000, 0));

	pagoda_free_pages_exact(p, 50000);
	pagoda_free_pages_exact(p, 50000);
}
