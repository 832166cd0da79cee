/* SPDX-License-Identifier: MIT */
/*
 * draft.h - files that the tool makes: there as a whole, or not at all.
 */
#ifndef PAGODA_TOOL_DRAFT_H
#define PAGODA_TOOL_DRAFT_H

#include <stdio.h>

#include "tool.h"

/* What will be a file, in memory until it is complete. */
struct draft {
	FILE *to;
	char *data;
	size_t len;
};

bool draft_begin(struct draft *d);

/*
 * draft_save() - write it to @path, which is replaced, and forget it.
 * @complete: false: just forget it.
 * Return: TOOL_OK, or TOOL_FAILED after a complaint.
 */
enum tool_status draft_save(struct draft *d, const char *path, bool complete);

/* All of @data, or false and errno. */
bool write_all(int fd, const void *data, size_t len);

#endif
