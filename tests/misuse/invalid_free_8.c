/* SPDX-License-Identifier: MIT */
/* A pointer 8 bytes into an object: not even aligned. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	char *p = malloc(64);

	free(suspect(p + 8));
}
