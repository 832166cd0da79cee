/* SPDX-License-Identifier: MIT */
/* An area freed twice. */
#include "misuse.h"

#define PAGODA_OPTIONAL
#include <pagoda/vmalloc.h>

const struct misuse misuse = {
	.reason = "nothing is allocated",
};

void bug(void)
{
	void *p = suspect(pagoda_vmalloc(100000));

	pagoda_vfree(p);
	pagoda_vfree(p);
}
