/* SPDX-License-Identifier: MIT */
/* An object freed by its owner and again by another thread. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

static void *free_again(void *p)
{
	free(p);
	return NULL;
}

void bug(void)
{
	void *p;

	prepare_flush(64);
	p = suspect(malloc(64));
	free(p);
	CHECK(!pthread_join(start_thread(free_again, p, 0), NULL));
	flush();
}
