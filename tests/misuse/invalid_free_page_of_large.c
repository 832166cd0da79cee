/* SPDX-License-Identifier: MIT */
/* The start of a page in the middle of a block. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	char *p = malloc(256 * KIB);

	free(suspect(p + 128 * KIB));
}
