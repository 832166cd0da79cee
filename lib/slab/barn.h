/* SPDX-License-Identifier: MIT */
/*
 * barn.h - how barns lie in memory, for barn.c and for those who look into another
 * process.
 */
#ifndef PAGODA_SLAB_BARN_H
#define PAGODA_SLAB_BARN_H

#include "base/compiler.h"
#include "base/control.h"

enum {
	MAX_SHEAVES = 65536,
	/* Of CPUs, see slab/internal.h: every node has one at least. */
	MAX_GROUPS = MAX_NODES,
};

/* A batch of objects on its way between CPUs. */
struct sheaf {
	uint32_t nr;
	uint32_t unused;
	void *objs[255];
};

/* Of sheaves, by their indices; 0: none. */
struct barn_stack {
	uint64_t head; /* Atomic: base/stack.h */
	uint32_t count; /* Atomic, may lag */
	uint32_t least; /* Atomic: least count since barn_idle() */
	uint32_t freed; /* Atomic, a hint: sheaves that ran full more than empty */
};

#define BARN_MAGIC "pagoda barns  \n" /* 16 bytes with its NUL */

/*
 * Where it all is. Nothing in the process reads this; who reads it from outside
 * finds it in the library's data by its magic.
 */
struct barn_map {
	char magic[16];
	const struct barn_stack *full; /* [MAX_GROUPS][NR_CLASSES] */
	const uint32_t *next; /* what is below each sheaf in its stack */
	struct sheaf *const *sheaves;
};

#endif
