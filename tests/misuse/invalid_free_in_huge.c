/* SPDX-License-Identifier: MIT */
/* The start of a page in a block above the page allocator's orders. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	char *p = malloc(16 * MIB);

	free(suspect(p + 8 * MIB));
}
