/* SPDX-License-Identifier: MIT */
/*
 * report_charts.c - the charts of the page: what is drawn in each.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "report.h"

enum { TOP_CACHES = 7, MAX_ZONES = 3, MAX_SOURCES = 7 };

/* Where the values of a series are in a sample. */
struct source {
	const char *name;
	uint64_t (*value)(const struct recording_sample *s); /* or NULL: */
	size_t offset; /* in the sample */
};

#define IN_SAMPLE(member) .offset = offsetof(struct recording_sample, member)

struct plan {
	const char *id;
	const char *title;
	const char *doc;
	enum chart_unit unit; /* UNIT_PER_SECOND: of what only grows */
	bool stacked;
	struct source sources[MAX_SOURCES];
};

/* --- values that are sums --- */

static uint64_t kept(const struct recording_sample *s)
{
	return kept_bytes(&s->totals);
}

static uint64_t objects(const struct recording_sample *s)
{
	return proc_less(s->totals.live,
			 s->totals.large + s->totals.vmalloc_used);
}

static uint64_t unused_slab(const struct recording_sample *s)
{
	return proc_less(s->totals.slab, objects(s));
}

static uint64_t free_resident(const struct recording_sample *s)
{
	return s->totals.free_resident + s->totals.pcp +
	       s->totals.vmalloc_unpurged;
}

static uint64_t area_returned(const struct recording_sample *s)
{
	return proc_less(s->totals.vmalloc_free, s->totals.vmalloc_unpurged);
}

static uint64_t pages_taken(const struct recording_sample *s)
{
	return s->events[PGALLOC_DMA] + s->events[PGALLOC_DMA32] +
	       s->events[PGALLOC_NORMAL] + s->events[PGALLOC_MOVABLE];
}

/* --- charts whose series are known --- */

static const struct plan memory_plan = {
	.id = "memory",
	.title = "Memory",
	.doc = "RSS is what the process has in RAM, with all that is not the "
	       "allocator's; kept is free memory that may be resident, ready "
	       "for the next request",
	.sources = {
		{ "RSS", IN_SAMPLE(use.rss) },
		{ "in use", IN_SAMPLE(totals.live) },
		{ "kept", .value = kept },
	},
};

static const struct plan uses_plan = {
	.id = "uses",
	.title = "Where it is",
	.doc = "the allocator's memory by what it is used for; the lower three "
	       "are the program's",
	.stacked = true,
	.sources = {
		{ "objects in slabs", .value = objects },
		{ "large blocks", IN_SAMPLE(totals.large) },
		{ "vmalloc areas", IN_SAMPLE(totals.vmalloc_used) },
		{ "unused in slabs", .value = unused_slab },
		{ "large blocks kept by CPUs", IN_SAMPLE(totals.large_cached) },
		{ "free pages, resident", .value = free_resident },
		{ "the allocator's tables", IN_SAMPLE(metadata) },
	},
};

/* More series come first: two for each zone. */
static const struct plan free_plan = {
	.id = "free",
	.title = "Free pages",
	.doc = "by zone; what was given back costs no memory until it is used "
	       "again",
	.stacked = true,
	.sources = {
		{ "VMALLOC, resident", IN_SAMPLE(totals.vmalloc_unpurged) },
		{ "VMALLOC, given back", .value = area_returned },
	},
};

static const struct plan other_plans[] = {
	{
		.id = "faults",
		.title = "Page faults",
		.doc = "minor ones get a page that needs no disk; a pager is "
		       "the program's own",
		.unit = UNIT_PER_SECOND,
		.sources = {
			{ "minor", IN_SAMPLE(use.minor_faults) },
			{ "major", IN_SAMPLE(use.major_faults) },
			{ "by a pager", IN_SAMPLE(events[PGMAJFAULT]) },
		},
	},
	{
		.id = "pages",
		.title = "Pages moved",
		.doc = "taken from the zones, put back into them, and given "
		       "back to the kernel",
		.unit = UNIT_PER_SECOND,
		.sources = {
			{ "taken", .value = pages_taken },
			{ "put back", IN_SAMPLE(events[PGFREE]) },
			{ "given back", IN_SAMPLE(events[PGPURGE]) },
		},
	},
	{
		.id = "slow",
		.title = "Slow paths",
		.doc = "what malloc and free do when the CPU's own cache does "
		       "not serve them",
		.unit = UNIT_PER_SECOND,
		.sources = {
			{ "sheaves from the barn", IN_SAMPLE(events[BARN_GET]) },
			{ "sheaves to the barn", IN_SAMPLE(events[BARN_PUT]) },
			{ "large blocks", IN_SAMPLE(events[LARGE_ALLOC]) },
			{ "vmalloc areas", IN_SAMPLE(events[VMALLOC_ALLOC]) },
			{ "vmalloc areas moved",
			  IN_SAMPLE(events[VMALLOC_MOVE]) },
		},
	},
	{
		.id = "mappings",
		.title = "Areas and mappings",
		.doc = "address space of requests over 1 MiB with their room "
		       "to grow, and of mappings that are looked after",
		.sources = {
			{ "vmalloc areas", IN_SAMPLE(area_bytes[AREA_VMALLOC]) },
			{ "mappings", IN_SAMPLE(area_bytes[AREA_MMAP]) },
			{ "mappings with a pager",
			  IN_SAMPLE(area_bytes[AREA_PAGER]) },
		},
	},
};

static double value_of(const struct report *r, const struct source *source,
		       size_t i)
{
	const struct recording_sample *s = report_sample(r, i);

	if (source->value)
		return (double)source->value(s);
	return (double)*(const uint64_t *)(const void *)((const char *)s +
							 source->offset);
}

/* From the sample before; nothing is known of the time before the first. */
static double rate_of(const struct report *r, const struct source *source,
		      size_t i)
{
	double n;

	if (r->nr_drawn < 2)
		return 0;
	i = max_size(i, 1);
	n = value_of(r, source, i) - value_of(r, source, i - 1);
	/* A process that executed another program counts from 0 again. */
	return r->ms[i] > r->ms[i - 1] && n > 0 ?
		       n * 1e3 / (double)(r->ms[i] - r->ms[i - 1]) : 0;
}

static void begin_chart(struct chart *c, const struct report *r,
			const struct plan *plan)
{
	*c = (struct chart){
		.id = plan->id,
		.title = plan->title,
		.doc = plan->doc,
		.unit = plan->unit,
		.stacked = plan->stacked,
		.ms = r->ms,
		.nr = r->nr_drawn,
	};
}

static bool add_sources(struct chart *c, const struct report *r,
			const struct plan *plan)
{
	for (size_t n = 0; n < MAX_SOURCES && plan->sources[n].name; n++) {
		const struct source *source = &plan->sources[n];
		double *values = chart_add(c, source->name);

		if (!values)
			return false;
		for (size_t i = 0; i < r->nr_drawn; i++)
			values[i] = plan->unit == UNIT_PER_SECOND ?
					    rate_of(r, source, i) :
					    value_of(r, source, i);
	}
	return true;
}

static bool end_chart(struct chart *c, const struct report *r, bool complete)
{
	chart_drop_zeros(c);
	if (complete)
		chart_write(r->out, c);
	chart_free(c);
	return complete;
}

static bool write_plan(const struct report *r, const struct plan *plan)
{
	struct chart c;

	begin_chart(&c, r, plan);
	return end_chart(&c, r, add_sources(&c, r, plan));
}

/* --- free memory by zone --- */

static const struct recording_zone *
find_zone(const struct recording_sample *s, const struct recording_zone *like)
{
	for (size_t i = 0; i < s->nr_zones; i++)
		if (s->zones[i].node == like->node &&
		    !strcmp(s->zones[i].name, like->name))
			return &s->zones[i];
	return NULL;
}

static bool add_zone(struct chart *c, const struct report *r,
		     const struct recording_zone *zone)
{
	char name[48], where[24];
	double *resident, *returned;

	snprintf(where, sizeof(where), zone->node ? "%s of node %" PRIu32 :
						    "%s", zone->name,
		 zone->node);
	snprintf(name, sizeof(name), "%s, resident", where);
	resident = chart_add(c, name);
	snprintf(name, sizeof(name), "%s, given back", where);
	returned = chart_add(c, name);
	for (size_t i = 0; resident && returned && i < r->nr_drawn; i++) {
		const struct recording_zone *z =
			find_zone(report_sample(r, i), zone);
		uint64_t here = z ? z->free_resident : 0;

		if (!z)
			continue;
		resident[i] = (double)(here * r->recording->page_bytes);
		returned[i] = (double)(proc_less(z->free, here) *
				       r->recording->page_bytes);
	}
	return resident && returned;
}

/* The zones of the last sample; more than a few are found on test machines. */
static bool write_free(const struct report *r)
{
	const struct recording_sample *last = report_sample(r, r->nr_drawn - 1);
	bool complete = true;
	struct chart c;

	begin_chart(&c, r, &free_plan);
	for (size_t i = 0; i < min_size(last->nr_zones, MAX_ZONES) && complete;
	     i++)
		complete = add_zone(&c, r, &last->zones[i]);
	return end_chart(&c, r, complete && add_sources(&c, r, &free_plan));
}

/* --- caches --- */

static const struct plan caches_plan = {
	.id = "caches",
	.title = "Objects in use",
	.doc = "in the slabs of each cache; those with the largest peaks",
	.stacked = true,
};

static const struct plan growth_plan = {
	.id = "growth",
	.title = "Growth of caches",
	.doc = "objects in use since the recording began; a line that never "
	       "stops rising is a leak",
};

struct ranked {
	const struct thing *thing;
	double value;
};

/* The largest first. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->value != right->value)
		return left->value < right->value ? 1 : -1;
	return strcmp(left->thing->name, right->thing->name);
}

static double peak_of(const struct report *r, const struct thing *t)
{
	double peak = 0;

	for (size_t i = 0; i < r->recording->nr_samples; i++)
		peak = fmax(peak, t->bytes[i]);
	return peak;
}

static double growth_of(const struct report *r, const struct thing *t)
{
	return t->bytes[r->recording->nr_samples - 1] - t->bytes[0];
}

/* The first ones as a series each, and the sum of the others. */
static bool add_caches(struct chart *c, const struct report *r,
		       const struct ranked *ranked, size_t nr, bool from_start)
{
	double *values = NULL;

	for (size_t n = 0; n < nr; n++) {
		const double *bytes = ranked[n].thing->bytes;

		if (n <= TOP_CACHES)
			values = chart_add(c, n < TOP_CACHES ?
						      ranked[n].thing->name :
						      "all other caches");
		if (!values)
			return false;
		for (size_t i = 0; i < r->nr_drawn; i++)
			values[i] += bytes[r->drawn[i]] -
				     (from_start ? bytes[0] : 0);
	}
	return true;
}

static bool write_caches(const struct report *r, const struct plan *plan,
			 double (*value)(const struct report *r,
					 const struct thing *t))
{
	size_t nr = r->things.nr_caches;
	struct ranked *ranked = calloc(nr + 1, sizeof(*ranked));
	bool complete;
	struct chart c;

	if (!ranked)
		return false;
	for (size_t i = 0; i < nr; i++) {
		ranked[i].thing = &r->things.list[i];
		ranked[i].value = value(r, ranked[i].thing);
	}
	qsort(ranked, nr, sizeof(*ranked), compare_ranked);
	begin_chart(&c, r, plan);
	complete = add_caches(&c, r, ranked, nr, !plan->stacked);
	free(ranked);
	return end_chart(&c, r, complete);
}

bool report_write_charts(struct report *r)
{
	bool complete;

	fputs("<h2>Over time</h2>\n<div class=\"grid\">\n", r->out);
	complete = write_plan(r, &memory_plan) && write_plan(r, &uses_plan) &&
		   write_free(r) && write_caches(r, &caches_plan, peak_of) &&
		   write_caches(r, &growth_plan, growth_of);
	for (size_t i = 0; i < ARRAY_SIZE(other_plans) && complete; i++)
		complete = write_plan(r, &other_plans[i]);
	fputs("</div>\n", r->out);
	return complete;
}
