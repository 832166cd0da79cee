/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the memory of another process: of a live one, or in a core file.
 */
#ifndef PAGODA_TOOL_MEMORY_H
#define PAGODA_TOOL_MEMORY_H

#include <sys/types.h>

#include "base/compiler.h"

struct core;

struct memory {
	pid_t pid;
	struct core *core; /* if not NULL, there is no process */
};

struct mapping {
	uint64_t start;
	uint64_t end;
	bool has_file;
	bool writable;
	const char *path; /* or a name in brackets, or "" */
};

/* Return: 0, or -errno; -EFAULT if not all of it could be read. */
int memory_read(const struct memory *m, uint64_t addr, void *buf, size_t len);

/*
 * memory_read_pieces() - read @count pieces of @len bytes, @stride apart, one
 * behind the other into @buf, with few system calls. A piece that cannot be
 * read is left as it is.
 */
int memory_read_pieces(const struct memory *m, uint64_t addr, uint64_t stride,
		       size_t len, size_t count, void *buf);

/*
 * memory_for_each_mapping() - call @fn for each mapping, by address, until it
 * returns false. The path is gone afterwards. Return: 0 or -errno.
 */
int memory_for_each_mapping(const struct memory *m,
			    bool (*fn)(const struct mapping *m, void *arg),
			    void *arg);

#endif
