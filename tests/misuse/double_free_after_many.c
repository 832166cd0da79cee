/* SPDX-License-Identifier: MIT */
/* An object freed again after 300 others: it has left the sheaf it was in. */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_64,
};

void bug(void)
{
	static void *others[300];
	void *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = malloc(64);
	prepare_flush(64);
	p = suspect(malloc(64));
	free(p);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		free(others[i]);
	free(p);
	flush();
}
