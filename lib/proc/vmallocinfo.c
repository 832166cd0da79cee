/* SPDX-License-Identifier: MIT */
/*
 * vmallocinfo.c - areas of VMALLOC space, in the shape of /proc/vmallocinfo:
 * live ones with the pages in use (the size counts the room to grow, too), and
 * freed ones that still hold memory.
 */
#include "proc/proc.h"

static void show_area(struct seq_file *m, const struct proc_area *area)
{
	const struct control_area *r = &area->record;
	uint64_t pages = r->used / area->page_size;

	if (r->kind != AREA_VMALLOC && r->kind != AREA_UNPURGED)
		return;
	seq_printf(m, "0x%016lx-0x%016lx %7lu ", r->start, r->start + r->size,
		   r->size);
	if (r->kind == AREA_VMALLOC)
		seq_printf(m, "pages=%lu vmalloc N0=%lu\n", pages, pages);
	else
		seq_puts(m, "unpurged vm_area\n");
}

void vmallocinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	proc_for_each_area(m, s, show_area);
	proc_show_unlisted(m, s, AREAS_VMALLOC);
	proc_show_unlisted(m, s, AREAS_UNPURGED);
}
