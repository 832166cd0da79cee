/* SPDX-License-Identifier: MIT */
/* realloc() of a large block that was freed. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

void bug(void)
{
	void *p = suspect(malloc(256 * KIB));

	free(p);
	CHECK(realloc(p, 300 * KIB));
}
