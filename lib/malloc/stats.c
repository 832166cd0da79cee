/* SPDX-License-Identifier: MIT */
/*
 * stats.c - libc's ways to ask a malloc about itself, with our numbers:
 * mallinfo, malloc_stats, malloc_info, mallopt, malloc_trim; and the stats file
 * at exit.
 */
#include <malloc.h>
#include <stdio.h>

#include "base/format.h"
#include "base/host.h"
#include "base/params.h"
#include "malloc/internal.h"
#include "proc/proc.h"
#include "proc/stats_file.h"

void stats_at_exit(void)
{
	if (params.stats[0])
		stats_file_write_last(params.stats);
}

static void sum_up(struct proc_totals *t)
{
	struct proc_snapshot s;

	proc_snapshot_self(&s);
	proc_sum(&s, t);
}

/*
 * glibc's fields: arena is what was obtained but for "mmapped" blocks, which
 * are ours of VMALLOC space; keepcost what malloc_trim could give back.
 */
EXPORT struct mallinfo2 mallinfo2(void)
{
	struct mallinfo2 mi = { 0 };
	struct proc_totals t;

	if (!malloc_is_up())
		return mi;
	sum_up(&t);
	mi.arena = t.online - t.vmalloc_used - t.vmalloc_free;
	mi.ordblks = 1;
	mi.hblks = t.vmalloc_areas;
	mi.hblkhd = t.vmalloc_used;
	mi.uordblks = t.live - t.vmalloc_used;
	mi.fordblks = proc_less(mi.arena, mi.uordblks);
	mi.keepcost = t.free_resident;
	return mi;
}

EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 mi = mallinfo2();

	/* The old interface has ints, and its callers know that they wrap. */
	return (struct mallinfo){
		.arena = (int)mi.arena,
		.ordblks = (int)mi.ordblks,
		.hblks = (int)mi.hblks,
		.hblkhd = (int)mi.hblkhd,
		.uordblks = (int)mi.uordblks,
		.fordblks = (int)mi.fordblks,
		.keepcost = (int)mi.keepcost,
	};
}

static void to_stderr(struct seq_file *m)
{
	host_write_stderr(m->buf, m->len);
}

EXPORT void malloc_stats(void)
{
	struct proc_snapshot s;
	char buf[1024];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = to_stderr,
	};

	if (!malloc_is_up())
		return;
	proc_snapshot_self(&s);
	proc_find("meminfo")->show(&m, &s);
	to_stderr(&m);
}

static void to_stream(struct seq_file *m)
{
	fwrite(m->buf, 1, m->len, m->private);
}

static void show_sizes(struct seq_file *m, const struct proc_snapshot *s)
{
	seq_puts(m, "<sizes>\n");
	for (size_t class = 1; class < NR_CLASSES; class++) {
		const struct control_cache *c = &control.caches[class];
		struct proc_objects o;

		if (!c->nr_slabs)
			continue;
		proc_count_objects(s, class, &o);
		seq_printf(m,
			   "<size from=\"%u\" to=\"%u\" total=\"%lu\" count=\"%lu\"/>\n",
			   c->size, c->size, (o.total - o.active) * c->size,
			   o.total - o.active);
	}
	seq_puts(m, "</sizes>\n");
}

EXPORT int malloc_info(int options, FILE *stream)
{
	struct proc_snapshot s;
	struct proc_totals t;
	char buf[1024];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = to_stream,
		.private = stream,
	};

	if (options)
		return EINVAL;
	proc_snapshot_self(&s);
	proc_sum(&s, &t);
	seq_puts(&m, "<malloc version=\"1\">\n<heap nr=\"0\">\n");
	show_sizes(&m, &s);
	seq_printf(&m, "<system type=\"current\" size=\"%lu\"/>\n", t.online);
	seq_puts(&m, "</heap>\n");
	seq_printf(&m, "<total type=\"fast\" count=\"0\" size=\"%lu\"/>\n",
		   t.sheaves);
	seq_printf(&m, "<total type=\"rest\" count=\"0\" size=\"%lu\"/>\n",
		   t.available);
	seq_printf(&m, "<total type=\"mmap\" count=\"%lu\" size=\"%lu\"/>\n",
		   t.vmalloc_areas, t.vmalloc_used);
	seq_printf(&m, "<system type=\"current\" size=\"%lu\"/>\n", t.online);
	seq_printf(&m, "<aspace type=\"total\" size=\"%lu\"/>\n",
		   control.span_bytes);
	seq_puts(&m, "</malloc>\n");
	to_stream(&m);
	return 0;
}

/* Tunables of glibc's own design: accepted, for there is nothing to refuse. */
EXPORT int mallopt(int param, int value)
{
	(void)param;
	(void)value;
	return 1;
}

EXPORT int malloc_trim(size_t pad)
{
	(void)pad;
	if (!malloc_is_up())
		return 0;
	shrink_all();
	return trim_all();
}
