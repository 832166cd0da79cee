/* SPDX-License-Identifier: MIT */
/*
 * zoneinfo.c - pages and watermarks of each zone, in the shape of
 * /proc/zoneinfo.
 *
 * managed = nr_free_pages + nr_pcp_pages + nr_slab_pages + nr_large_pages.
 * What could never move here is left out: parsers go by names.
 */
#include "proc/proc.h"

static void show_item(struct seq_file *m, const char *name, uint64_t pages)
{
	seq_printf(m, "\n        %-8s %lu", name, pages);
}

static void show_counter(struct seq_file *m, const char *name, uint64_t pages)
{
	seq_printf(m, "\n      %-12s %lu", name, pages);
}

static void show_protection(struct seq_file *m, const struct control_zone *z)
{
	seq_puts(m, "\n        protection: (");
	for (int zone = 0; zone < NR_ZONES; zone++)
		seq_printf(m, "%s%lu", zone ? ", " : "",
			   z->lowmem_reserve[zone]);
	seq_puts(m, ")");
}

static void show_zone(struct seq_file *m, const struct proc_snapshot *s,
		      const struct control_zone *z)
{
	(void)s;
	seq_printf(m, "Node %u, zone %8.8s", z->node, z->name);
	seq_printf(m, "\n  pages free     %lu", z->free);
	show_item(m, "min", z->wmark[0]);
	show_item(m, "low", z->wmark[1]);
	show_item(m, "high", z->wmark[2]);
	show_item(m, "spanned", z->spanned);
	show_item(m, "present", z->present);
	show_item(m, "managed", z->managed);
	show_protection(m, z);
	if (proc_zone_populated(z)) {
		show_counter(m, "nr_free_pages", z->free);
		show_counter(m, "nr_free_resident", z->free_resident);
		show_counter(m, "nr_pcp_pages", z->pcp);
		show_counter(m, "nr_slab_pages", z->slab);
		show_counter(m, "nr_slab_hollow", z->slab_hollow);
		show_counter(m, "nr_large_pages", z->large);
		seq_printf(m, "\n  start_pfn:           %lu", z->start_pfn);
	}
	seq_puts(m, "\n");
}

void zoneinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	proc_for_each_zone(m, s, show_zone);
}
