/* SPDX-License-Identifier: MIT */
/* A local variable as an area. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "not a pointer of this allocator",
};

void bug(void)
{
	char local[64];

	pagoda_vrealloc(suspect(local), 200000);
}
