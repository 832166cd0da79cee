/* SPDX-License-Identifier: MIT */
/*
 * process.c - finds the processes that run on the library, and sums them up.
 */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- from /proc --- */

/* At most @size - 1 bytes of a file of the process, and a NUL. */
static size_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	f = fopen(path, "re");
	if (f) {
		len = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[len] = '\0';
	return len;
}

/* The arguments with blanks between them, cut to the buffer. */
static void read_command(pid_t pid, char *buf, size_t size)
{
	size_t len = read_file(pid, "cmdline", buf, size);

	while (len && !buf[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)buf[i]))
			buf[i] = buf[i] ? '?' : ' ';
}

bool process_stat(struct process *p, pid_t pid)
{
	uint64_t user, system, rss;
	char text[1024];
	char *rest;

	memset(p, 0, sizeof(*p));
	p->pid = pid;
	read_file(pid, "stat", text, sizeof(text));
	/* The name in front may contain anything, also parentheses. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %1s %*d %*d %*d %*d %*d %*u %" SCNu64
			    " %*u %" SCNu64 " %*u %" SCNu64 " %" SCNu64
			    " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
			    p->state, &p->minor_faults, &p->major_faults, &user,
			    &system, &p->started, &rss) != 7)
		return false;
	p->cpu_ticks = user + system;
	p->rss = rss * (uint64_t)sysconf(_SC_PAGESIZE);
	read_command(pid, p->command, sizeof(p->command));
	return true;
}

/* --- from the library --- */

double process_waste(uint64_t heap, uint64_t kept)
{
	uint64_t held = heap + kept;

	return held ? 100.0 * (double)kept / (double)held : 0;
}

/*
 * Memory that may be resident and that the program does not have: free pages
 * that the kernel has not got back, and the part of the slabs without objects
 * in use.
 */
static uint64_t kept_bytes(const struct proc_totals *t)
{
	uint64_t objects = proc_less(t->live, t->large + t->vmalloc_used);

	return t->free_resident + t->vmalloc_unpurged + t->pcp +
	       t->large_cached + proc_less(t->slab, objects);
}

static void sum_up(struct process *p, const struct target *t)
{
	struct proc_totals totals;

	proc_sum(&t->snapshot, &totals);
	p->heap = totals.live;
	p->kept = kept_bytes(&totals);
	for (size_t class = 0; class < NR_CLASSES; class++)
		p->refills += t->control.caches[class].refills;
}

enum target_status process_read(struct process *p, struct target *t, pid_t pid)
{
	enum target_status status = target_read(t, pid);

	if (status != TARGET_OK)
		return status;
	if (!process_stat(p, pid))
		return TARGET_NO_PROCESS;
	sum_up(p, t);
	return TARGET_OK;
}

/* --- all of them --- */

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

static bool look_at(struct processes *ps, struct target *t, pid_t pid)
{
	struct process p;

	switch (process_read(&p, t, pid)) {
	case TARGET_OK:
		return add_process(ps, &p);
	case TARGET_OTHER_VERSION:
		ps->other_version++;
		break;
	case TARGET_NO_PERMISSION:
		ps->refused++;
		break;
	case TARGET_DAMAGED:
	case TARGET_FAILED:
		ps->failed++;
		break;
	case TARGET_NO_PROCESS: /* it ended meanwhile */
	case TARGET_NO_LIBRARY:
	case TARGET_NOT_STARTED:
	case TARGET_NO_CORE:
	case TARGET_TRUNCATED:
		break;
	}
	return true;
}

static pid_t pid_of(const char *name)
{
	return isdigit((unsigned char)name[0]) ? (pid_t)atoi(name) : 0;
}

int processes_read(struct processes *ps, struct target *t)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool complete = true;

	ps->nr = 0;
	ps->refused = ps->failed = ps->other_version = 0;
	if (!folder)
		return -errno;
	while (complete && (entry = readdir(folder))) {
		pid_t pid = pid_of(entry->d_name);

		if (pid)
			complete = look_at(ps, t, pid);
	}
	closedir(folder);
	return complete ? 0 : -ENOMEM;
}
