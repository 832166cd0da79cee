/* SPDX-License-Identifier: MIT */
/*
 * reader.h - whoever asks a command that answers others, and what the kernel
 * would let them see.
 */
#ifndef PAGODA_TOOL_READER_H
#define PAGODA_TOOL_READER_H

#include <sys/types.h>

struct reader {
	uid_t uid;
	gid_t gid;
};

/*
 * reader_check() - may @r look at the memory of a process?
 * @folder: the process's folder in /proc.
 * For a reader with this process's own rights nothing is checked, since the
 * kernel does so when the memory is read.
 * Return: 0 or -errno.
 */
int reader_check(const struct reader *r, int folder);

#endif
