/* SPDX-License-Identifier: MIT */
/*
 * list.c - all processes that run on the library, one line each.
 */
#include "list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "show.h"
#include "target.h"

struct row {
	pid_t pid;
	uint64_t rss_kb;
	uint64_t heap_kb;
	uint64_t kept_kb;
	char command[256];
};

struct rows {
	struct row *row;
	size_t nr;
	size_t room;
};

static bool add_row(struct rows *rows, const struct target *t)
{
	struct proc_totals sums;
	struct row *row;

	if (rows->nr == rows->room) {
		size_t room = max_size(2 * rows->room, 16);

		row = reallocarray(rows->row, room, sizeof(*row));
		if (!row)
			return false;
		rows->row = row;
		rows->room = room;
	}
	proc_sum(&t->snapshot, &sums);
	row = &rows->row[rows->nr++];
	row->pid = t->memory.pid;
	row->rss_kb = process_rss(t->memory.pid) >> 10;
	row->heap_kb = sums.live >> 10;
	row->kept_kb = kept_bytes(&sums) >> 10;
	process_command(t->memory.pid, row->command, sizeof(row->command));
	return true;
}

/* Largest first. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->rss_kb != right->rss_kb)
		return left->rss_kb < right->rss_kb ? 1 : -1;
	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static void print_row(const struct row *row)
{
	uint64_t held = row->heap_kb + row->kept_kb;
	double waste = held ? 100.0 * (double)row->kept_kb / (double)held : 0;

	printf("%7d %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %6.1f %s\n",
	       (int)row->pid, row->rss_kb, row->heap_kb, row->kept_kb, waste,
	       row->command);
}

static void print_rows(const struct rows *rows)
{
	printf("%7s %10s %10s %10s %6s %s\n", "PID", "RSS_KB", "HEAP_KB",
	       "KEPT_KB", "WASTE%", "COMMAND");
	for (size_t i = 0; i < rows->nr; i++)
		print_row(&rows->row[i]);
}

static pid_t pid_of(const char *name)
{
	return isdigit((unsigned char)name[0]) ? (pid_t)atoi(name) : 0;
}

/* Those of which it is not known whether they run on the library. */
struct unread {
	unsigned int refused;
	unsigned int failed;
};

static bool look_at(pid_t pid, struct target *t, struct rows *rows,
		    struct unread *unread)
{
	switch (target_read(t, pid)) {
	case TARGET_OK:
		return add_row(rows, t);
	case TARGET_OTHER_VERSION:
		complain("process %d runs another version of Pagoda",
			 (int)pid);
		break;
	case TARGET_NO_PERMISSION:
		unread->refused++;
		break;
	case TARGET_DAMAGED:
	case TARGET_FAILED:
		unread->failed++;
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

static void report_unread(const struct unread *unread)
{
	if (unread->refused)
		complain("no permission to look at %u other processes, which "
			 "may run on Pagoda or not",
			 unread->refused);
	if (unread->failed)
		complain("%u processes could not be read, 'pagoda stat PID' "
			 "says why",
			 unread->failed);
}

static enum tool_status list_folder(DIR *folder, struct target *t)
{
	struct rows rows = { 0 };
	struct unread unread = { 0 };
	struct dirent *entry;
	bool complete = true;

	while (complete && (entry = readdir(folder))) {
		pid_t pid = pid_of(entry->d_name);

		if (pid)
			complete = look_at(pid, t, &rows, &unread);
	}
	if (complete) {
		if (rows.nr)
			qsort(rows.row, rows.nr, sizeof(rows.row[0]),
			      compare_rows);
		print_rows(&rows);
		report_unread(&unread);
	} else {
		complain("out of memory");
	}
	free(rows.row);
	return complete ? TOOL_OK : TOOL_FAILED;
}

enum tool_status list_processes(void)
{
	DIR *folder = opendir("/proc");
	struct target *t = aligned_alloc(_Alignof(struct target), sizeof(*t));
	enum tool_status status = TOOL_FAILED;

	if (folder && t)
		status = list_folder(folder, t);
	else
		complain("cannot list the processes: %s", strerror(errno));
	free(t);
	if (folder)
		closedir(folder);
	return status;
}
