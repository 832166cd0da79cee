/* SPDX-License-Identifier: MIT */
/* realloc() of static data. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = "not|foreign",
	.foreign = true,
};

void bug(void)
{
	static char block[256] __attribute__((aligned(16)));

	CHECK(realloc(suspect(block + 64), 100));
}
