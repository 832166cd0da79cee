/* SPDX-License-Identifier: MIT */
/* realloc() of a pointer into an object. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	char *p = malloc(64);

	CHECK(realloc(suspect(p + 16), 100));
}
