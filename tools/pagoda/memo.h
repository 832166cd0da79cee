/* SPDX-License-Identifier: MIT */
/*
 * memo.h - what was found out about processes, so that looking at them again is
 * cheap. Safe to use from several threads.
 */
#ifndef PAGODA_TOOL_MEMO_H
#define PAGODA_TOOL_MEMO_H

#include <sys/types.h>

#include "base/compiler.h"

/* Where the control block of @pid was the last time; 0: not known. */
uint64_t memo_place(pid_t pid);
void memo_set_place(pid_t pid, uint64_t address);

/*
 * memo_is_foreign() - is it sure that @pid does not run on the library?
 * @image: tells the program that it runs from others it ran or will run.
 * memo_set_foreign() - somebody looked just now, and it did not.
 */
bool memo_is_foreign(pid_t pid, uint64_t image);
void memo_set_foreign(pid_t pid, uint64_t image);

#endif
