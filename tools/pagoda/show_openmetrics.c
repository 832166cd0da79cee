/* SPDX-License-Identifier: MIT */
/*
 * show_openmetrics.c - the numbers in the text format of OpenMetrics 1.0: base
 * units, one family after the other, "# EOF" at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static void begin_family(const char *name, const char *type, const char *doc)
{
	printf("# TYPE pagoda_%s %s\n", name, type);
	if (ends_in(name, "_bytes"))
		printf("# UNIT pagoda_%s bytes\n", name);
	printf("# HELP pagoda_%s %s\n", name, doc);
}

/* name="value"; @value has at most @len bytes. */
static void print_label(const char *name, const char *value, size_t len)
{
	len = strnlen(value, len);
	printf("%s=\"", name);
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '"' || value[i] == '\\')
			putchar('\\');
		putchar(value[i]);
	}
	putchar('"');
}

static void show_head(const struct control_block *c)
{
	printf("# TYPE pagoda info\n"
	       "# HELP pagoda The process and its version of the library.\n"
	       "pagoda_info{");
	print_label("version", c->version_string, sizeof(c->version_string));
	printf(",pid=\"%" PRIu64 "\"} 1\n", c->pid);

	begin_family("mode", "info", "Which modes are active, and why.");
	for (int mode = 0; mode < NR_CONTROL_MODES; mode++) {
		const char *text = c->modes[mode];
		size_t used = min_size(strnlen(text, MODE_LEN) + 1, MODE_LEN);

		printf("pagoda_mode_info{mode=\"%s\",", mode_names[mode]);
		print_label("value", text, MODE_LEN);
		putchar(',');
		print_label("reason", text + used, MODE_LEN - used);
		printf("} 1\n");
	}
}

static void show_gauge(const char *name, const char *doc, uint64_t value)
{
	begin_family(name, "gauge", doc);
	printf("pagoda_%s %" PRIu64 "\n", name, value);
}

static void show_sums(const struct proc_snapshot *s)
{
	const struct control_block *c = s->control;
	struct proc_totals t;

	proc_sum(s, &t);
	for (int i = 0; i < NR_TOTALS; i++)
		show_gauge(totals[i].name, totals[i].doc,
			   total_value(&t, &totals[i]));
	show_gauge("metadata_bytes", "Memory for the allocator itself.",
		   c->metadata_bytes);
	show_gauge("boot_used_bytes",
		   "Memory handed out before the allocator had started.",
		   c->boot_used);
	show_gauge("vmalloc_areas", "Large areas in use.",
		   c->vmalloc.nr_areas);
}

/* --- per zone --- */

struct zone_value {
	const char *label; /* value of the third label */
	size_t offset; /* in struct control_zone, in pages */
};

struct zone_family {
	const char *name;
	const char *doc;
	const char *label; /* name of the third label, or NULL */
	size_t nr_values;
	struct zone_value values[4];
};

#define IN_ZONE(member) offsetof(struct control_zone, member)

static const struct zone_family zone_families[] = {
	{ "zone_bytes", "Memory of a zone, by use; together all it manages.",
	  "use", 4,
	  { { "free", IN_ZONE(free) }, { "pcp", IN_ZONE(pcp) },
	    { "slab", IN_ZONE(slab) }, { "large", IN_ZONE(large) } } },
	{ "zone_free_resident_bytes",
	  "Of a zone's free memory: may be resident.", NULL, 1,
	  { { NULL, IN_ZONE(free_resident) } } },
	{ "zone_spanned_bytes", "Address space of a zone.", NULL, 1,
	  { { NULL, IN_ZONE(spanned) } } },
	{ "zone_present_bytes", "Memory that was brought online.", NULL, 1,
	  { { NULL, IN_ZONE(present) } } },
	{ "zone_watermark_bytes", "Watermarks of a zone.", "mark", 3,
	  { { "min", IN_ZONE(wmark[0]) }, { "low", IN_ZONE(wmark[1]) },
	    { "high", IN_ZONE(wmark[2]) } } },
};

static void print_zone(const char *family, const struct control_zone *z)
{
	printf("pagoda_%s{node=\"%u\",", family, z->node);
	print_label("zone", z->name, sizeof(z->name));
}

static void show_zone(const struct zone_family *f,
		      const struct control_zone *z, uint64_t page_size)
{
	for (size_t i = 0; i < f->nr_values; i++) {
		const struct zone_value *v = &f->values[i];
		const void *pages = (const char *)z + v->offset;

		print_zone(f->name, z);
		if (f->label)
			printf(",%s=\"%s\"", f->label, v->label);
		printf("} %" PRIu64 "\n",
		       *(const uint64_t *)pages * page_size);
	}
}

static void show_free_blocks(const struct control_zone *z)
{
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		print_zone("zone_free_blocks", z);
		printf(",order=\"%d\"} %" PRIu64 "\n", order,
		       free_blocks(z, order));
	}
}

/* @f is NULL for the family of free blocks. */
static void show_each_zone(const struct control_block *c,
			   const struct zone_family *f)
{
	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++) {
			const struct control_zone *z = &c->zones[node][zone];

			if (!proc_zone_exists(z))
				continue;
			if (f)
				show_zone(f, z, c->page_size);
			else
				show_free_blocks(z);
		}
}

static void show_zones(const struct control_block *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(zone_families); i++) {
		const struct zone_family *f = &zone_families[i];

		begin_family(f->name, "gauge", f->doc);
		show_each_zone(c, f);
	}
	begin_family("zone_free_blocks", "gauge",
		     "Free blocks of 1 << order pages.");
	show_each_zone(c, NULL);
}

/* --- per cache --- */

struct cache_view {
	const struct control_cache *cache;
	struct proc_objects objects;
};

struct cache_family {
	const char *name;
	const char *type;
	const char *doc;
	uint64_t (*value)(const struct cache_view *v);
};

#define CACHE_VALUE(name, expression)                          \
	static uint64_t name(const struct cache_view *v)       \
	{                                                      \
		return expression;                             \
	}

CACHE_VALUE(padded_size, v->cache->size)
CACHE_VALUE(active, v->objects.active)
CACHE_VALUE(in_slabs, v->objects.in_slabs)
CACHE_VALUE(in_barn, v->objects.in_barn)
CACHE_VALUE(in_sheaves, v->objects.in_sheaves)
CACHE_VALUE(slabs, v->cache->nr_slabs)
CACHE_VALUE(empty_slabs, v->cache->nr_empty_slabs)
CACHE_VALUE(refills, v->cache->refills)
CACHE_VALUE(flushes, v->cache->flushes)
CACHE_VALUE(grown, v->cache->grown)
CACHE_VALUE(reaped, v->cache->reaped)

static const struct cache_family cache_families[] = {
	{ "cache_object_bytes", "gauge", "Size of an object with padding.",
	  padded_size },
	{ "cache_active_objects", "gauge",
	  "Objects that the program has; 0 for caches of page blocks.",
	  active },
	{ "cache_slab_free_objects", "gauge", "Objects free in their slab.",
	  in_slabs },
	{ "cache_barn_free_objects", "gauge", "Free objects in the barn.",
	  in_barn },
	{ "cache_sheaf_free_objects", "gauge",
	  "Free objects that the CPUs keep.", in_sheaves },
	{ "cache_slabs", "gauge", "Slabs of a cache.", slabs },
	{ "cache_empty_slabs", "gauge", "Slabs with no object in use.",
	  empty_slabs },
	{ "cache_refills", "counter", "Times a CPU ran out of objects.",
	  refills },
	{ "cache_flushes", "counter", "Times a CPU had too many objects.",
	  flushes },
	{ "cache_grown_slabs", "counter", "Slabs made.", grown },
	{ "cache_reaped_slabs", "counter", "Slabs given back.", reaped },
};

static void show_cache_family(const struct proc_snapshot *s,
			      const struct cache_family *f)
{
	begin_family(f->name, f->type, f->doc);
	for (size_t class = 0; class < NR_CLASSES; class++) {
		struct cache_view v = { .cache = &s->control->caches[class] };

		if (!v.cache->name[0])
			continue;
		proc_count_objects(s, class, &v.objects);
		printf("pagoda_%s%s{", f->name,
		       !strcmp(f->type, "counter") ? "_total" : "");
		print_label("cache", v.cache->name, CACHE_NAME_LEN);
		printf("} %" PRIu64 "\n", f->value(&v));
	}
}

/* --- all --- */

static void show_events(const struct control_block *c)
{
	begin_family("events", "counter", "Events since the program's start.");
	for (int event = 0; event < NR_VM_EVENTS; event++)
		printf("pagoda_events_total{event=\"%s\"} %" PRIu64 "\n",
		       event_names[event],
		       event_count(c, (enum vm_event)event));
}

void show_openmetrics(const struct proc_snapshot *s)
{
	show_head(s->control);
	show_sums(s);
	show_zones(s->control);
	for (size_t i = 0; i < ARRAY_SIZE(cache_families); i++)
		show_cache_family(s, &cache_families[i]);
	show_events(s->control);
	puts("# EOF");
}
