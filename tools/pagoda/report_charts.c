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

enum { TOP_CACHES = 7, MAX_ZONES = 3 };

static void begin_chart(struct chart *c, const struct report *r,
			const char *id, const char *title, const char *doc)
{
	*c = (struct chart){
		.id = id,
		.title = title,
		.doc = doc,
		.ms = r->ms,
		.nr = r->nr_drawn,
	};
}

static bool end_chart(struct chart *c, const struct report *r, bool complete)
{
	chart_drop_zeros(c);
	if (complete)
		chart_write(r->out, c);
	chart_free(c);
	return complete;
}

/* A series whose values come from single samples. */
static bool add_series(struct chart *c, const struct report *r,
		       const char *name,
		       uint64_t (*value)(const struct recording_sample *s))
{
	double *values = chart_add(c, name);

	for (size_t i = 0; values && i < r->nr_drawn; i++)
		values[i] = (double)value(report_sample(r, i));
	return values != NULL;
}

/* --- what the process has --- */

static uint64_t rss(const struct recording_sample *s)
{
	return s->rss;
}

static uint64_t in_use(const struct recording_sample *s)
{
	return s->totals.live;
}

static uint64_t kept(const struct recording_sample *s)
{
	return kept_bytes(&s->totals);
}

static bool write_memory(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "memory", "Memory",
		    "RSS is what the process has in RAM, with all that is not "
		    "the allocator's; kept is free memory that may be resident, "
		    "ready for the next request");
	return end_chart(&c, r,
			 add_series(&c, r, "RSS", rss) &&
				 add_series(&c, r, "in use", in_use) &&
				 add_series(&c, r, "kept", kept));
}

/* --- where it is --- */

static uint64_t objects(const struct recording_sample *s)
{
	return proc_less(s->totals.live,
			 s->totals.large + s->totals.vmalloc_used);
}

static uint64_t unused_slab(const struct recording_sample *s)
{
	return proc_less(s->totals.slab, objects(s));
}

static uint64_t large(const struct recording_sample *s)
{
	return s->totals.large;
}

static uint64_t large_cached(const struct recording_sample *s)
{
	return s->totals.large_cached;
}

static uint64_t areas(const struct recording_sample *s)
{
	return s->totals.vmalloc_used;
}

static uint64_t free_resident(const struct recording_sample *s)
{
	return s->totals.free_resident + s->totals.pcp +
	       s->totals.vmalloc_unpurged;
}

static uint64_t tables(const struct recording_sample *s)
{
	return s->metadata;
}

static bool write_uses(const struct report *r)
{
	static const struct {
		const char *name;
		uint64_t (*value)(const struct recording_sample *s);
	} uses[] = {
		{ "objects in slabs", objects },
		{ "large blocks", large },
		{ "vmalloc areas", areas },
		{ "unused in slabs", unused_slab },
		{ "large blocks kept by CPUs", large_cached },
		{ "free pages, resident", free_resident },
		{ "the allocator's tables", tables },
	};
	bool complete = true;
	struct chart c;

	begin_chart(&c, r, "uses", "Where it is",
		    "the allocator's memory by what it is used for; the lower "
		    "three are the program's");
	c.stacked = true;
	for (size_t i = 0; i < ARRAY_SIZE(uses) && complete; i++)
		complete = add_series(&c, r, uses[i].name, uses[i].value);
	return end_chart(&c, r, complete);
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

static uint64_t area_resident(const struct recording_sample *s)
{
	return s->totals.vmalloc_unpurged;
}

static uint64_t area_returned(const struct recording_sample *s)
{
	return proc_less(s->totals.vmalloc_free, s->totals.vmalloc_unpurged);
}

/* The zones of the last sample; more than a few are found on test machines. */
static bool write_free(const struct report *r)
{
	const struct recording_sample *last = report_sample(r, r->nr_drawn - 1);
	bool complete = true;
	struct chart c;

	begin_chart(&c, r, "free", "Free pages",
		    "by zone; what was given back costs no memory until it is "
		    "used again");
	c.stacked = true;
	for (size_t i = 0; i < min_size(last->nr_zones, MAX_ZONES) && complete;
	     i++)
		complete = add_zone(&c, r, &last->zones[i]);
	complete = complete &&
		   add_series(&c, r, "VMALLOC, resident", area_resident) &&
		   add_series(&c, r, "VMALLOC, given back", area_returned);
	return end_chart(&c, r, complete);
}

/* --- caches --- */

/* Of the caches that are not chosen yet, the one with the largest value. */
static size_t next_cache(const struct report *r, const bool *chosen,
			 double (*value)(const struct report *r,
					 const struct thing *t))
{
	size_t best = r->things.nr_caches;

	for (size_t i = 0; i < r->things.nr_caches; i++)
		if (!chosen[i] && (best == r->things.nr_caches ||
				   value(r, &r->things.list[i]) >
					   value(r, &r->things.list[best])))
			best = i;
	return best;
}

/*
 * The caches with the largest values, each as a series, and the sum of the
 * others. @from_start: less what they had at the start.
 */
static bool add_caches(struct chart *c, const struct report *r,
		       double (*value)(const struct report *r,
				       const struct thing *t),
		       bool from_start)
{
	bool *chosen = calloc(r->things.nr_caches + 1, sizeof(*chosen));
	size_t nr = min_size(r->things.nr_caches, TOP_CACHES);
	double *rest = NULL;
	bool complete = chosen != NULL;

	for (size_t n = 0; n < r->things.nr_caches && complete; n++) {
		size_t i = next_cache(r, chosen, value);
		const struct thing *t = &r->things.list[i];
		double *values = n < nr ? chart_add(c, t->name) : rest;

		if (n == nr)
			values = rest = chart_add(c, "all other caches");
		chosen[i] = true;
		complete = values != NULL;
		for (size_t k = 0; k < r->nr_drawn && complete; k++)
			values[k] += t->bytes[r->drawn[k]] -
				     (from_start ? t->bytes[0] : 0);
	}
	free(chosen);
	return complete;
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

static bool write_caches(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "caches", "Objects in use",
		    "in the slabs of each cache; those with the largest peaks");
	c.stacked = true;
	return end_chart(&c, r, add_caches(&c, r, peak_of, false));
}

static bool write_growth(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "growth", "Growth of caches",
		    "objects in use since the recording began; a line that "
		    "never stops rising is a leak");
	return end_chart(&c, r, add_caches(&c, r, growth_of, true));
}

/* --- rates --- */

static bool add_rate(struct chart *c, const struct report *r, const char *name,
		     uint64_t (*count)(const struct recording_sample *s))
{
	double *values = chart_add(c, name);

	if (!values)
		return false;
	for (size_t i = 1; i < r->nr_drawn; i++) {
		uint64_t ms = r->ms[i] - r->ms[i - 1];
		uint64_t n = proc_less(count(report_sample(r, i)),
				       count(report_sample(r, i - 1)));

		values[i] = ms ? (double)n * 1e3 / (double)ms : 0;
	}
	/* Nothing is known of the time before the first sample. */
	if (r->nr_drawn > 1)
		values[0] = values[1];
	return true;
}

static uint64_t minor_faults(const struct recording_sample *s)
{
	return s->use.minor_faults;
}

static uint64_t major_faults(const struct recording_sample *s)
{
	return s->use.major_faults;
}

static uint64_t pager_faults(const struct recording_sample *s)
{
	return s->events[PGMAJFAULT];
}

static bool write_faults(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "faults", "Page faults",
		    "minor ones get a page that needs no disk; a pager is the "
		    "program's own");
	c.unit = UNIT_PER_SECOND;
	return end_chart(&c, r,
			 add_rate(&c, r, "minor", minor_faults) &&
				 add_rate(&c, r, "major", major_faults) &&
				 add_rate(&c, r, "by a pager", pager_faults));
}

static uint64_t purged(const struct recording_sample *s)
{
	return s->events[PGPURGE];
}

static uint64_t pages_freed(const struct recording_sample *s)
{
	return s->events[PGFREE];
}

static uint64_t pages_taken(const struct recording_sample *s)
{
	return s->events[PGALLOC_DMA] + s->events[PGALLOC_DMA32] +
	       s->events[PGALLOC_NORMAL] + s->events[PGALLOC_MOVABLE];
}

static bool write_pages(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "pages", "Pages moved",
		    "taken from the zones, put back into them, and given back "
		    "to the kernel");
	c.unit = UNIT_PER_SECOND;
	return end_chart(&c, r,
			 add_rate(&c, r, "taken", pages_taken) &&
				 add_rate(&c, r, "put back", pages_freed) &&
				 add_rate(&c, r, "given back", purged));
}

static uint64_t sheaves_taken(const struct recording_sample *s)
{
	return s->events[BARN_GET];
}

static uint64_t sheaves_put(const struct recording_sample *s)
{
	return s->events[BARN_PUT];
}

static uint64_t blocks_taken(const struct recording_sample *s)
{
	return s->events[LARGE_ALLOC];
}

static uint64_t areas_taken(const struct recording_sample *s)
{
	return s->events[VMALLOC_ALLOC];
}

static uint64_t areas_moved(const struct recording_sample *s)
{
	return s->events[VMALLOC_MOVE];
}

static bool write_events(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "slow", "Slow paths",
		    "what malloc and free do when the CPU's own cache does not "
		    "serve them");
	c.unit = UNIT_PER_SECOND;
	return end_chart(
		&c, r,
		add_rate(&c, r, "sheaves from the barn", sheaves_taken) &&
			add_rate(&c, r, "sheaves to the barn", sheaves_put) &&
			add_rate(&c, r, "large blocks", blocks_taken) &&
			add_rate(&c, r, "vmalloc areas", areas_taken) &&
			add_rate(&c, r, "vmalloc areas moved", areas_moved));
}

static uint64_t pager_bytes(const struct recording_sample *s)
{
	return s->area_bytes[AREA_PAGER];
}

static uint64_t mmap_bytes(const struct recording_sample *s)
{
	return s->area_bytes[AREA_MMAP];
}

static uint64_t area_bytes(const struct recording_sample *s)
{
	return s->area_bytes[AREA_VMALLOC];
}

static bool write_areas(const struct report *r)
{
	struct chart c;

	begin_chart(&c, r, "mappings", "Areas and mappings",
		    "address space of requests over 4 MiB with their room to "
		    "grow, and of mappings that are looked after");
	return end_chart(&c, r,
			 add_series(&c, r, "vmalloc areas", area_bytes) &&
				 add_series(&c, r, "mappings", mmap_bytes) &&
				 add_series(&c, r, "mappings with a pager",
					    pager_bytes));
}

bool report_write_charts(struct report *r)
{
	bool complete;

	fputs("<h2>Over time</h2>\n<div class=\"grid\">\n", r->out);
	complete = write_memory(r) && write_uses(r) && write_free(r) &&
		   write_caches(r) && write_growth(r) && write_faults(r) &&
		   write_pages(r) && write_events(r) && write_areas(r);
	fputs("</div>\n", r->out);
	return complete;
}
