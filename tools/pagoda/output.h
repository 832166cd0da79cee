/* SPDX-License-Identifier: MIT */
/*
 * output.h - files that the tool makes: there as a whole, or not at all.
 */
#ifndef PAGODA_TOOL_OUTPUT_H
#define PAGODA_TOOL_OUTPUT_H

#include <stdio.h>

#include "tool.h"

/* What will be a file, in memory until it is complete. */
struct output {
	FILE *to;
	char *data;
	size_t len;
};

bool output_begin(struct output *o);

/*
 * output_end() - write it to @path, which is replaced, and forget it.
 * @complete: false: just forget it.
 * Return: TOOL_OK, or TOOL_FAILED after a complaint.
 */
enum tool_status output_end(struct output *o, const char *path, bool complete);

/* All of @data, or false and errno. */
bool write_all(int fd, const void *data, size_t len);

#endif
