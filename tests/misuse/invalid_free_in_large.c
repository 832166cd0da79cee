/* SPDX-License-Identifier: MIT */
/* A pointer into the middle of a block of whole pages. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	char *p = malloc(256 * KIB);

	free(suspect(p + 100 * KIB + 48));
}
