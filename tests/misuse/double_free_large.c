/* SPDX-License-Identifier: MIT */
/* A block of 256 KiB, of whole pages, freed twice. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	void *p = suspect(malloc(256 * KIB));

	free(p);
	free(p);
}
