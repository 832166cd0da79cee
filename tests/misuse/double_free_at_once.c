/* SPDX-License-Identifier: MIT */
/* An object freed twice in a row. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	void *p = suspect(malloc(64));

	free(p);
	free(p);
}
