/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the kernel says of a process. Numbers of one that is no more
 * are 0.
 */
#ifndef PAGODA_TOOL_PROCESS_H
#define PAGODA_TOOL_PROCESS_H

#include <sys/types.h>

#include "base/compiler.h"

struct process_use {
	uint64_t rss; /* bytes */
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t cpu_ms;
	uint64_t threads;
};

/* Resident bytes. */
uint64_t process_rss(pid_t pid);

void process_read_use(pid_t pid, struct process_use *ret);

/* Is it gone, or waits only for its parent? */
bool process_has_ended(pid_t pid);

/* The arguments with blanks between them, cut to the buffer. */
void process_command(pid_t pid, char *buf, size_t size);

/* The command without the folder of its program. */
const char *command_name(const char *command);

#endif
