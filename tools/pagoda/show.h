/* SPDX-License-Identifier: MIT */
/*
 * show.h - the forms in which "pagoda stat" prints what it read.
 */
#ifndef PAGODA_TOOL_SHOW_H
#define PAGODA_TOOL_SHOW_H

#include <stdio.h>

#include "proc/proc.h"

/* One file as the kernel writes it. */
void show_proc_file(const struct proc_snapshot *s, const struct proc_file *file,
		    FILE *out);

/* The files of these names, which exist; all of them if there are none. */
void show_text(const struct proc_snapshot *s, char **names, int nr_names);
void show_json(const struct proc_snapshot *s, char **names, int nr_names);

/* All numbers, in the text format of OpenMetrics. */
void show_openmetrics(const struct proc_snapshot *s);

/* The sums of proc_sum(), for all forms that do not print a kernel's file. */
struct total {
	const char *name; /* ends in its unit */
	size_t offset; /* in struct proc_totals */
	const char *doc;
};

enum { NR_TOTALS = 15 };
extern const struct total totals[NR_TOTALS];
extern const char *const mode_names[NR_CONTROL_MODES];
extern const char *const event_names[NR_VM_EVENTS];

static inline uint64_t total_value(const struct proc_totals *t,
				   const struct total *total)
{
	return *(const uint64_t *)(const void *)((const char *)t +
						 total->offset);
}

static inline void set_total(struct proc_totals *t, const struct total *total,
			     uint64_t value)
{
	*(uint64_t *)(void *)((char *)t + total->offset) = value;
}

/*
 * Memory that may be resident and that the program does not have: free pages
 * that the kernel has not got back, and the part of the slabs without objects
 * in use.
 */
uint64_t kept_bytes(const struct proc_totals *t);

/* The sum of an event's counters. */
static inline uint64_t event_count(const struct control_block *c,
				   enum vm_event event)
{
	uint64_t n = 0;

	for (int stripe = 0; stripe < EVENT_STRIPES; stripe++)
		n += c->events[stripe][event];
	return n;
}

static inline uint64_t free_blocks(const struct control_zone *z, int order)
{
	uint64_t n = 0;

	for (int type = 0; type < NR_MIGRATETYPES; type++)
		n += z->nr_free[type][order];
	return n;
}

#endif
