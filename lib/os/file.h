/* SPDX-License-Identifier: MIT */
/*
 * file.h - the few things the library does with files. Every descriptor opened
 * here is closed on exec.
 *
 * No function here allocates, takes a lock or changes errno; all are safe in
 * signal handlers and in a forked child. Errors are negative errno values.
 */
#ifndef PAGODA_OS_FILE_H
#define PAGODA_OS_FILE_H

#include "base/compiler.h"

/*
 * os_read_file() - the start of a file as text, with a NUL behind it.
 * Return: bytes read, at most @size - 1.
 */
MUST_CHECK long os_read_file(const char *path, char *buf, size_t size);

/*
 * os_create_file() - make a new file and open it for writing. A symbolic link
 * or a file of that name that exists is refused.
 * Return: the descriptor.
 */
MUST_CHECK int os_create_file(const char *path, unsigned int mode);

/* RLIMIT_FSIZE: the kernel kills a program that writes a file beyond it. */
uint64_t os_file_size_limit(void);

/* Write all of @buf. */
MUST_CHECK int os_write_file(int fd, const char *buf, size_t len);

void os_close_file(int fd);

/* Put @from in the place of @to, which may exist. */
MUST_CHECK int os_rename_file(const char *from, const char *to);

int os_unlink_file(const char *path);

#endif
