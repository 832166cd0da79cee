/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the list of files, and the sums that several of them show.
 */
#include "proc/proc.h"

#include <string.h>

#include "base/atomic.h"

/* In the order in which they are printed when all are asked for. */
const struct proc_file proc_files[] = {
	{ "modes", modes_show, "which modes are active, and why" },
	{ "meminfo", meminfo_show, "where the memory is" },
	{ "zoneinfo", zoneinfo_show, "pages and watermarks of each zone" },
	{ "buddyinfo", buddyinfo_show, "free blocks of each order" },
	{ "pagetypeinfo", pagetypeinfo_show,
	  "free blocks by mobility, page blocks of each type" },
	{ "slabinfo", slabinfo_show, "objects and slabs of each cache" },
	{ "sheafinfo", sheafinfo_show,
	  "where the free objects of each cache are" },
	{ "vmallocinfo", vmallocinfo_show,
	  "areas of requests over 1 MiB, used and free" },
	{ "maps", maps_show, "what lies where: zones, areas, mappings" },
	{ "smaps", smaps_show, "the same, with numbers of each" },
	{ "vmstat", vmstat_show, "gauges and event counters" },
};

const size_t nr_proc_files = ARRAY_SIZE(proc_files);

const struct proc_file *proc_find(const char *name)
{
	for (size_t i = 0; i < nr_proc_files; i++)
		if (!strcmp(proc_files[i].name, name))
			return &proc_files[i];
	return NULL;
}

bool proc_shows_areas(const struct proc_file *file)
{
	return file->show == vmallocinfo_show || file->show == maps_show ||
	       file->show == smaps_show;
}

void proc_for_each_zone(struct seq_file *m, const struct proc_snapshot *s,
			void (*show)(struct seq_file *m,
				     const struct proc_snapshot *s,
				     const struct control_zone *z))
{
	const struct control_block *c = s->control;

	for (uint32_t node = 0; node < c->nr_nodes && node < MAX_NODES; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			if (proc_zone_exists(&c->zones[node][zone]))
				show(m, s, &c->zones[node][zone]);
}

/* `cur` in 32 bits, then `begin` in 16: union sheaf_header. */
static uint64_t count_sheaf(uint64_t header)
{
	return proc_less(header & 0xffffffff, header >> 32 & 0xffff);
}

bool proc_add_sheaves(struct proc_snapshot *s, const uint64_t *headers)
{
	uint64_t used = 0;

	for (size_t class = 0; class < NR_CLASSES; class++) {
		/* Another CPU's; a stale count is as good as any. */
		uint64_t header = load_relaxed(&headers[class]);

		s->sheaf_objs[class] += count_sheaf(header);
		used |= header;
	}
	return used != 0;
}

void proc_count_objects(const struct proc_snapshot *s, size_t class,
			struct proc_objects *ret)
{
	const struct control_cache *cache = &s->control->caches[class];
	struct proc_objects o = {
		.total = cache->nr_slabs * cache->objs_per_slab,
		.in_slabs = cache->nr_free,
		.in_barn = cache->nr_barn,
		.in_sheaves = s->sheaf_objs[class],
	};

	o.active = proc_less(o.total, o.in_slabs + o.in_barn + o.in_sheaves);
	*ret = o;
}

static void sum_zone(const struct control_zone *z, uint64_t page_size,
		     struct proc_totals *t)
{
	t->online += z->managed * page_size;
	t->free += z->free * page_size;
	t->free_resident += z->free_resident * page_size;
	t->pcp += z->pcp * page_size;
	t->slab += z->slab * page_size;
	t->slab_hollow += z->slab_hollow * page_size;
	t->large += z->large * page_size;
}

static void sum_cache(const struct proc_snapshot *s, size_t class,
		      struct proc_totals *t)
{
	const struct control_cache *cache = &s->control->caches[class];
	uint64_t slab_bytes = (uint64_t)s->control->page_size
			      << cache->slab_order;
	struct proc_objects o;

	proc_count_objects(s, class, &o);
	if (!cache->objs_per_slab) {
		t->large_cached += (o.in_sheaves + o.in_barn) * cache->size;
		return;
	}
	t->live += o.active * cache->size;
	t->sheaves += o.in_sheaves * cache->size;
	t->slab_reclaimable += (o.in_barn + o.in_sheaves) * cache->size +
			       cache->nr_empty_slabs * slab_bytes;
}

void proc_sum(const struct proc_snapshot *s, struct proc_totals *ret)
{
	const struct control_block *c = s->control;
	struct control_vmap_group areas = control_vmalloc_sum(&c->vmalloc);
	struct proc_totals t = {
		.online = c->vmalloc.online,
		.vmalloc_areas = areas.nr_areas,
		.vmalloc_used = areas.used,
		.vmalloc_free = proc_less(c->vmalloc.online, areas.used),
		.vmalloc_unpurged = areas.unpurged,
	};

	for (uint32_t node = 0; node < c->nr_nodes && node < MAX_NODES; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			sum_zone(&c->zones[node][zone], c->page_size, &t);
	for (size_t class = 0; class < NR_CLASSES; class++)
		if (c->caches[class].name[0])
			sum_cache(s, class, &t);
	t.slab_reclaimable = min_size(t.slab_reclaimable, t.slab);
	t.large_cached = min_size(t.large_cached, t.large);
	t.large -= t.large_cached;
	t.available = t.free + t.pcp + t.vmalloc_free + t.slab_reclaimable +
		      t.large_cached;
	t.live += t.large + t.vmalloc_used;
	*ret = t;
}
