/* SPDX-License-Identifier: MIT */
/*
 * pagetypeinfo.c - free blocks by mobility and the number of page blocks of
 * each type, in the shape of /proc/pagetypeinfo.
 */
#include "proc/proc.h"

static const char *const type_names[NR_MIGRATETYPES] = {
	[MIGRATE_UNMOVABLE] = "Unmovable",
	[MIGRATE_MOVABLE] = "Movable",
	[MIGRATE_RECLAIMABLE] = "Reclaimable",
};

static void show_free(struct seq_file *m, const struct proc_snapshot *s,
		      const struct control_zone *z)
{
	(void)s;
	if (!proc_zone_populated(z))
		return;
	for (int type = 0; type < NR_MIGRATETYPES; type++) {
		seq_printf(m, "Node %4u, zone %8.8s, type %12s ", z->node,
			   z->name, type_names[type]);
		for (int order = 0; order < NR_PAGE_ORDERS; order++)
			seq_printf(m, "%6lu ", z->nr_free[type][order]);
		seq_puts(m, "\n");
	}
}

static void show_blocks(struct seq_file *m, const struct proc_snapshot *s,
			const struct control_zone *z)
{
	(void)s;
	if (!proc_zone_populated(z))
		return;
	seq_printf(m, "Node %u, zone %8.8s ", z->node, z->name);
	for (int type = 0; type < NR_MIGRATETYPES; type++)
		seq_printf(m, "%12lu ", z->nr_pageblocks[type]);
	seq_puts(m, "\n");
}

void pagetypeinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	/* While blocks are not grouped yet they still are of this size. */
	uint32_t order = s->control->pageblock_order ?
				 s->control->pageblock_order : PAGEBLOCK_ORDER;

	seq_printf(m, "Page block order: %u\n", order);
	seq_printf(m, "Pages per block:  %lu\n\n", 1ul << order);
	seq_printf(m, "%-43s ", "Free pages count per migrate type at order");
	for (int k = 0; k < NR_PAGE_ORDERS; k++)
		seq_printf(m, "%6d ", k);
	seq_puts(m, "\n");
	proc_for_each_zone(m, s, show_free);
	seq_printf(m, "\n%-23s", "Number of blocks type ");
	for (int type = 0; type < NR_MIGRATETYPES; type++)
		seq_printf(m, "%12s ", type_names[type]);
	seq_puts(m, "\n");
	proc_for_each_zone(m, s, show_blocks);
}
