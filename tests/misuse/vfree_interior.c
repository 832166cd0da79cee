/* SPDX-License-Identifier: MIT */
/* An address inside an area. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "nothing is allocated",
};

void bug(void)
{
	char *p = pagoda_vmalloc(100000);

	pagoda_vfree(suspect(p + 3 * PAGODA_PAGE_SIZE));
}
