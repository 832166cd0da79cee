/* SPDX-License-Identifier: MIT */
/*
 * list.c - all processes that run on the library, one line each.
 */
#include "list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "processes.h"
#include "show.h"

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
	row->rss_kb = process_resident_bytes(t->memory.pid) >> 10;
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

struct listing {
	struct target *target; /* the one that is looked at */
	struct rows rows;
	struct unread unread;
	bool complete;
};

static bool look_at(pid_t pid, void *arg)
{
	struct listing *l = arg;
	enum target_status status = target_read(l->target, pid);

	if (status == TARGET_OK)
		l->complete = add_row(&l->rows, l->target);
	else if (status == TARGET_OTHER_VERSION)
		complain("process %d runs another version of Pagoda", (int)pid);
	count_unread(&l->unread, status);
	return l->complete;
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

static enum tool_status list_with(struct target *t)
{
	struct listing l = { .target = t, .complete = true };
	int err = for_each_process(look_at, &l);

	if (err) {
		complain("cannot list the processes: %s", strerror(-err));
	} else if (!l.complete) {
		complain("out of memory");
	} else {
		if (l.rows.nr)
			qsort(l.rows.row, l.rows.nr, sizeof(l.rows.row[0]),
			      compare_rows);
		print_rows(&l.rows);
		report_unread(&l.unread);
	}
	free(l.rows.row);
	return !err && l.complete ? TOOL_OK : TOOL_FAILED;
}

enum tool_status list_processes(void)
{
	struct target *t = aligned_alloc(_Alignof(struct target), sizeof(*t));
	enum tool_status status;

	if (!t) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	status = list_with(t);
	free(t);
	return status;
}
