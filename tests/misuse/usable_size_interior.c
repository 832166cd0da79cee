/* SPDX-License-Identifier: MIT */
/* malloc_usable_size() of a pointer into an object. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	char *p = malloc(64);

	CHECK(malloc_usable_size(suspect(p + 16)));
}
