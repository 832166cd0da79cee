/* SPDX-License-Identifier: MIT */
/*
 * list.c - all processes that run on the library, one line each.
 */
#include "list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "processes.h"

/* Largest first. */
static int compare_rows(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	if (left->use.rss != right->use.rss)
		return left->use.rss < right->use.rss ? 1 : -1;
	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static void print_row(const struct process *p)
{
	printf("%7d %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %6.1f %s\n",
	       (int)p->pid, p->use.rss >> 10, p->heap >> 10, p->kept >> 10,
	       process_waste(p->heap, p->kept), p->command);
}

static void print_rows(const struct processes *ps)
{
	printf("%7s %10s %10s %10s %6s %s\n", "PID", "RSS_KB", "HEAP_KB",
	       "KEPT_KB", "WASTE%", "COMMAND");
	for (size_t i = 0; i < ps->nr; i++)
		print_row(&ps->row[i]);
}

static void report_unread(const struct unread *unread)
{
	if (unread->refused)
		complain("no permission to look at %u other processes, which "
			 "may run on Pagoda or not",
			 unread->refused);
	if (unread->other_version)
		complain("%u processes run another version of Pagoda",
			 unread->other_version);
	if (unread->failed)
		complain("%u processes could not be read, 'pagoda stat PID' "
			 "says why",
			 unread->failed);
}

enum tool_status list_processes(void)
{
	struct target *t = target_new();
	struct processes ps = { 0 };
	int err;

	if (!t)
		return TOOL_FAILED;
	err = processes_read(&ps, t);
	if (err) {
		complain("cannot list the processes: %s", strerror(-err));
	} else {
		if (ps.nr)
			qsort(ps.row, ps.nr, sizeof(ps.row[0]), compare_rows);
		print_rows(&ps);
		report_unread(&ps.unread);
	}
	free(ps.row);
	free(t);
	return err ? TOOL_FAILED : TOOL_OK;
}
