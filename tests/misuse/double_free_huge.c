/* SPDX-License-Identifier: MIT */
/* A block of 16 MiB, above the page allocator's orders, freed twice. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	void *p = suspect(malloc(16 * MIB));

	free(p);
	free(p);
}
