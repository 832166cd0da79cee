/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c - where the memory is, in the shape of /proc/meminfo.
 *
 * MemTotal = MemFree + PcpFree + Slab + LargeAlloc + LargeCached + VmallocUsed +
 * VmallocFree.
 * The keys' meanings are in pagoda(1). Keys of the kernel that could never
 * move here are left out; keys that only we have come last.
 */
#include "proc/proc.h"

/* @key ends with its colon; the values end in column 24. */
static void show_kb(struct seq_file *m, const char *key, uint64_t kb)
{
	seq_printf(m, "%-16s%8lu kB\n", key, kb);
}

static void show_bytes(struct seq_file *m, const char *key, uint64_t bytes)
{
	show_kb(m, key, bytes >> 10);
}

void meminfo_show(struct seq_file *m, const struct proc_snapshot *s)
{
	const struct control_block *c = s->control;
	struct proc_totals t;

	proc_sum(s, &t);
	show_bytes(m, "MemTotal:", t.online);
	show_bytes(m, "MemFree:", t.free);
	show_bytes(m, "MemAvailable:", t.available);
	show_bytes(m, "Slab:", t.slab);
	show_bytes(m, "SReclaimable:", t.slab_reclaimable);
	/* From rounded values, so that the two lines add up. */
	show_kb(m, "SUnreclaim:",
		(t.slab >> 10) - (t.slab_reclaimable >> 10));
	show_bytes(m, "PageTables:", c->metadata_bytes);
	show_bytes(m, "Committed_AS:", t.live);
	show_bytes(m, "VmallocTotal:",
		   proc_less(c->vmalloc.end, c->vmalloc.start));
	show_bytes(m, "VmallocUsed:", t.vmalloc_used);
	show_bytes(m, "VmallocChunk:", c->vmalloc.largest_free);
	show_bytes(m, "Percpu:", t.sheaves);
	show_bytes(m, "PcpFree:", t.pcp);
	show_bytes(m, "LargeAlloc:", t.large);
	show_bytes(m, "LargeCached:", t.large_cached);
	show_bytes(m, "VmallocFree:", t.vmalloc_free);
	show_bytes(m, "FreeResident:", t.free_resident + t.vmalloc_unpurged);
	show_bytes(m, "SlabHollow:", t.slab_hollow);
	show_bytes(m, "BootUsed:", c->boot_used);
}
