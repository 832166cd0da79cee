/* SPDX-License-Identifier: MIT */
/* A block with an alignment, freed twice. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = "kmalloc-[0-9]+",
};

void bug(void)
{
	void *p = suspect(aligned_alloc(512, 1000));

	free(p);
	free(p);
}
