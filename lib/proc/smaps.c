/* SPDX-License-Identifier: MIT */
/*
 * smaps.c - the same as maps, with what is known of each area, in the shape of
 * /proc/PID/smaps.
 *
 * What the library does not know has no line: what is resident of an area or a
 * mapping is between the program and the kernel.
 */
#include "proc/proc.h"

static void show_kb(struct seq_file *m, const char *key, uint64_t bytes)
{
	seq_printf(m, "%-16s%8lu kB\n", key, bytes >> 10);
}

static void show_count(struct seq_file *m, const char *key, uint64_t count)
{
	seq_printf(m, "%-16s%8lu\n", key, count);
}

/* All that is online but for what was given back, of free memory and of slabs. */
static uint64_t zone_resident(const struct control_zone *z)
{
	return proc_less(z->present, proc_less(z->free, z->free_resident) +
					     z->slab_hollow);
}

static void show_area(struct seq_file *m, const struct proc_area *area)
{
	const struct control_area *r = &area->record;

	proc_show_map(m, area);
	show_kb(m, "Size:", r->size);
	if (area->zone)
		show_kb(m, "Rss:",
			zone_resident(area->zone) * area->page_size);
	if (r->kind == AREA_VMALLOC) {
		show_kb(m, "Used:", r->used);
		show_count(m, "Pieces:", r->pieces);
		show_kb(m, "Moved:", r->moved);
	}
	if (r->kind == AREA_PAGER || r->faults) {
		show_count(m, "Faults:", r->faults);
		show_kb(m, "Filled:", r->filled);
	}
	if (r->kind == AREA_PAGER)
		seq_printf(m, "%-16s0x%lx\n", "Pager:", r->pager);
}

void smaps_show(struct seq_file *m, const struct proc_snapshot *s)
{
	proc_for_each_area(m, s, show_area);
	proc_show_unlisted(m, s, AREAS_VMALLOC);
	proc_show_unlisted(m, s, AREAS_UNPURGED);
	proc_show_unlisted(m, s, AREAS_MM);
}
