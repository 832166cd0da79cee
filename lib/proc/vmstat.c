/* SPDX-License-Identifier: MIT */
/*
 * vmstat.c - gauges, then event counters, one "name value" per line as in
 * /proc/vmstat. Gauges are in pages and may fall; events only grow.
 */
#include "proc/proc.h"

static const char *const event_names[NR_VM_EVENTS] = {
#define VM_EVENT(id, name, doc) [id] = name,
#include "base/vmstat.def"
#undef VM_EVENT
};

static void show_value(struct seq_file *m, const char *name, uint64_t value)
{
	seq_printf(m, "%s %lu\n", name, value);
}

static void show_gauges(struct seq_file *m, const struct proc_snapshot *s)
{
	uint64_t page_size = s->control->page_size ? s->control->page_size : 1;
	struct proc_totals t;

	proc_sum(s, &t);
	show_value(m, "nr_free_pages", t.free / page_size);
	show_value(m, "nr_free_resident", t.free_resident / page_size);
	show_value(m, "nr_pcp_pages", t.pcp / page_size);
	show_value(m, "nr_slab_reclaimable", t.slab_reclaimable / page_size);
	/* From rounded values, so that the two lines add up. */
	show_value(m, "nr_slab_unreclaimable",
		   t.slab / page_size - t.slab_reclaimable / page_size);
	show_value(m, "nr_slab_hollow", t.slab_hollow / page_size);
	show_value(m, "nr_large_pages", t.large / page_size);
	show_value(m, "nr_vmalloc_pages", t.vmalloc_used / page_size);
	show_value(m, "nr_vmalloc_unpurged", t.vmalloc_unpurged / page_size);
	show_value(m, "nr_vmalloc_areas", t.vmalloc_areas);
	show_value(m, "nr_page_table_pages",
		   s->control->metadata_bytes / page_size);
}

static uint64_t sum_event(const struct control_block *c, int event)
{
	uint64_t n = 0;

	for (int stripe = 0; stripe < EVENT_STRIPES; stripe++)
		n += c->events[stripe][event];
	return n;
}

void vmstat_show(struct seq_file *m, const struct proc_snapshot *s)
{
	show_gauges(m, s);
	for (int event = 0; event < NR_VM_EVENTS; event++)
		show_value(m, event_names[event],
			   sum_event(s->control, event));
}
