/* SPDX-License-Identifier: MIT */
/* A pointer freed after realloc() moved the block. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	void *p, *moved;

	prepare_flush(64);
	p = suspect(malloc(64));
	moved = realloc(p, 20000);
	CHECK(moved && moved != p);
	free(p);
	flush();
}
