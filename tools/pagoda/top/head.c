/* SPDX-License-Identifier: MIT */
/*
 * head.c - the lines above the view.
 */
#include "top/head.h"

#include <time.h>

#include "show.h"
#include "top/number.h"

enum { BAR_MOST = 100 };

static void put_clock(struct output *o)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[16] = "";

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	put(o, STYLE_BOLD, "pagoda top");
	put(o, STYLE_PLAIN, " %s  ", text);
}

/* A name, a number and its unit, in running text. */
static void put_rate(struct output *o, const char *name, double rate)
{
	char buf[NUMBER_LEN];

	put(o, STYLE_PLAIN, "  %s ", name);
	put(o, STYLE_BOLD, "%s", format_number(buf, UNIT_RATE, 8, rate));
}

static void put_bytes(struct output *o, const char *name, uint64_t bytes)
{
	char buf[NUMBER_LEN];

	put(o, STYLE_PLAIN, "%s ", name);
	put(o, STYLE_BOLD, "%s", format_bytes(buf, bytes));
	put(o, STYLE_PLAIN, "  ");
}

static void put_sums(struct output *o, uint64_t rss, uint64_t heap,
		     uint64_t kept)
{
	put_bytes(o, "RSS", rss);
	put_bytes(o, "heap", heap);
	put_bytes(o, "kept", kept);
	put(o, STYLE_PLAIN, "waste ");
	put(o, STYLE_BOLD, "%.1f%%", process_waste(heap, kept));
}

/* --- one process --- */

static void show_memory(struct output *o, const struct samples *s)
{
	const struct process *p = &s->now->process;
	double cpu = cpu_percent(
		sample_rate(s, s->before->process.use.cpu_ms, p->use.cpu_ms));
	char buf[NUMBER_LEN];

	put_sums(o, p->use.rss, p->heap, p->kept);
	put(o, STYLE_PLAIN, "  CPU ");
	put(o, STYLE_BOLD, "%s", format_number(buf, UNIT_PERCENT, 6, cpu));
	end_line(o);
}

static void show_bar(struct output *o, const struct samples *s)
{
	char all[NUMBER_LEN], live[NUMBER_LEN], label[2 * NUMBER_LEN];
	const struct process *p = &s->now->process;
	struct proc_totals sums;
	double online;

	proc_sum(&s->now->target.snapshot, &sums);
	online = (double)max_size(sums.online, 1);
	snprintf(label, sizeof(label), "%s/%s",
		 format_bytes(live, p->heap + p->kept),
		 format_bytes(all, sums.online));
	put(o, STYLE_PLAIN, "heap");
	put_bar(o, o->width - 4 < BAR_MOST ? o->width - 4 : BAR_MOST,
		(struct part[]){
			{ (double)p->heap / online, '|', STYLE_USED },
			{ (double)p->kept / online, ':', STYLE_KEPT },
		},
		2, label);
	end_line(o);
}

static void show_rates(struct output *o, const struct samples *s)
{
	const struct control_block *now = &s->now->target.control;
	const struct control_block *old = &s->before->target.control;
	const struct process_use *use = &s->now->process.use;
	const struct process_use *was = &s->before->process.use;
	struct cache_sums sums, old_sums;

	sum_caches(now, &sums);
	sum_caches(old, &old_sums);
	put(o, STYLE_PLAIN, "per s:");
	put_rate(o, "faults",
		 sample_rate(s, was->minor_faults + was->major_faults,
			     use->minor_faults + use->major_faults));
	put_rate(o, "pager",
		 sample_rate(s, event_count(old, PGMAJFAULT),
			     event_count(now, PGMAJFAULT)));
	put_rate(o, "refills", sample_rate(s, old_sums.refills, sums.refills));
	put_rate(o, "slabs", sample_rate(s, old_sums.grown, sums.grown));
	put_rate(o, "large",
		 sample_rate(s, event_count(old, LARGE_ALLOC),
			     event_count(now, LARGE_ALLOC)));
	put_rate(o, "purged",
		 sample_rate(s, event_count(old, PGPURGE),
			     event_count(now, PGPURGE)));
	end_line(o);
}

void show_process_head(struct output *o, const struct samples *s,
		       const char *trouble, bool brief)
{
	const struct process *p = &s->now->process;

	put_clock(o);
	if (trouble)
		put(o, STYLE_BAD, "process %d %s", (int)p->pid, trouble);
	else
		put(o, STYLE_PLAIN, "process %d", (int)p->pid);
	put(o, STYLE_BOLD, "  %s", p->command);
	end_line(o);
	show_memory(o, s);
	if (brief)
		return;
	show_bar(o, s);
	show_rates(o, s);
}

/* --- all processes --- */

void show_list_head(struct output *o, const struct list_samples *s,
		    const char *trouble)
{
	const struct processes *ps = &s->now.processes;
	uint64_t rss = 0, heap = 0, kept = 0;

	for (size_t i = 0; i < ps->nr; i++) {
		rss += ps->row[i].use.rss;
		heap += ps->row[i].heap;
		kept += ps->row[i].kept;
	}
	put_clock(o);
	if (trouble)
		put(o, STYLE_BAD, "%s", trouble);
	else
		put(o, STYLE_PLAIN, "%zu process%s on Pagoda", ps->nr,
		    ps->nr == 1 ? "" : "es");
	end_line(o);
	put_sums(o, rss, heap, kept);
	end_line(o);
}
