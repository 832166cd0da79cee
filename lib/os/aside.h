/* SPDX-License-Identifier: MIT */
/*
 * aside.h - a few system calls with a descriptor table of one's own.
 *
 * What must open a descriptor for a moment does it in a thread of the kernel's
 * that has a copy of the table, so that the program cannot see it, close it or
 * miss a number. The idea is vfork()'s: the caller sleeps meanwhile and lends its
 * thread-local variables.
 */
#ifndef PAGODA_OS_ASIDE_H
#define PAGODA_OS_ASIDE_H

#include "base/compiler.h"

/*
 * os_aside() - call @fn aside and wait for its end. All signals are blocked. It may
 * take locks, but must not use restartable sequences, and has 16 KiB of stack.
 * Return: what @fn returned; -EBUSY if another thread is at it, or what the kernel
 * said to a new thread, and then @fn was not called.
 */
MUST_CHECK int os_aside(int (*fn)(void *arg), void *arg);

#endif
