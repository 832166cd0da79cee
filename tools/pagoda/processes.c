/* SPDX-License-Identifier: MIT */
/*
 * processes.c - see processes.h.
 */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "show.h"

/* --- one --- */

double process_waste(uint64_t heap, uint64_t kept)
{
	uint64_t held = heap + kept;

	return held ? 100.0 * (double)kept / (double)held : 0;
}

static void sum_up(struct process *p, const struct target *t)
{
	struct proc_totals sums;

	proc_sum(&t->snapshot, &sums);
	p->heap = sums.live;
	p->kept = kept_bytes(&sums);
	p->refills = 0;
	for (size_t class = 0; class < NR_CLASSES; class++)
		p->refills += t->control.caches[class].refills;
}

enum target_status process_read(struct process *p, struct target *t, pid_t pid)
{
	enum target_status status = target_read(t, pid);

	if (status != TARGET_OK)
		return status;
	if (!process_read_use(pid, &p->use))
		return TARGET_NO_PROCESS;
	p->pid = pid;
	process_command(pid, p->command, sizeof(p->command));
	sum_up(p, t);
	return TARGET_OK;
}

/* --- all of them --- */

static pid_t pid_of(const char *name)
{
	return isdigit((unsigned char)name[0]) ? (pid_t)atoi(name) : 0;
}

int for_each_process(bool (*fn)(pid_t pid, void *arg), void *arg)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool goes_on = true;

	if (!folder)
		return -errno;
	while (goes_on && (entry = readdir(folder))) {
		pid_t pid = pid_of(entry->d_name);

		if (pid)
			goes_on = fn(pid, arg);
	}
	closedir(folder);
	return 0;
}

static bool add_process(struct processes *ps, const struct process *p)
{
	if (ps->nr == ps->room) {
		size_t room = max_size(2 * ps->room, 16);
		struct process *row = reallocarray(ps->row, room, sizeof(*row));

		if (!row)
			return false;
		ps->row = row;
		ps->room = room;
	}
	ps->row[ps->nr++] = *p;
	return true;
}

void count_unread(struct unread *unread, enum target_status status)
{
	switch (status) {
	case TARGET_OTHER_VERSION:
		unread->other_version++;
		break;
	case TARGET_NO_PERMISSION:
		unread->refused++;
		break;
	case TARGET_DAMAGED:
	case TARGET_FAILED:
		unread->failed++;
		break;
	case TARGET_OK:
	case TARGET_NO_PROCESS: /* it ended meanwhile */
	case TARGET_NO_LIBRARY:
	case TARGET_NOT_STARTED:
	case TARGET_NO_CORE:
	case TARGET_TRUNCATED:
		break;
	}
}

struct listing {
	struct processes *processes;
	struct target *target; /* the one that is looked at */
	bool complete;
};

static bool look_at(pid_t pid, void *arg)
{
	struct listing *l = arg;
	struct process p;
	enum target_status status = process_read(&p, l->target, pid);

	if (status == TARGET_OK)
		l->complete = add_process(l->processes, &p);
	count_unread(&l->processes->unread, status);
	return l->complete;
}

int processes_read(struct processes *ps, struct target *t)
{
	struct listing l = { ps, t, .complete = true };
	int err;

	ps->nr = 0;
	ps->unread = (struct unread){ 0 };
	err = for_each_process(look_at, &l);
	return l.complete ? err : -ENOMEM;
}
