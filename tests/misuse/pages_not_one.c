/* SPDX-License-Identifier: MIT */
/* An object of malloc freed as pages. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/pages.h>

const struct misuse misuse = {
	.reason = "not a block of pages: kmalloc",
};

void bug(void)
{
	pagoda_free_pages(suspect(malloc(100)), 0);
}
