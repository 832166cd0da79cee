/* SPDX-License-Identifier: MIT */
/* The size of what is inside an area. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "nothing is allocated",
};

void bug(void)
{
	char *p = pagoda_vmalloc(100000);

	pagoda_vmalloc_size(suspect(p + PAGODA_PAGE_SIZE));
}
