/* SPDX-License-Identifier: MIT */
/* Static data. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = "not|foreign",
	.foreign = true,
};

void bug(void)
{
	static char block[256] __attribute__((aligned(16)));

	free(suspect(block + 64));
}
