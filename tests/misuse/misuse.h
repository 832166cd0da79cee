/* SPDX-License-Identifier: MIT */
/*
 * A program with one bug. It defines misuse and bug(), misuse.c has main(): it
 * runs bug() in a process of its own under the same environment and expects
 * SIGABRT and one line on standard error that names the pointer and why.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include "../preload/test.h"

#include <malloc.h>

struct misuse {
	/* What the line must match after the pointer, in extended syntax. */
	const char *reason;
	/* The pointer is nobody's: libc may be the one that complains. */
	bool foreign;
	/* It is not about a pointer: the line need not name one. */
	bool no_pointer;
};

extern const struct misuse misuse;

/* Does the bad thing to a pointer that it has announced with suspect(). */
void bug(void);

/* The line must name @p. Return: @p, that the compiler knows nothing of. */
void *suspect(void *p);

/* What the line must say for objects of 64 bytes. */
#define SAYS_64 "kmalloc-64"
/* For blocks of whole pages that were freed before, or never allocated. */
#define SAYS_LARGE "large|freed already|nothing is allocated"

/*
 * How far detection reaches: a second free of an object that is on its way
 * through the sheaves of CPU and barn shows when it gets back to its slab. That
 * may be when so many other objects of the size were freed, and is at the
 * latest when memory is trimmed; the program prints which.
 */
enum { FLUSH_FREES = 5000 };

/* Objects to be freed after the bug; to be had before it. */
void prepare_flush(size_t size);

/* Frees them one by one, allocates nothing meanwhile, then trims. */
void flush(void);

#endif
