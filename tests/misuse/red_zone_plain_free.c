/* SPDX-License-Identifier: MIT */
/* The same, freed by free(). */
#include "cache.h"

const struct misuse misuse = {
	.reason = SAYS_VICTIM ": Right Redzone overwritten",
};

void bug(void)
{
	char *p = suspect(victim_alloc(victim(PAGODA_SLAB_RED_ZONE)));

	p[103] = 0;
	free(p);
}
