/* SPDX-License-Identifier: MIT */
/*
 * An address in the space that the allocator reserved, where nothing was ever
 * allocated: halfway through the inaccessible mapping that follows its blocks.
 */
#include "misuse.h"

const struct misuse misuse = {
	.reason = SAYS_LARGE,
};

/* The first inaccessible mapping above @p of 64 MiB at least, 0 if none. */
static uintptr_t reserved_space(const void *p)
{
	static char text[256 * 1024];
	unsigned long start, end;
	char *line, *rest, prot[5];

	CHECK(read_text("/proc/self/maps", text, sizeof(text)) > 0);
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		CHECK(sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3);
		if (start > (uintptr_t)p && !strncmp(prot, "---", 3) &&
		    end - start >= 64 * MIB)
			return start + (end - start) / 2;
	}
	return 0;
}

void bug(void)
{
	uintptr_t address = reserved_space(malloc(64));

	CHECK_MSG(address, "no space is reserved behind the heap");
	free(suspect((void *)(address & ~(uintptr_t)4095)));
}
