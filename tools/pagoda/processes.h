/* SPDX-License-Identifier: MIT */
/*
 * processes.h - all processes of the machine, and what the kernel says of one.
 */
#ifndef PAGODA_TOOL_PROCESSES_H
#define PAGODA_TOOL_PROCESSES_H

#include "target.h"

enum { COMM_LEN = 16 };

/*
 * for_each_process() - call @fn for each process, by id, until it returns false.
 * Return: 0 or -errno.
 */
int for_each_process(bool (*fn)(pid_t pid, void *arg), void *arg);

/* Those of which it is not known whether they run on the library. */
struct unread {
	unsigned int refused;
	unsigned int failed;
	unsigned int other_version; /* they do, but on another version */
};

/* Count a process with @status if it is one of those. */
void count_unread(struct unread *unread, enum target_status status);

/* 0 if the process has ended. */
uint64_t process_resident_bytes(pid_t pid);

/*
 * The arguments with blanks between them, and the name that the kernel has for
 * the process. Cut to the buffer, what is not printable is '?'; "" if the
 * process has ended.
 */
void process_command(pid_t pid, char *buf, size_t size);
void process_comm(pid_t pid, char buf[COMM_LEN]);

#endif
