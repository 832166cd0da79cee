/* SPDX-License-Identifier: MIT */
/*
 * openmetrics.h - the numbers of processes as text for Prometheus and others.
 */
#ifndef PAGODA_TOOL_OPENMETRICS_H
#define PAGODA_TOOL_OPENMETRICS_H

#include <stdio.h>

#include "processes.h"

enum metrics_form {
	METRICS_OPENMETRICS, /* 1.0 */
	METRICS_PROMETHEUS, /* text format 0.0.4, which is older */
};

struct metrics_process {
	const struct proc_snapshot *snapshot;
	struct proc_totals totals; /* of the snapshot: proc_sum() */
	/* Labels of its numbers; 0: it is the only one and needs none. */
	pid_t pid;
	char comm[COMM_LEN];
	uint64_t resident; /* bytes, of all of the process; with a pid only */
};

struct metrics {
	enum metrics_form form;
	const struct metrics_process *processes;
	size_t nr_processes;
	const struct unread *unread; /* NULL: it was not looked for others */
};

/*
 * metrics_are_distinct() - has each number of the process labels of its own? What is
 * not is no OpenMetrics, and would make all of the text useless. Programs cannot
 * make two caches of one name; damaged ones have them.
 */
bool metrics_are_distinct(const struct control_block *c);

void print_metrics(FILE *out, const struct metrics *m);

#endif
