/* SPDX-License-Identifier: MIT */
/*
 * view_processes.c - every process that runs on the library.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "top/views.h"

enum {
	PID,
	RSS,
	HEAP,
	KEPT,
	WASTE,
	FAULTS,
	CPU,
	STATE,
	REFILLS,
	COMMAND,
	NR_COLUMNS
};

static const struct column columns[NR_COLUMNS] = {
	[PID] = { "PID", 7, UNIT_COUNT, .key = 'p', .ascending = true },
	[RSS] = { "RSS", 7, UNIT_BYTES, .key = 'm' },
	[HEAP] = { "HEAP", 7, UNIT_BYTES, .key = 'e' },
	[KEPT] = { "KEPT", 7, UNIT_BYTES, .key = 'k', .extra = true },
	[WASTE] = { "WASTE%", 6, UNIT_PERCENT, .key = 'w', .extra = true },
	[FAULTS] = { "FAULT/S", 7, UNIT_RATE, .key = 'f', .extra = true },
	[CPU] = { "CPU%", 5, UNIT_PERCENT, .key = 'c', .extra = true },
	[STATE] = { "S", 1, UNIT_TEXT, .extra = true },
	[REFILLS] = { "REFIL/S", 7, UNIT_RATE, .extra = true },
	[COMMAND] = { "COMMAND", 24, UNIT_TEXT, .key = 'n', .ascending = true },
};

static void fill_process(struct cell *row, const struct list_samples *s,
			 const struct process *p)
{
	const struct process *old = process_before(s, p);
	double before = old ? s->before.time : 0, now = s->now.time;

	row[PID].number = p->pid;
	row[RSS].number = (double)p->use.rss;
	row[HEAP].number = (double)p->heap;
	row[KEPT].number = (double)p->kept;
	row[WASTE].number = process_waste(p->heap, p->kept);
	row[FAULTS].number = NAN;
	row[REFILLS].number = NAN;
	row[CPU].number = NAN;
	if (old) {
		row[FAULTS].number = rate_between(
			before, now,
			old->use.minor_faults + old->use.major_faults,
			p->use.minor_faults + p->use.major_faults);
		row[REFILLS].number =
			rate_between(before, now, old->refills, p->refills);
		row[CPU].number = cpu_percent(rate_between(
			before, now, old->use.cpu_ms, p->use.cpu_ms));
	}
	row[STATE].text = p->use.state;
	row[COMMAND].text = p->command;
}

/* How many processes are missing in the list, and why. */
static void note(struct table *t, unsigned int nr, const char *why)
{
	size_t len = strlen(t->note);

	if (nr)
		snprintf(t->note + len, sizeof(t->note) - len, "%s%u %s",
			 len ? ", " : "Not listed: ", nr, why);
}

void fill_processes(struct table *t, const struct list_samples *s)
{
	const struct processes *ps = &s->now.processes;

	for (size_t i = 0; i < ps->nr; i++)
		fill_process(table_add(t, (uint64_t)ps->row[i].pid), s,
			     &ps->row[i]);
	note(t, ps->unread.refused, "may not be looked at");
	note(t, ps->unread.failed, "could not be read");
	note(t, ps->unread.other_version, "on another version");
	if (!ps->nr && !t->note[0])
		snprintf(t->note, sizeof(t->note),
			 "No process runs on Pagoda: try 'pagoda run PROGRAM'");
}

const struct view processes_view = {
	.name = "Processes",
	.columns = columns,
	.nr_columns = NR_COLUMNS,
	.sorted = RSS,
};
