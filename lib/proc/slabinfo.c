/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.c - objects and slabs of each cache, in the shape of /proc/slabinfo
 * version 2.1.
 *
 * Exactly its 16 fields: some parsers refuse a line with more, so what the
 * sheaves do is in a file of its own (sheafinfo). "limit" and "batchcount" are
 * those of a CPU's sheaf, "sharedavail" counts the objects in the barn.
 */
#include "proc/proc.h"

static void show_cache(struct seq_file *m, const struct control_cache *cache,
		       const struct proc_objects *o)
{
	seq_printf(m, "%-17.*s %6lu %6lu %6u %4u %4lu", CACHE_NAME_LEN,
		   cache->name, o->active, o->total, cache->size,
		   cache->objs_per_slab, 1ul << cache->slab_order);
	seq_printf(m, " : tunables %4u %4u %4u", cache->sheaf_limit,
		   cache->batch, 0);
	seq_printf(m, " : slabdata %6lu %6lu %6lu\n",
		   proc_less(cache->nr_slabs, cache->nr_empty_slabs),
		   cache->nr_slabs, o->in_barn);
}

void slabinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	seq_puts(m, "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab>"
		    " : tunables <limit> <batchcount> <sharedfactor>"
		    " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (size_t class = 0; class < NR_CLASSES; class++) {
		struct proc_objects o;

		/* Caches of page blocks have no slabs. */
		if (!s->control->caches[class].objs_per_slab)
			continue;
		proc_count_objects(s, class, &o);
		show_cache(m, &s->control->caches[class], &o);
	}
}
