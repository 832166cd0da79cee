/* SPDX-License-Identifier: MIT */
/* A variable freed as an area. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "not a pointer of this allocator",
};

void bug(void)
{
	int here;

	pagoda_vfree(suspect(&here));
}
