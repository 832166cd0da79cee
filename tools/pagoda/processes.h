/* SPDX-License-Identifier: MIT */
/*
 * processes.h - a process that runs on the library in a few numbers, and all of
 * them.
 */
#ifndef PAGODA_TOOL_PROCESSES_H
#define PAGODA_TOOL_PROCESSES_H

#include "process.h"
#include "target.h"

struct process {
	pid_t pid;
	struct process_use use; /* of the whole process */
	/* In bytes. */
	uint64_t heap; /* what the library has handed out */
	uint64_t kept; /* what it has besides and what may be resident */
	uint64_t refills; /* of the CPUs' sheaves */
	char command[256]; /* with its arguments */
};

/* KEPT as a percentage of what the library holds. */
double process_waste(uint64_t heap, uint64_t kept);

/* Return: as target_read(). @p: only of use if that was TARGET_OK. */
enum target_status process_read(struct process *p, struct target *t, pid_t pid);

/*
 * for_each_process() - call @fn for each process of the machine, until it returns
 * false. Return: 0 or -errno.
 */
int for_each_process(bool (*fn)(pid_t pid, void *arg), void *arg);

/* Those of which it is not known whether they run on the library. */
struct unread {
	unsigned int refused;
	unsigned int failed;
	unsigned int other_version; /* they do, on another one */
};

/* Count a process with @status if it is one of those. */
void count_unread(struct unread *unread, enum target_status status);

struct processes {
	struct process *row;
	size_t nr;
	size_t room;
	struct unread unread;
};

/*
 * processes_read() - all that run on the library and may be looked at.
 * @ps: its rows are replaced; free(ps->row) at the end.
 * @t: for the work.
 * Return: 0 or -errno.
 */
int processes_read(struct processes *ps, struct target *t);

#endif
