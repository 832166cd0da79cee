/* SPDX-License-Identifier: MIT */
/* realloc() of a freed object: moving it frees it again. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	void *p;

	prepare_flush(64);
	p = suspect(malloc(64));
	free(p);
	CHECK(realloc(p, 20000));
	flush();
}
