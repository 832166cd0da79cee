/* SPDX-License-Identifier: MIT */
/* Memory that the program got from mmap(). */
#include "misuse.h"

#include <sys/mman.h>

const struct misuse misuse = {
	.reason = "not|foreign",
	.foreign = true,
};

void bug(void)
{
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	free(suspect(p + 4096));
}
