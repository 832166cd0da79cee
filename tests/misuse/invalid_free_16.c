/* SPDX-License-Identifier: MIT */
/* An aligned pointer into an object of 64 bytes. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	char *p = malloc(64);

	free(suspect(p + 16));
}
