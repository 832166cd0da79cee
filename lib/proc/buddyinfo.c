/* SPDX-License-Identifier: MIT */
/*
 * buddyinfo.c - free blocks of each order, in the shape of /proc/buddyinfo.
 */
#include "proc/proc.h"

static void show_zone(struct seq_file *m, const struct proc_snapshot *s,
		      const struct control_zone *z)
{
	(void)s;
	if (!proc_zone_populated(z))
		return;
	seq_printf(m, "Node %u, zone %8.8s ", z->node, z->name);
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		uint64_t blocks = 0;

		for (int type = 0; type < NR_MIGRATETYPES; type++)
			blocks += z->nr_free[type][order];
		seq_printf(m, "%6lu ", blocks);
	}
	seq_puts(m, "\n");
}

void buddyinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	proc_for_each_zone(m, s, show_zone);
}
