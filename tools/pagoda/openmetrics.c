/* SPDX-License-Identifier: MIT */
/*
 * openmetrics.c - see openmetrics.h. Base units; one family after the other,
 * each with the numbers of all processes.
 *
 * The two forms differ in what surrounds the numbers: OpenMetrics names the
 * family in its TYPE and HELP lines, knows units and the type "info", and ends
 * with "# EOF"; the older format names the sample.
 */
#include "openmetrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

enum metric_type { GAUGE, COUNTER, INFO };

static const struct {
	const char *name;
	const char *suffix; /* of its samples */
} types[] = {
	[GAUGE] = { "gauge", "" },
	[COUNTER] = { "counter", "_total" },
	[INFO] = { "info", "_info" },
};

/* A family on its way out. */
struct family {
	FILE *out;
	const struct metrics *metrics;
	const char *name; /* behind "pagoda" */
	enum metric_type type;
};

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static struct family begin_family(FILE *out, const struct metrics *m,
				  const char *name, enum metric_type type,
				  const char *doc)
{
	bool modern = m->form == METRICS_OPENMETRICS;
	const char *suffix = modern ? "" : types[type].suffix;
	enum metric_type shown = type == INFO && !modern ? GAUGE : type;

	fprintf(out, "# TYPE pagoda%s%s %s\n", name, suffix,
		types[shown].name);
	if (modern && ends_in(name, "_bytes"))
		fprintf(out, "# UNIT pagoda%s bytes\n", name);
	fprintf(out, "# HELP pagoda%s%s %s\n", name, suffix, doc);
	return (struct family){ out, m, name, type };
}

/* --- one sample: a line of the family --- */

struct sample {
	FILE *out;
	bool labelled;
};

/* @value has at most @len bytes. */
static void put_label(struct sample *s, const char *name, const char *value,
		      size_t len)
{
	fprintf(s->out, "%c%s=\"", s->labelled ? ',' : '{', name);
	len = strnlen(value, len);
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '"' || value[i] == '\\')
			putc('\\', s->out);
		putc(value[i], s->out);
	}
	putc('"', s->out);
	s->labelled = true;
}

static void put_string(struct sample *s, const char *name, const char *value)
{
	put_label(s, name, value, strlen(value));
}

static void put_number(struct sample *s, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_string(s, name, text);
}

/* @p: NULL if it is of no process. */
static struct sample begin_sample(const struct family *f,
				  const struct metrics_process *p)
{
	struct sample s = { .out = f->out };

	fprintf(s.out, "pagoda%s%s", f->name, types[f->type].suffix);
	if (p && p->pid) {
		put_number(&s, "pid", (uint64_t)p->pid);
		put_string(&s, "comm", p->comm);
	}
	return s;
}

static void end_sample(const struct sample *s, uint64_t value)
{
	fprintf(s->out, "%s %" PRIu64 "\n", s->labelled ? "}" : "", value);
}

#define for_each_of(m, p)                                              \
	for (const struct metrics_process *p = (m)->processes;         \
	     p < (m)->processes + (m)->nr_processes; p++)

/* --- what there is --- */

static void show_unread(FILE *out, const struct metrics *m)
{
	const struct {
		const char *what;
		uint64_t nr;
	} counts[] = {
		{ "shown", m->nr_processes },
		{ "refused", m->unread->refused },
		{ "other_version", m->unread->other_version },
		{ "failed", m->unread->failed },
	};
	struct family f = begin_family(
		out, m, "_export_processes", GAUGE,
		"Processes whose numbers are here, and those that could not "
		"be read.");

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct sample s = begin_sample(&f, NULL);

		put_string(&s, "result", counts[i].what);
		end_sample(&s, counts[i].nr);
	}
}

static void show_info(FILE *out, const struct metrics *m)
{
	struct family f = begin_family(
		out, m, "", INFO, "The process and its version of the library.");

	for_each_of(m, p) {
		const struct control_block *c = p->snapshot->control;
		struct sample s = begin_sample(&f, p);

		put_label(&s, "version", c->version_string,
			  sizeof(c->version_string));
		if (!p->pid)
			put_number(&s, "pid", c->pid);
		end_sample(&s, 1);
	}
}

static void show_modes(FILE *out, const struct metrics *m)
{
	struct family f = begin_family(out, m, "_mode", INFO,
				       "Which modes are active, and why.");

	for_each_of(m, p)
		for (int mode = 0; mode < NR_CONTROL_MODES; mode++) {
			const char *text = p->snapshot->control->modes[mode];
			size_t used = min_size(strnlen(text, MODE_LEN) + 1,
					       MODE_LEN);
			struct sample s = begin_sample(&f, p);

			put_string(&s, "mode", mode_names[mode]);
			put_label(&s, "value", text, MODE_LEN);
			put_label(&s, "reason", text + used, MODE_LEN - used);
			end_sample(&s, 1);
		}
}

/* --- per process --- */

struct process_family {
	const char *name;
	const char *doc;
	uint64_t (*value)(const struct metrics_process *p);
};

#define PROCESS_VALUE(name, expression)                       \
	static uint64_t name(const struct metrics_process *p) \
	{                                                     \
		return expression;                            \
	}

PROCESS_VALUE(kept, kept_bytes(&p->totals))
PROCESS_VALUE(metadata, p->snapshot->control->metadata_bytes)
PROCESS_VALUE(boot_used, p->snapshot->control->boot_used)
PROCESS_VALUE(vmalloc_areas, p->totals.vmalloc_areas)
PROCESS_VALUE(resident, p->resident)

static const struct process_family process_families[] = {
	{ "_kept_bytes",
	  "Memory that the program does not have and that may be resident.",
	  kept },
	{ "_metadata_bytes", "Memory for the allocator itself.", metadata },
	{ "_boot_used_bytes",
	  "Memory handed out before the allocator had started.", boot_used },
	{ "_vmalloc_areas", "Large areas in use.", vmalloc_areas },
};

static const struct process_family resident_family = {
	"_process_resident_bytes",
	"Resident memory of the whole process, as the kernel counts it.",
	resident
};

static void show_process_family(FILE *out, const struct metrics *m,
				const struct process_family *pf)
{
	struct family f = begin_family(out, m, pf->name, GAUGE, pf->doc);

	for_each_of(m, p) {
		struct sample s = begin_sample(&f, p);

		end_sample(&s, pf->value(p));
	}
}

static void show_total(FILE *out, const struct metrics *m,
		       const struct total *total)
{
	char name[64];
	struct family f;

	snprintf(name, sizeof(name), "_%s", total->name);
	f = begin_family(out, m, name, GAUGE, total->doc);
	for_each_of(m, p) {
		struct sample s = begin_sample(&f, p);

		end_sample(&s, total_value(&p->totals, total));
	}
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
	{ "_zone_bytes", "Memory of a zone, by use; together all it manages.",
	  "use", 4,
	  { { "free", IN_ZONE(free) }, { "pcp", IN_ZONE(pcp) },
	    { "slab", IN_ZONE(slab) }, { "large", IN_ZONE(large) } } },
	{ "_zone_free_resident_bytes",
	  "Of a zone's free memory: may be resident.", NULL, 1,
	  { { NULL, IN_ZONE(free_resident) } } },
	{ "_zone_spanned_bytes", "Address space of a zone.", NULL, 1,
	  { { NULL, IN_ZONE(spanned) } } },
	{ "_zone_present_bytes", "Memory that was brought online.", NULL, 1,
	  { { NULL, IN_ZONE(present) } } },
	{ "_zone_watermark_bytes", "Watermarks of a zone.", "mark", 3,
	  { { "min", IN_ZONE(wmark[0]) }, { "low", IN_ZONE(wmark[1]) },
	    { "high", IN_ZONE(wmark[2]) } } },
};

static struct sample begin_zone(const struct family *f,
				const struct metrics_process *p,
				const struct control_zone *z)
{
	struct sample s = begin_sample(f, p);

	put_number(&s, "node", z->node);
	put_label(&s, "zone", z->name, sizeof(z->name));
	return s;
}

static void show_zone(const struct family *f, const struct metrics_process *p,
		      const struct control_zone *z,
		      const struct zone_family *zf)
{
	for (size_t i = 0; i < zf->nr_values; i++) {
		const struct zone_value *v = &zf->values[i];
		const void *pages = (const char *)z + v->offset;
		struct sample s = begin_zone(f, p, z);

		if (zf->label)
			put_string(&s, zf->label, v->label);
		end_sample(&s, *(const uint64_t *)pages *
				       p->snapshot->control->page_size);
	}
}

static void show_free_blocks(const struct family *f,
			     const struct metrics_process *p,
			     const struct control_zone *z)
{
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		struct sample s = begin_zone(f, p, z);

		put_number(&s, "order", (uint64_t)order);
		end_sample(&s, free_blocks(z, order));
	}
}

/* @zf is NULL for the family of free blocks. */
static void show_each_zone(const struct family *f,
			   const struct metrics_process *p,
			   const struct zone_family *zf)
{
	const struct control_block *c = p->snapshot->control;

	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++) {
			const struct control_zone *z = &c->zones[node][zone];

			if (!proc_zone_exists(z))
				continue;
			if (zf)
				show_zone(f, p, z, zf);
			else
				show_free_blocks(f, p, z);
		}
}

static void show_zones(FILE *out, const struct metrics *m)
{
	struct family f;

	for (size_t i = 0; i < ARRAY_SIZE(zone_families); i++) {
		const struct zone_family *zf = &zone_families[i];

		f = begin_family(out, m, zf->name, GAUGE, zf->doc);
		for_each_of(m, p)
			show_each_zone(&f, p, zf);
	}
	f = begin_family(out, m, "_zone_free_blocks", GAUGE,
			 "Free blocks of 1 << order pages.");
	for_each_of(m, p)
		show_each_zone(&f, p, NULL);
}

/* --- per cache --- */

struct cache_view {
	const struct control_cache *cache;
	struct proc_objects objects;
};

struct cache_family {
	const char *name;
	enum metric_type type;
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
	{ "_cache_object_bytes", GAUGE, "Size of an object with padding.",
	  padded_size },
	{ "_cache_active_objects", GAUGE,
	  "Objects that the program has; 0 for caches of page blocks.",
	  active },
	{ "_cache_slab_free_objects", GAUGE, "Objects free in their slab.",
	  in_slabs },
	{ "_cache_barn_free_objects", GAUGE, "Free objects in the barn.",
	  in_barn },
	{ "_cache_sheaf_free_objects", GAUGE,
	  "Free objects that the CPUs keep.", in_sheaves },
	{ "_cache_slabs", GAUGE, "Slabs of a cache.", slabs },
	{ "_cache_empty_slabs", GAUGE, "Slabs with no object in use.",
	  empty_slabs },
	{ "_cache_refills", COUNTER, "Times a CPU ran out of objects.",
	  refills },
	{ "_cache_flushes", COUNTER, "Times a CPU had too many objects.",
	  flushes },
	{ "_cache_grown_slabs", COUNTER, "Slabs made.", grown },
	{ "_cache_reaped_slabs", COUNTER, "Slabs given back.", reaped },
};

static void show_caches(const struct family *f,
			const struct metrics_process *p,
			const struct cache_family *cf)
{
	for (size_t class = 0; class < NR_CLASSES; class++) {
		struct cache_view v = {
			.cache = &p->snapshot->control->caches[class],
		};
		struct sample s;

		if (!v.cache->name[0])
			continue;
		proc_count_objects(p->snapshot, class, &v.objects);
		s = begin_sample(f, p);
		put_label(&s, "cache", v.cache->name, CACHE_NAME_LEN);
		end_sample(&s, cf->value(&v));
	}
}

static void show_cache_family(FILE *out, const struct metrics *m,
			      const struct cache_family *cf)
{
	struct family f = begin_family(out, m, cf->name, cf->type, cf->doc);

	for_each_of(m, p)
		show_caches(&f, p, cf);
}

/* --- all --- */

static bool are_caches_distinct(const struct control_block *c)
{
	for (size_t i = 0; i < NR_CLASSES; i++)
		for (size_t j = 0; c->caches[i].name[0] && j < i; j++)
			if (!strcmp(c->caches[i].name, c->caches[j].name))
				return false;
	return true;
}

static bool are_zones_distinct(const struct control_block *c)
{
	const struct control_zone *zones = &c->zones[0][0];

	for (size_t i = 0; i < c->nr_nodes * NR_ZONES; i++)
		for (size_t j = 0; proc_zone_exists(&zones[i]) && j < i; j++)
			if (zones[i].node == zones[j].node &&
			    !strcmp(zones[i].name, zones[j].name))
				return false;
	return true;
}

bool metrics_are_distinct(const struct control_block *c)
{
	return are_caches_distinct(c) && are_zones_distinct(c);
}

static void show_events(FILE *out, const struct metrics *m)
{
	struct family f = begin_family(out, m, "_events", COUNTER,
				       "Events since the program's start.");

	for_each_of(m, p)
		for (int event = 0; event < NR_VM_EVENTS; event++) {
			struct sample s = begin_sample(&f, p);

			put_string(&s, "event", event_names[event]);
			end_sample(&s, event_count(p->snapshot->control,
						   (enum vm_event)event));
		}
}

void print_metrics(FILE *out, const struct metrics *m)
{
	if (m->unread) {
		show_unread(out, m);
		show_process_family(out, m, &resident_family);
	}
	show_info(out, m);
	show_modes(out, m);
	for (size_t i = 0; i < NR_TOTALS; i++)
		show_total(out, m, &totals[i]);
	for (size_t i = 0; i < ARRAY_SIZE(process_families); i++)
		show_process_family(out, m, &process_families[i]);
	show_zones(out, m);
	for (size_t i = 0; i < ARRAY_SIZE(cache_families); i++)
		show_cache_family(out, m, &cache_families[i]);
	show_events(out, m);
	if (m->form == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
}

void show_openmetrics(const struct proc_snapshot *s)
{
	struct metrics_process process = { .snapshot = s };
	struct metrics m = {
		.form = METRICS_OPENMETRICS,
		.processes = &process,
		.nr_processes = 1,
	};

	proc_sum(s, &process.totals);
	print_metrics(stdout, &m);
}
