/* SPDX-License-Identifier: MIT */
/* A variable on the stack. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = "not|foreign",
	.foreign = true,
};

void bug(void)
{
	char block[256] __attribute__((aligned(16))) = {0};

	free(suspect(block + 64));
}
