/* SPDX-License-Identifier: MIT */
/*
 * bug.h - messages to the user, and the end of a program that must not go on.
 * Nothing here allocates, takes a lock or changes errno; safe in any context.
 */
#ifndef PAGODA_BASE_BUG_H
#define PAGODA_BASE_BUG_H

#include "base/compiler.h"

/* One line on standard error: "pagoda: " and the text. */
void warn(const char *format, ...) PRINTF(1, 2);

/* The same, then SIGABRT. */
NORETURN COLD void bug(const char *format, ...) PRINTF(1, 2);

#define BUG_ON(cond)                                              \
	do {                                                      \
		if (unlikely(cond))                               \
			bug("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* Checked only in builds with PAGODA_DEBUG. */
#ifdef PAGODA_DEBUG
#define VM_BUG_ON(cond) BUG_ON(cond)
#else
#define VM_BUG_ON(cond) ((void)sizeof(cond))
#endif

#endif
