/* SPDX-License-Identifier: MIT */
/*
 * process.h - a process that runs on the library in a few numbers, and all of
 * them.
 */
#ifndef PAGODA_TOOL_PROCESS_H
#define PAGODA_TOOL_PROCESS_H

#include "target.h"

struct process {
	pid_t pid;
	char state[2]; /* a letter as in proc(5): R, S, T, Z ... */
	uint64_t started; /* another one may get the same id later */
	/* What the kernel counts, from the process's start. */
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t cpu_ticks; /* sysconf(_SC_CLK_TCK) a second */
	/* In bytes. */
	uint64_t rss; /* of the whole process */
	uint64_t heap; /* what the library has handed out */
	uint64_t kept; /* what it has besides and what may be resident */
	uint64_t refills; /* of the CPUs' sheaves */
	char command[256]; /* with its arguments */
};

/* KEPT as a percentage of what the library holds. */
double process_waste(uint64_t heap, uint64_t kept);

/* What the kernel knows of @pid. Return: false if there is none. */
bool process_stat(struct process *p, pid_t pid);

/* process_stat() and target_read(). @p: only of use if that was TARGET_OK. */
enum target_status process_read(struct process *p, struct target *t, pid_t pid);

struct processes {
	struct process *row;
	size_t nr;
	size_t room;
	/* Those of which it is not known whether they run on the library. */
	unsigned int refused;
	unsigned int failed;
	unsigned int other_version; /* they do, on another one */
};

/*
 * processes_read() - all that run on the library and may be looked at.
 * @ps: its rows are replaced; free(ps->row) at the end.
 * @t: for the work.
 * Return: 0 or -errno.
 */
int processes_read(struct processes *ps, struct target *t);

#endif
