/* SPDX-License-Identifier: MIT */
/* An address inside an area is to grow. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "inside a large block",
};

void bug(void)
{
	char *p = pagoda_vmalloc(100000);

	pagoda_vrealloc(suspect(p + 8), 200000);
}
