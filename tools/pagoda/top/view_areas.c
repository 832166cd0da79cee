/* SPDX-License-Identifier: MIT */
/*
 * view_areas.c - the areas of requests over 1 MiB, those with pagers, and the
 * mappings of the program that are looked after: what vmallocinfo and maps
 * list.
 */
#include <math.h>
#include <stdio.h>

#include "top/views.h"

enum {
	ADDRESS,
	SIZE,
	USED,
	KIND,
	PIECES,
	FAULTS,
	FAULT_RATE,
	FILLED,
	BAR,
	NR_COLUMNS
};

static const struct column columns[NR_COLUMNS] = {
	[ADDRESS] = { "ADDRESS", 12, UNIT_ADDRESS, .key = 'a',
		      .ascending = true },
	[SIZE] = { "SIZE", 7, UNIT_BYTES, .key = 's' },
	[USED] = { "USED", 7, UNIT_BYTES, .key = 'u' },
	[KIND] = { "KIND", 8, UNIT_TEXT, .key = 'k', .ascending = true },
	[PIECES] = { "PIECES", 6, UNIT_COUNT, .key = 'p', .extra = true },
	[FAULTS] = { "FAULTS", 7, UNIT_COUNT, .key = 'f', .extra = true },
	[FAULT_RATE] = { "FAULT/S", 7, UNIT_RATE, .extra = true },
	[FILLED] = { "FILLED", 7, UNIT_BYTES, .extra = true },
	[BAR] = { "SHARE", 10, UNIT_BAR, .extra = true },
};

struct filling {
	struct table *table;
	const struct samples *samples;
};

/* NAN also for an area that was not there. */
static double fault_rate(const struct samples *s, const struct control_area *r)
{
	const struct control_block *old = &s->before->target.control;
	uint32_t nr = old->area_heads[AREAS_MM].nr;

	for (uint32_t i = 0; s->before->time > 0 && i < nr; i++) {
		const struct control_area *was = &old->areas[AREAS_MM][i];

		if (was->kind == AREA_PAGER && was->start == r->start)
			return sample_rate(s, was->faults, r->faults);
	}
	return NAN;
}

static void add_area(struct seq_file *m, const struct proc_area *area)
{
	const struct filling *f = m->private;
	const struct control_area *r = &area->record;
	bool is_pager = r->kind == AREA_PAGER;
	struct cell *row;

	if (area->zone)
		return;
	row = table_add(f->table, r->start);
	row[ADDRESS].number = (double)r->start;
	row[SIZE].number = (double)r->size;
	row[USED].number = r->kind == AREA_VMALLOC ? (double)r->used : NAN;
	row[KIND].text = proc_area_names[r->kind];
	row[PIECES].number = r->kind == AREA_VMALLOC ? r->pieces : NAN;
	row[FAULTS].number = is_pager ? (double)r->faults : NAN;
	row[FAULT_RATE].number = is_pager ? fault_rate(f->samples, r) : NAN;
	row[FILLED].number = is_pager ? (double)(r->filled * area->page_size) :
					NAN;
}

/* The bar is the part of the largest area. */
static void set_bars(struct table *t)
{
	double largest = 1;

	for (size_t i = 0; i < t->nr; i++) {
		double size = t->cells[i * NR_COLUMNS + SIZE].number;

		if (size > largest)
			largest = size;
	}
	for (size_t i = 0; i < t->nr; i++) {
		struct cell *row = t->cells + i * NR_COLUMNS;

		row[BAR].number = row[SIZE].number / largest;
	}
}

static void fill(struct table *t, const struct samples *s)
{
	const struct target *target = &s->now->target;
	struct filling f = { t, s };
	struct seq_file m = { .private = &f };
	uint32_t lost = 0;

	proc_for_each_area(&m, &target->snapshot, add_area);
	set_bars(t);
	for (int table = 0; table < NR_AREA_TABLES; table++)
		lost += target->control.area_heads[table].lost;
	if (lost)
		snprintf(t->note, sizeof(t->note),
			 "%u more areas: their tables are full", lost);
	else if (!t->nr)
		snprintf(t->note, sizeof(t->note),
			 "No request over 1 MiB, no mapping.");
}

const struct view areas_view = {
	.name = "Areas",
	.columns = columns,
	.nr_columns = NR_COLUMNS,
	.sorted = SIZE,
	.fill = fill,
};
