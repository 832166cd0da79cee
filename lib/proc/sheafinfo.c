/* SPDX-License-Identifier: MIT */
/*
 * sheafinfo.c - where the free objects of each cache are, and how often they
 * moved. active + in_slabs + in_barn + in_sheaves = num_objs, where the first
 * and the last are those of slabinfo.
 */
#include "proc/proc.h"

static void show_cache(struct seq_file *m, const struct control_cache *cache,
		       const struct proc_objects *o)
{
	seq_printf(m, "%-17.*s %8lu %8lu %8lu %8lu", CACHE_NAME_LEN,
		   cache->name, o->active, o->in_slabs, o->in_barn,
		   o->in_sheaves);
	seq_printf(m, " : exchanges %8lu %8lu", cache->refills, cache->flushes);
	seq_printf(m, " : slabs %6lu %6lu %6lu\n", cache->nr_empty_slabs,
		   cache->grown, cache->reaped);
}

void sheafinfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	seq_puts(m, "sheafinfo - version: 1.0\n"
		    "# name            <active_objs> <in_slabs> <in_barn> "
		    "<in_sheaves>"
		    " : exchanges <refills> <flushes>"
		    " : slabs <empty> <grown> <reaped>\n");
	for (size_t class = 0; class < NR_CLASSES; class++) {
		struct proc_objects o;

		if (!s->control->caches[class].name[0])
			continue;
		proc_count_objects(s, class, &o);
		show_cache(m, &s->control->caches[class], &o);
	}
}
