/* SPDX-License-Identifier: MIT */
/*
 * show_json.c - the files as JSON: one object with a member for each of them.
 *
 * A file that has no form of its own here is an array of its lines.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "show.h"

/* Version of the members' names and meanings: only grows when they change. */
enum { JSON_VERSION = 1 };

typedef void (*show_fn)(struct json *j, const char *name,
			const struct proc_snapshot *s);

static const char *const type_names[NR_MIGRATETYPES] = {
	[MIGRATE_UNMOVABLE] = "unmovable",
	[MIGRATE_MOVABLE] = "movable",
	[MIGRATE_RECLAIMABLE] = "reclaimable",
};

static void show_modes(struct json *j, const char *name,
		       const struct proc_snapshot *s)
{
	json_open(j, name, '{');
	for (int mode = 0; mode < NR_CONTROL_MODES; mode++) {
		const char *text = s->control->modes[mode];
		size_t used = min_size(strnlen(text, MODE_LEN) + 1, MODE_LEN);

		json_open(j, mode_names[mode], '{');
		json_text(j, "value", text, MODE_LEN);
		json_text(j, "reason", text + used, MODE_LEN - used);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void show_meminfo(struct json *j, const char *name,
			 const struct proc_snapshot *s)
{
	const struct control_block *c = s->control;
	struct proc_totals t;

	proc_sum(s, &t);
	json_open(j, name, '{');
	for (int i = 0; i < NR_TOTALS; i++)
		json_number(j, totals[i].name, total_value(&t, &totals[i]));
	json_number(j, "metadata_bytes", c->metadata_bytes);
	json_number(j, "boot_used_bytes", c->boot_used);
	json_number(j, "span_bytes", c->span_bytes);
	json_number(j, "vmalloc_largest_free_bytes", c->vmalloc.largest_free);
	json_close(j, '}');
}

static void open_zone(struct json *j, const struct control_zone *z)
{
	json_open(j, NULL, '{');
	json_number(j, "node", z->node);
	json_text(j, "zone", z->name, sizeof(z->name));
}

/* An array with what @show says of each zone. */
static void show_zones(struct json *j, const char *name,
		       const struct proc_snapshot *s,
		       void (*show)(struct json *j,
				    const struct control_zone *z))
{
	json_open(j, name, '[');
	for (uint32_t node = 0; node < s->control->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++) {
			const struct control_zone *z =
				&s->control->zones[node][zone];

			if (!proc_zone_exists(z))
				continue;
			open_zone(j, z);
			show(j, z);
			json_close(j, '}');
		}
	json_close(j, ']');
}

static void show_pages(struct json *j, const struct control_zone *z)
{
	json_number(j, "start_pfn", z->start_pfn);
	json_number(j, "spanned_pages", z->spanned);
	json_number(j, "present_pages", z->present);
	json_number(j, "managed_pages", z->managed);
	json_number(j, "free_pages", z->free);
	json_number(j, "free_resident_pages", z->free_resident);
	json_number(j, "pcp_pages", z->pcp);
	json_number(j, "slab_pages", z->slab);
	json_number(j, "slab_hollow_pages", z->slab_hollow);
	json_number(j, "large_pages", z->large);
	json_number(j, "min_pages", z->wmark[0]);
	json_number(j, "low_pages", z->wmark[1]);
	json_number(j, "high_pages", z->wmark[2]);
	json_numbers(j, "protection_pages", z->lowmem_reserve, NR_ZONES);
}

static void show_zoneinfo(struct json *j, const char *name,
			  const struct proc_snapshot *s)
{
	show_zones(j, name, s, show_pages);
}

static void show_blocks(struct json *j, const struct control_zone *z)
{
	uint64_t blocks[NR_PAGE_ORDERS];

	for (int order = 0; order < NR_PAGE_ORDERS; order++)
		blocks[order] = free_blocks(z, order);
	json_numbers(j, "free_blocks", blocks, NR_PAGE_ORDERS);
}

static void show_buddyinfo(struct json *j, const char *name,
			   const struct proc_snapshot *s)
{
	show_zones(j, name, s, show_blocks);
}

static void show_types(struct json *j, const struct control_zone *z)
{
	for (int type = 0; type < NR_MIGRATETYPES; type++) {
		json_open(j, type_names[type], '{');
		json_numbers(j, "free_blocks", z->nr_free[type],
			     NR_PAGE_ORDERS);
		json_number(j, "pageblocks", z->nr_pageblocks[type]);
		json_close(j, '}');
	}
}

static void show_pagetypeinfo(struct json *j, const char *name,
			      const struct proc_snapshot *s)
{
	show_zones(j, name, s, show_types);
}

/* An array with what @show says of each cache in use. */
static void show_caches(struct json *j, const char *name,
			const struct proc_snapshot *s,
			void (*show)(struct json *j,
				     const struct control_cache *cache,
				     const struct proc_objects *o))
{
	json_open(j, name, '[');
	for (size_t class = 0; class < NR_CLASSES; class++) {
		const struct control_cache *cache = &s->control->caches[class];
		struct proc_objects o;

		if (!cache->name[0])
			continue;
		proc_count_objects(s, class, &o);
		json_open(j, NULL, '{');
		json_text(j, "name", cache->name, CACHE_NAME_LEN);
		show(j, cache, &o);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void show_slabs(struct json *j, const struct control_cache *cache,
		       const struct proc_objects *o)
{
	json_number(j, "object_bytes", cache->object_size);
	json_number(j, "padded_bytes", cache->size);
	json_number(j, "objects_per_slab", cache->objs_per_slab);
	json_number(j, "pages_per_slab",
		    cache->objs_per_slab ? 1ull << cache->slab_order : 0);
	json_number(j, "active_objects", o->active);
	json_number(j, "objects", o->total);
	json_number(j, "slabs", cache->nr_slabs);
	json_number(j, "empty_slabs", cache->nr_empty_slabs);
	json_number(j, "sheaf_limit", cache->sheaf_limit);
	json_number(j, "batch", cache->batch);
}

static void show_slabinfo(struct json *j, const char *name,
			  const struct proc_snapshot *s)
{
	show_caches(j, name, s, show_slabs);
}

static void show_sheaves(struct json *j, const struct control_cache *cache,
			 const struct proc_objects *o)
{
	json_number(j, "active_objects", o->active);
	json_number(j, "free_in_slabs", o->in_slabs);
	json_number(j, "free_in_barn", o->in_barn);
	json_number(j, "free_in_sheaves", o->in_sheaves);
	json_number(j, "refills", cache->refills);
	json_number(j, "flushes", cache->flushes);
	json_number(j, "grown_slabs", cache->grown);
	json_number(j, "reaped_slabs", cache->reaped);
}

static void show_sheafinfo(struct json *j, const char *name,
			   const struct proc_snapshot *s)
{
	show_caches(j, name, s, show_sheaves);
}

/* The events; what else is in the text is in meminfo. */
static void show_vmstat(struct json *j, const char *name,
			const struct proc_snapshot *s)
{
	json_open(j, name, '{');
	for (int event = 0; event < NR_VM_EVENTS; event++)
		json_number(j, event_names[event],
			    event_count(s->control, (enum vm_event)event));
	json_close(j, '}');
}

static const struct {
	const char *name;
	show_fn show;
} forms[] = {
	{ "modes", show_modes },
	{ "meminfo", show_meminfo },
	{ "zoneinfo", show_zoneinfo },
	{ "buddyinfo", show_buddyinfo },
	{ "pagetypeinfo", show_pagetypeinfo },
	{ "slabinfo", show_slabinfo },
	{ "sheafinfo", show_sheafinfo },
	{ "vmstat", show_vmstat },
};

struct lines {
	struct json *j;
	char line[1024];
	size_t len;
};

static void take_text(struct seq_file *m)
{
	struct lines *l = m->private;

	for (size_t i = 0; i < m->len; i++) {
		if (m->buf[i] == '\n') {
			json_text(l->j, NULL, l->line, l->len);
			l->len = 0;
		} else if (l->len < sizeof(l->line)) {
			l->line[l->len++] = m->buf[i];
		}
	}
	m->len = 0;
}

static void show_lines(struct json *j, const struct proc_file *file,
		       const struct proc_snapshot *s)
{
	struct lines lines = { .j = j };
	char buf[1024];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = take_text,
		.private = &lines,
	};

	json_open(j, file->name, '[');
	file->show(&m, s);
	take_text(&m);
	json_close(j, ']');
}

static void show_file(struct json *j, const struct proc_file *file,
		      const struct proc_snapshot *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(forms[i].name, file->name)) {
			forms[i].show(j, file->name, s);
			return;
		}
	show_lines(j, file, s);
}

static bool is_wanted(const char *name, char **names, int nr_names)
{
	for (int i = 0; i < nr_names; i++)
		if (!strcmp(names[i], name))
			return true;
	return !nr_names;
}

void show_json(const struct proc_snapshot *s, char **names, int nr_names)
{
	const struct control_block *c = s->control;
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_number(&j, "version", JSON_VERSION);
	json_text(&j, "pagoda", c->version_string, sizeof(c->version_string));
	json_number(&j, "pid", c->pid);
	json_number(&j, "page_bytes", c->page_size);
	/* A name that is given twice must not be there twice. */
	for (size_t i = 0; i < nr_proc_files; i++)
		if (is_wanted(proc_files[i].name, names, nr_names))
			show_file(&j, &proc_files[i], s);
	json_close(&j, '}');
}
