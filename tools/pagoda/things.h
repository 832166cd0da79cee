/* SPDX-License-Identifier: MIT */
/*
 * things.h - what memory was in use for, over a recording: each cache, large
 * blocks, areas, the allocator's own tables.
 */
#ifndef PAGODA_TOOL_THINGS_H
#define PAGODA_TOOL_THINGS_H

#include "growth.h"
#include "recording.h"

struct thing {
	char name[CACHE_NAME_LEN + 16];
	uint64_t object_bytes; /* 0: not a cache */
	double *bytes; /* in use, for each sample */
	double *objects;
	double *held; /* caches: bytes of its slabs */
	struct growth growth; /* of bytes */
};

/* Caches that have the same name and size are one thing. */
struct things {
	struct thing *list;
	size_t nr;
	size_t nr_caches; /* these come first */
};

/* Return: false: out of memory. */
bool things_find(struct things *t, const struct recording *r);
void things_free(struct things *t);

/* Return: the thing of that name and size, or NULL. */
const struct thing *things_named(const struct things *t, const char *name,
				 uint64_t object_bytes);

#endif
