/* SPDX-License-Identifier: MIT */
/*
 * report_tables.c - the tables of the page: the numbers of the last sample, and
 * how they came about.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "chart.h"
#include "human.h"
#include "report.h"

/* Points of the small lines. */
enum { SPARK_POINTS = 50 };

static const char *const event_docs[NR_VM_EVENTS] = {
#define VM_EVENT(id, name, doc) [id] = doc,
#include "base/vmstat.def"
#undef VM_EVENT
};

static const struct recording_sample *last_sample(const struct report *r)
{
	return &r->recording->samples[r->recording->nr_samples - 1];
}

/* @columns: with '|' between them; '#' in front of what has numbers. */
static void begin_table(FILE *out, const char *id, const char *title,
			const char *columns)
{
	fprintf(out, "<section class=\"card\"><h3>%s</h3>"
		"<div class=\"scroll\"><table id=\"%s\"><thead><tr>", title, id);
	while (*columns) {
		bool number = *columns == '#';
		size_t len = strcspn(columns += number, "|");

		fprintf(out, "<th%s>%.*s</th>", number ? " class=\"n\"" : "",
			(int)len, columns);
		columns += len + (columns[len] == '|');
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void end_table(FILE *out)
{
	fputs("</tbody></table></div></section>\n", out);
}

/* A cell; the exact number is shown to who points at it. */
static void write_bytes(FILE *out, double bytes)
{
	fprintf(out, "<td class=\"n\" data-value=\"%.0f\" title=\"%.0f bytes\">"
		"%s</td>", bytes, bytes, human_bytes(bytes).text);
}

static void write_number(FILE *out, double value)
{
	fprintf(out, "<td class=\"n\" data-value=\"%.0f\" title=\"%.0f\">%s"
		"</td>", value, value, human_count(value).text);
}

static void write_name(FILE *out, const char *name)
{
	fputs("<tr><th scope=\"row\">", out);
	write_escaped(out, name);
	fputs("</th>", out);
}

/* Evenly chosen from all samples. */
static void write_spark(const struct report *r,
			double (*value)(const struct report *r,
					const void *arg, size_t at),
			const void *arg)
{
	double values[SPARK_POINTS];
	size_t nr = min_size(r->nr_drawn, SPARK_POINTS);

	for (size_t i = 0; i < nr; i++) {
		size_t at = nr > 1 ? i * (r->nr_drawn - 1) / (nr - 1) : 0;

		values[i] = value(r, arg, r->drawn[at]);
	}
	fputs("<td>", r->out);
	chart_write_spark(r->out, values, nr);
	fputs("</td>", r->out);
}

/* --- sums --- */

static double total_at(const struct report *r, const void *arg, size_t at)
{
	return (double)total_value(&r->recording->samples[at].totals, arg);
}

static void write_totals(const struct report *r)
{
	size_t last = r->recording->nr_samples - 1;

	begin_table(r->out, "totals", "Sums",
		    "sum|#first|#peak|#last|course|what it is");
	for (int i = 0; i < NR_TOTALS; i++) {
		double peak = 0;

		for (size_t at = 0; at <= last; at++)
			peak = fmax(peak, total_at(r, &totals[i], at));
		write_name(r->out, totals[i].name);
		write_bytes(r->out, total_at(r, &totals[i], 0));
		write_bytes(r->out, peak);
		write_bytes(r->out, total_at(r, &totals[i], last));
		write_spark(r, total_at, &totals[i]);
		fprintf(r->out, "<td>%s</td></tr>\n", totals[i].doc);
	}
	end_table(r->out);
}

/* --- caches --- */

static double thing_at(const struct report *r, const void *arg, size_t at)
{
	const struct thing *t = arg;

	(void)r;
	return t->bytes[at];
}

static void write_thing(const struct report *r, const struct thing *t)
{
	size_t last = r->recording->nr_samples - 1;
	double held = t->held[last];

	write_name(r->out, t->name);
	write_bytes(r->out, (double)t->object_bytes);
	write_number(r->out, t->objects[last]);
	write_bytes(r->out, t->bytes[last]);
	write_bytes(r->out, held);
	fprintf(r->out, "<td class=\"n\">%.0f %%</td>",
		held > 0 ? 100 * t->bytes[last] / held : 0);
	write_bytes(r->out, t->bytes[last] - t->bytes[0]);
	write_spark(r, thing_at, t);
	fprintf(r->out, "<td>%s</td></tr>\n",
		t->growth.steady ? "<b class=\"warn\">grows steadily</b>" : "");
}

/* @arg: the last sample. */
static int compare_held(const void *a, const void *b, void *arg)
{
	const size_t *last = arg;
	const struct thing *left = *(const struct thing *const *)a;
	const struct thing *right = *(const struct thing *const *)b;
	double l = left->held[*last], r = right->held[*last];

	return l < r ? 1 : l > r ? -1 : strcmp(left->name, right->name);
}

/* The largest ones first. */
static bool write_caches(const struct report *r)
{
	size_t nr = r->things.nr_caches;
	size_t last = r->recording->nr_samples - 1;
	const struct thing **order = calloc(nr + 1, sizeof(struct thing *));

	if (!order)
		return false;
	for (size_t i = 0; i < nr; i++)
		order[i] = &r->things.list[i];
	qsort_r(order, nr, sizeof(struct thing *), compare_held, &last);
	begin_table(r->out, "cache-table", "Caches",
		    "cache|#object|#in use|#bytes in use|#in slabs|"
		    "#used|#growth|course| ");
	for (size_t i = 0; i < nr; i++)
		write_thing(r, order[i]);
	end_table(r->out);
	free(order);
	return true;
}

/* --- zones and areas --- */

static void write_zones(const struct report *r)
{
	const struct recording_sample *s = last_sample(r);
	double page = (double)r->recording->page_bytes;

	begin_table(r->out, "zones", "Zones",
		    "zone|#node|#online|#slabs|#large|#free, resident|"
		    "#free, given back|#kept by CPUs");
	for (size_t i = 0; i < s->nr_zones; i++) {
		const struct recording_zone *z = &s->zones[i];

		write_name(r->out, z->name);
		fprintf(r->out, "<td class=\"n\">%" PRIu32 "</td>", z->node);
		write_bytes(r->out, (double)z->present * page);
		write_bytes(r->out, (double)z->slab * page);
		write_bytes(r->out, (double)z->large * page);
		write_bytes(r->out, (double)z->free_resident * page);
		write_bytes(r->out, (double)proc_less(z->free,
						      z->free_resident) *
					    page);
		write_bytes(r->out, (double)z->pcp * page);
		fputs("</tr>\n", r->out);
	}
	end_table(r->out);
}

static void write_areas(const struct report *r)
{
	const struct recording_sample *s = last_sample(r);
	static const char *const docs[NR_AREA_KINDS] = {
		[AREA_VMALLOC] = "requests over 1 MiB",
		[AREA_UNPURGED] = "free address space that still has memory",
		[AREA_PAGER] = "mappings with a pager of the program",
		[AREA_MMAP] = "mappings of the program that are looked after",
	};

	begin_table(r->out, "areas", "Areas",
		    "kind|#number|#bytes|what it is");
	for (int kind = AREA_NONE + 1; kind < NR_AREA_KINDS; kind++) {
		write_name(r->out, recording_area_names[kind]);
		write_number(r->out, (double)s->area_counts[kind]);
		write_bytes(r->out, (double)s->area_bytes[kind]);
		fprintf(r->out, "<td>%s</td></tr>\n", docs[kind]);
	}
	end_table(r->out);
}

/* --- events --- */

/* How many since the sample before. */
static double event_at(const struct report *r, const void *arg, size_t at)
{
	const enum vm_event *event = arg;
	const struct recording_sample *s = &r->recording->samples[at];

	return at ? (double)proc_less(s->events[*event],
				      s[-1].events[*event]) : 0;
}

static void write_events(const struct report *r)
{
	const struct recording_sample *first = &r->recording->samples[0];
	const struct recording_sample *last = last_sample(r);
	double seconds = (double)(last->ms - first->ms) / 1e3;

	begin_table(r->out, "events", "Events",
		    "event|#since the program's start|"
		    "#in the recording|#per second|course|what it is");
	for (int event = 0; event < NR_VM_EVENTS; event++) {
		enum vm_event which = (enum vm_event)event;
		double n = (double)proc_less(last->events[event],
					     first->events[event]);

		if (!last->events[event])
			continue;
		write_name(r->out, event_names[event]);
		write_number(r->out, (double)last->events[event]);
		write_number(r->out, n);
		fprintf(r->out, "<td class=\"n\">%s</td>",
			human_count(seconds > 0 ? n / seconds : 0).text);
		write_spark(r, event_at, &which);
		fprintf(r->out, "<td>%s</td></tr>\n", event_docs[event]);
	}
	end_table(r->out);
}

static void write_modes(const struct report *r)
{
	begin_table(r->out, "modes", "Modes",
		    "mode|value");
	for (size_t i = 0; i < r->recording->nr_modes; i++) {
		write_name(r->out, r->recording->modes[i].name);
		fputs("<td>", r->out);
		write_escaped(r->out, r->recording->modes[i].value);
		fputs("</td></tr>\n", r->out);
	}
	end_table(r->out);
}

bool report_write_tables(struct report *r)
{
	bool complete;

	fputs("<h2>At the end</h2>\n<div class=\"tables\">\n", r->out);
	complete = write_caches(r);
	write_totals(r);
	write_zones(r);
	write_areas(r);
	write_events(r);
	write_modes(r);
	fputs("</div>\n", r->out);
	return complete;
}
