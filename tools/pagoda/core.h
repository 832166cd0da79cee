/* SPDX-License-Identifier: MIT */
/*
 * core.h - the core file of a process that is no more.
 */
#ifndef PAGODA_TOOL_CORE_H
#define PAGODA_TOOL_CORE_H

#include "memory.h"

/*
 * core_open() - read the tables of a core file: 64-bit ELF, of this machine's
 * byte order.
 * Return: 0; -ENOEXEC (not a core file), -ENODATA (truncated), -EBADMSG (its
 * tables make no sense), or another -errno.
 */
MUST_CHECK int core_open(struct core **ret_core, const char *path);
void core_close(struct core *core);

/* As those of memory.h without "core". What was not saved is -EFAULT. */
int core_read(const struct core *core, uint64_t addr, void *buf, size_t len);
int core_for_each_mapping(const struct core *core,
			  bool (*fn)(const struct mapping *m, void *arg),
			  void *arg);

#endif
