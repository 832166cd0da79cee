/* SPDX-License-Identifier: MIT */
/*
 * view_caches.c - slab caches, with slabtop's columns and keys.
 */
#include <math.h>

#include "top/views.h"

enum {
	ACTIVE,
	OBJECTS,
	USE,
	SIZE,
	SLABS,
	ACTIVE_SLABS,
	PER_SLAB,
	PAGES,
	CACHE,
	REFILLS,
	FLUSHES,
	GROWN,
	BARN,
	SHEAVES,
	NAME,
	NR_COLUMNS
};

static const struct column columns[NR_COLUMNS] = {
	[ACTIVE] = { "ACTIVE", 7, UNIT_COUNT, .key = 'a' },
	[OBJECTS] = { "OBJS", 7, UNIT_COUNT, .key = 'o' },
	[USE] = { "USE%", 5, UNIT_PERCENT, .key = 'u', .extra = true },
	[SIZE] = { "SIZE", 5, UNIT_COUNT, .key = 's', .extra = true },
	[SLABS] = { "SLABS", 6, UNIT_COUNT, .key = 'l', .extra = true },
	[ACTIVE_SLABS] = { "ACTSLB", 6, UNIT_COUNT, .key = 'v', .extra = true },
	[PER_SLAB] = { "OB/S", 4, UNIT_COUNT, .key = 'b', .extra = true },
	[PAGES] = { "PG/S", 4, UNIT_COUNT, .key = 'p', .extra = true },
	[CACHE] = { "CACHE", 6, UNIT_BYTES, .key = 'c' },
	[REFILLS] = { "REFIL/S", 7, UNIT_RATE, .extra = true },
	[FLUSHES] = { "FLUSH/S", 7, UNIT_RATE, .extra = true },
	[GROWN] = { "GROWN/S", 7, UNIT_RATE, .extra = true },
	[BARN] = { "IN_BARN", 7, UNIT_COUNT, .extra = true },
	[SHEAVES] = { "IN_CPUS", 7, UNIT_COUNT, .extra = true },
	[NAME] = { "NAME", 13, UNIT_TEXT, .key = 'n', .ascending = true },
};

/* Caches come and go: the one before must be the same. */
static double cache_rate(const struct samples *s, size_t class, uint64_t before,
			 uint64_t now)
{
	uint32_t size = s->before->target.control.caches[class].size;

	return size && size != s->now->target.control.caches[class].size ?
		       NAN :
		       sample_rate(s, before, now);
}

static void fill_cache(struct cell *row, const struct samples *s, size_t class)
{
	const struct target *t = &s->now->target;
	const struct control_cache *c = &t->control.caches[class];
	const struct control_cache *old =
		&s->before->target.control.caches[class];
	uint64_t slab_bytes = (uint64_t)t->control.page_size << c->slab_order;
	struct proc_objects o;

	proc_count_objects(&t->snapshot, class, &o);
	row[ACTIVE].number = (double)o.active;
	row[OBJECTS].number = (double)o.total;
	row[USE].number = o.total ? 100.0 * (double)o.active / (double)o.total :
				    0;
	row[SIZE].number = c->size;
	row[SLABS].number = (double)c->nr_slabs;
	row[ACTIVE_SLABS].number =
		(double)proc_less(c->nr_slabs, c->nr_empty_slabs);
	row[PER_SLAB].number = c->objs_per_slab;
	row[PAGES].number = (double)(1ull << c->slab_order);
	row[CACHE].number = (double)(c->nr_slabs * slab_bytes);
	row[REFILLS].number = cache_rate(s, class, old->refills, c->refills);
	row[FLUSHES].number = cache_rate(s, class, old->flushes, c->flushes);
	row[GROWN].number = cache_rate(s, class, old->grown, c->grown);
	row[BARN].number = (double)o.in_barn;
	row[SHEAVES].number = (double)o.in_sheaves;
	row[NAME].text = c->name;
}

/* Those of slabinfo: caches of page blocks have no slabs. */
static void fill(struct table *t, const struct samples *s)
{
	for (size_t class = 0; class < NR_CLASSES; class++)
		if (s->now->target.control.caches[class].objs_per_slab)
			fill_cache(table_add(t, class), s, class);
}

const struct view caches_view = {
	.name = "Caches",
	.columns = columns,
	.nr_columns = NR_COLUMNS,
	.sorted = CACHE,
	.fill = fill,
};
