/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the kernel says of a process.
 */
#ifndef PAGODA_TOOL_PROCESS_H
#define PAGODA_TOOL_PROCESS_H

#include <sys/types.h>

#include "base/compiler.h"

enum { COMM_LEN = 16 };

struct process_use {
	char state[2]; /* a letter as in proc(5): R, S, T, Z ... */
	/*
	 * Clock ticks after the system. Another one may get the same id later.
	 */
	uint64_t started;
	uint64_t rss; /* bytes */
	uint64_t threads;
	/* Counted from the process's start. */
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t cpu_ms;
};

/*
 * process_read_use() - Return: false if there is no such process; then all of
 * it is 0.
 * process_parse_use() - the same from the text of its file `stat`.
 */
bool process_read_use(pid_t pid, struct process_use *ret);
bool process_parse_use(const char *stat, struct process_use *ret);

/* Is it gone, or waits only for its parent? */
bool process_has_ended(pid_t pid);

/*
 * The arguments with blanks between them, and the name that the kernel has for
 * the process. Cut to the buffer, what is not printable is '?'; "" if the
 * process has ended.
 */
void process_command(pid_t pid, char *buf, size_t size);
void process_comm(pid_t pid, char buf[COMM_LEN]);

/* The command without the folder of its program. */
const char *command_name(const char *command);

#endif
