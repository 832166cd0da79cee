/* SPDX-License-Identifier: MIT */
/* An object freed again after one other was freed. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	void *p, *other = malloc(64);

	prepare_flush(64);
	p = suspect(malloc(64));
	free(p);
	free(other);
	free(p);
	flush();
}
