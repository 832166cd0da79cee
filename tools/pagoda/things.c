/* SPDX-License-Identifier: MIT */
/*
 * things.c - see things.h.
 */
#include "things.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OTHERS = 3 };

static bool init_thing(struct thing *thing, const char *name,
		       uint64_t object_bytes, size_t nr)
{
	snprintf(thing->name, sizeof(thing->name), "%s", name);
	thing->object_bytes = object_bytes;
	thing->bytes = calloc(nr, sizeof(*thing->bytes));
	thing->objects = calloc(nr, sizeof(*thing->objects));
	thing->held = calloc(nr, sizeof(*thing->held));
	return thing->bytes && thing->objects && thing->held;
}

static size_t index_of(const struct things *t, const char *name,
		       uint64_t object_bytes)
{
	size_t i = 0;

	while (i < t->nr && (t->list[i].object_bytes != object_bytes ||
			     strcmp(t->list[i].name, name)))
		i++;
	return i;
}

const struct thing *things_named(const struct things *t, const char *name,
				 uint64_t object_bytes)
{
	size_t i = index_of(t, name, object_bytes);

	return i < t->nr ? &t->list[i] : NULL;
}

/* *ret_of: the thing of each cache of the recording. */
static bool find_caches(struct things *t, const struct recording *r,
			size_t *of)
{
	for (size_t i = 0; i < r->nr_caches; i++) {
		const struct recording_cache *c = &r->caches[i];

		/* Zero means that it is no cache. */
		of[i] = index_of(t, c->name, max_size(c->padded_bytes, 1));
		if (of[i] == t->nr &&
		    !init_thing(&t->list[t->nr++], c->name,
				max_size(c->padded_bytes, 1), r->nr_samples))
			return false;
	}
	t->nr_caches = t->nr;
	return true;
}

static void add_objects(struct things *t, const struct recording *r,
			const size_t *of, size_t at)
{
	const struct recording_sample *s = &r->samples[at];

	for (size_t i = 0; i < s->nr_caches; i++) {
		const struct recording_objects *o = &s->caches[i];
		const struct recording_cache *c = &r->caches[o->cache];
		struct thing *thing = &t->list[of[o->cache]];

		thing->objects[at] += (double)o->active;
		thing->bytes[at] += (double)o->active * (double)c->padded_bytes;
		thing->held[at] += (double)o->slabs *
				   (double)(c->pages_per_slab * r->page_bytes);
	}
}

static bool find_others(struct things *t, const struct recording *r)
{
	struct thing *large = &t->list[t->nr++];
	struct thing *areas = &t->list[t->nr++];
	struct thing *tables = &t->list[t->nr++];

	if (!init_thing(large, "large blocks", 0, r->nr_samples) ||
	    !init_thing(areas, "vmalloc areas", 0, r->nr_samples) ||
	    !init_thing(tables, "the allocator's tables", 0, r->nr_samples))
		return false;
	for (size_t at = 0; at < r->nr_samples; at++) {
		const struct recording_sample *s = &r->samples[at];

		large->bytes[at] = (double)s->totals.large;
		areas->bytes[at] = (double)s->totals.vmalloc_used;
		areas->objects[at] = (double)s->area_counts[AREA_VMALLOC];
		tables->bytes[at] = (double)s->metadata;
	}
	return true;
}

static bool find_all(struct things *t, const struct recording *r, size_t *of)
{
	if (!find_caches(t, r, of))
		return false;
	for (size_t at = 0; at < r->nr_samples; at++)
		add_objects(t, r, of, at);
	return find_others(t, r);
}

static bool find_growth(struct things *t, const struct recording *r)
{
	double *seconds = calloc(r->nr_samples, sizeof(*seconds));

	if (!seconds)
		return false;
	for (size_t i = 0; i < r->nr_samples; i++)
		seconds[i] = (double)r->samples[i].ms / 1e3;
	for (size_t i = 0; i < t->nr; i++)
		growth_find(&t->list[i].growth, seconds, t->list[i].bytes,
			    r->nr_samples);
	free(seconds);
	return true;
}

bool things_find(struct things *t, const struct recording *r)
{
	size_t *of = calloc(r->nr_caches + 1, sizeof(*of));
	bool done;

	memset(t, 0, sizeof(*t));
	t->list = calloc(r->nr_caches + MAX_OTHERS, sizeof(*t->list));
	done = of && t->list && find_all(t, r, of) && find_growth(t, r);
	free(of);
	if (!done)
		things_free(t);
	return done;
}

void things_free(struct things *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		free(t->list[i].bytes);
		free(t->list[i].objects);
		free(t->list[i].held);
	}
	free(t->list);
	memset(t, 0, sizeof(*t));
}
