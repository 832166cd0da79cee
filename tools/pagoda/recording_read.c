/* SPDX-License-Identifier: MIT */
/*
 * recording_read.c - see recording.h. A recording may be cut off, damaged or made
 * up: every number that is an index or a count of something is checked here.
 *
 * Members that are not known are left alone: later versions may add some.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

struct reader {
	struct recording *recording;
	const char *path;
	size_t line;
	size_t rooms[4]; /* of the arrays: modes, caches, samples, maps */
	uint64_t last_ms;
	int32_t cache_of_id[NR_CLASSES]; /* index, or -1 */
};

/* --- parts of a line; what is not there is 0 or "" --- */

static uint64_t get_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_is_integer(value) ? json_integer_value(value) :
						     0;

	return number > 0 ? (uint64_t)number : 0;
}

static uint64_t number_at(const json_t *array, size_t i)
{
	json_int_t number = json_integer_value(json_array_get(array, i));

	return number > 0 ? (uint64_t)number : 0;
}

static void get_text(const json_t *object, const char *name, char *buf,
		     size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(buf, size, "%s", text ? text : "");
	/* Made by a program that may be hostile, shown on terminals. */
	for (char *c = buf; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Return: the array with room for one more element behind @nr; or NULL. */
static void *make_room(void *array, size_t nr, size_t *room, size_t size)
{
	size_t more = max_size(2 * *room, 16);
	void *moved;

	if (nr < *room)
		return array;
	moved = reallocarray(array, more, size);
	if (moved)
		*room = more;
	return moved;
}

/* --- lines. Return: NULL, or what is wrong with it --- */

static const char *const no_memory = "out of memory";

static const char *take_modes(struct reader *r, json_t *modes)
{
	struct recording *rec = r->recording;
	const char *name;
	json_t *value;

	json_object_foreach(modes, name, value) {
		struct recording_mode *all = make_room(
			rec->modes, rec->nr_modes, &r->rooms[0], sizeof(*all));
		struct recording_mode *mode;

		if (!all)
			return no_memory;
		rec->modes = all;
		mode = &all[rec->nr_modes++];
		snprintf(mode->name, sizeof(mode->name), "%s", name);
		get_text(modes, name, mode->value, sizeof(mode->value));
	}
	return NULL;
}

static const char *take_header(struct reader *r, const json_t *line)
{
	struct recording *rec = r->recording;
	const json_t *machine = json_object_get(line, "machine");

	get_text(line, "pagoda", rec->pagoda, sizeof(rec->pagoda));
	get_text(line, "command", rec->command, sizeof(rec->command));
	get_text(line, "started", rec->started, sizeof(rec->started));
	rec->started_ms = get_number(line, "started_ms");
	rec->pid = get_number(line, "pid");
	rec->interval_ms = get_number(line, "interval_ms");
	rec->page_bytes = get_number(line, "page_bytes");
	get_text(machine, "kernel", rec->kernel, sizeof(rec->kernel));
	get_text(machine, "arch", rec->machine, sizeof(rec->machine));
	rec->cpus = get_number(machine, "cpus");
	rec->memory_bytes = get_number(machine, "memory_bytes");
	if (rec->page_bytes != PAGE_SIZE)
		return "pages of an unknown size";
	return take_modes(r, json_object_get(line, "modes"));
}

static const char *take_cache(struct reader *r, const json_t *line)
{
	struct recording *rec = r->recording;
	uint64_t id = get_number(line, "id");
	struct recording_cache *all, *cache;

	if (!id || id >= NR_CLASSES)
		return "a cache with an impossible id";
	all = make_room(rec->caches, rec->nr_caches, &r->rooms[1],
			sizeof(*all));
	if (!all)
		return no_memory;
	rec->caches = all;
	cache = &all[rec->nr_caches++];
	cache->id = (uint32_t)id;
	get_text(line, "name", cache->name, sizeof(cache->name));
	cache->object_bytes = get_number(line, "object_bytes");
	cache->padded_bytes = get_number(line, "padded_bytes");
	cache->objects_per_slab = get_number(line, "objects_per_slab");
	cache->pages_per_slab = get_number(line, "pages_per_slab");
	r->cache_of_id[id] = (int32_t)(rec->nr_caches - 1);
	return NULL;
}

static const char *take_zones(struct recording_sample *s, const json_t *zones)
{
	size_t nr = json_array_size(zones);

	s->zones = calloc(nr + 1, sizeof(*s->zones));
	if (!s->zones)
		return no_memory;
	for (; s->nr_zones < nr; s->nr_zones++) {
		const json_t *from = json_array_get(zones, s->nr_zones);
		struct recording_zone *z = &s->zones[s->nr_zones];

		get_text(from, "zone", z->name, sizeof(z->name));
		z->node = (uint32_t)get_number(from, "node");
		z->present = get_number(from, "present_pages");
		z->free = get_number(from, "free_pages");
		z->free_resident = get_number(from, "free_resident_pages");
		z->pcp = get_number(from, "pcp_pages");
		z->slab = get_number(from, "slab_pages");
		z->large = get_number(from, "large_pages");
	}
	return NULL;
}

static const char *take_objects(const struct reader *r,
				struct recording_sample *s,
				const json_t *caches)
{
	size_t nr = json_array_size(caches);

	s->caches = calloc(nr + 1, sizeof(*s->caches));
	if (!s->caches)
		return no_memory;
	for (; s->nr_caches < nr; s->nr_caches++) {
		const json_t *from = json_array_get(caches, s->nr_caches);
		struct recording_objects *o = &s->caches[s->nr_caches];
		uint64_t id = number_at(from, 0);

		if (id >= NR_CLASSES || r->cache_of_id[id] < 0)
			return "objects of a cache that is not known";
		o->cache = (uint32_t)r->cache_of_id[id];
		o->active = number_at(from, 1);
		o->total = number_at(from, 2);
		o->slabs = number_at(from, 3);
	}
	return NULL;
}

static void take_areas(struct recording_sample *s, const json_t *areas)
{
	for (int kind = AREA_NONE + 1; kind < NR_AREA_KINDS; kind++) {
		const json_t *area =
			json_object_get(areas, recording_area_names[kind]);

		s->area_counts[kind] = number_at(area, 0);
		s->area_bytes[kind] = number_at(area, 1);
	}
}

static const char *take_sample(struct reader *r, const json_t *line)
{
	struct recording *rec = r->recording;
	const json_t *memory = json_object_get(line, "memory");
	const json_t *events = json_object_get(line, "events");
	struct recording_sample *all = make_room(
		rec->samples, rec->nr_samples, &r->rooms[2], sizeof(*all));
	struct recording_sample *s;
	const char *wrong;

	if (!all)
		return no_memory;
	rec->samples = all;
	s = &all[rec->nr_samples++];
	memset(s, 0, sizeof(*s));
	s->ms = get_number(line, "ms");
	s->use.rss = get_number(line, "rss_bytes");
	s->use.minor_faults = get_number(line, "minor_faults");
	s->use.major_faults = get_number(line, "major_faults");
	s->use.cpu_ms = get_number(line, "cpu_ms");
	s->use.threads = get_number(line, "threads");
	for (int i = 0; i < NR_TOTALS; i++)
		set_total(&s->totals, &totals[i],
			  get_number(memory, totals[i].name));
	s->metadata = get_number(memory, "metadata_bytes");
	for (int event = 0; event < NR_VM_EVENTS; event++)
		s->events[event] = get_number(events, event_names[event]);
	take_areas(s, json_object_get(line, "areas"));
	wrong = take_zones(s, json_object_get(line, "zones"));
	if (!wrong)
		wrong = take_objects(r, s, json_object_get(line, "caches"));
	if (!wrong && s->ms < r->last_ms)
		wrong = "a sample from before the last one";
	r->last_ms = s->ms;
	return wrong;
}

static const char *take_region(struct page_region *region, const json_t *from)
{
	const json_t *runs = json_object_get(from, "runs");
	const char *types = json_string_value(json_object_get(from, "blocks"));
	uint64_t offset = get_number(from, "offset");
	size_t nr = json_array_size(runs);

	get_text(from, "name", region->name, sizeof(region->name));
	region->node = (uint32_t)get_number(from, "node");
	region->start = get_number(from, "start");
	region->offset = (uint32_t)offset;
	if (offset >= PAGEBLOCK_PAGES || nr % 2)
		return "a region that makes no sense";
	for (size_t i = 0; i < nr; i += 2) {
		uint64_t state = number_at(runs, i);

		if (state >= NR_STATES ||
		    (state >= NR_FIXED_STATES && state <= STATE_SLAB) ||
		    !page_region_add(region, (uint32_t)state,
				     number_at(runs, i + 1)))
			return "pages in a state that is not known";
	}
	if (types && strlen(types) != page_region_blocks(region))
		return "another number of page blocks than of pages";
	if (types) {
		region->types = strdup(types);
		if (!region->types)
			return no_memory;
	}
	return NULL;
}

static const char *take_map(struct reader *r, const json_t *line)
{
	struct recording *rec = r->recording;
	const json_t *regions = json_object_get(line, "regions");
	struct recording_map *all = make_room(rec->maps, rec->nr_maps,
					      &r->rooms[3], sizeof(*all));
	struct recording_map *map;
	const char *wrong = NULL;

	if (!all)
		return no_memory;
	rec->maps = all;
	map = &all[rec->nr_maps++];
	memset(map, 0, sizeof(*map));
	map->ms = get_number(line, "ms");
	if (json_array_size(regions) > ARRAY_SIZE(map->states.regions))
		return "more regions than there can be";
	for (size_t i = 0; i < json_array_size(regions) && !wrong; i++)
		wrong = take_region(&map->states.regions[map->states.nr_regions++],
				    json_array_get(regions, i));
	return wrong;
}

static const char *take_end(struct reader *r, const json_t *line)
{
	get_text(line, "reason", r->recording->end, sizeof(r->recording->end));
	return NULL;
}

/* --- the file --- */

static const struct {
	const char *type;
	const char *(*take)(struct reader *r, const json_t *line);
} kinds[] = {
	{ RECORDING_CACHE, take_cache },
	{ RECORDING_SAMPLE, take_sample },
	{ RECORDING_MAP, take_map },
	{ RECORDING_END, take_end },
};

static const char *take_line(struct reader *r, const json_t *line)
{
	const char *type = json_string_value(json_object_get(line, "type"));

	if (!type)
		return "a line without a type";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(type, kinds[i].type))
			return kinds[i].take(r, line);
	return NULL;
}

static enum tool_status read_header(struct reader *r, const char *text,
				    size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	const char *type = json_string_value(json_object_get(line, "type"));
	uint64_t version = get_number(line, "version");
	enum tool_status status = TOOL_BAD_FILE;
	const char *wrong;

	if (!type || strcmp(type, RECORDING_HEADER)) {
		complain("%s is not a recording of 'pagoda record'", r->path);
	} else if (version != RECORDING_VERSION) {
		complain("%s: a recording of version %" PRIu64 ", this tool "
			 "reads %d (pagoda " PAGODA_VERSION ")", r->path,
			 version, RECORDING_VERSION);
		status = TOOL_OTHER_VERSION;
	} else if ((wrong = take_header(r, line))) {
		complain("%s: %s", r->path, wrong);
	} else {
		status = TOOL_OK;
	}
	json_decref(line);
	return status;
}

static enum tool_status read_line(struct reader *r, const char *text,
				  size_t len)
{
	const char *wrong = "damaged";
	json_t *line;

	/* A line that was being written has no end. */
	if (text[len - 1] != '\n') {
		r->recording->truncated = true;
		return TOOL_OK;
	}
	if (r->line == 1)
		return read_header(r, text, len);
	line = json_loadb(text, len, 0, NULL);
	if (line)
		wrong = take_line(r, line);
	json_decref(line);
	if (!wrong)
		return TOOL_OK;
	complain("%s: line %zu: %s", r->path, r->line, wrong);
	return wrong == no_memory ? TOOL_FAILED : TOOL_BAD_FILE;
}

static enum tool_status read_lines(struct reader *r, FILE *f)
{
	enum tool_status status = TOOL_OK;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	while (status == TOOL_OK && (len = getline(&text, &size, f)) > 0) {
		r->line++;
		status = read_line(r, text, (size_t)len);
	}
	free(text);
	if (status == TOOL_OK && ferror(f)) {
		complain("cannot read %s: %s", r->path, strerror(errno));
		status = TOOL_FAILED;
	}
	return status;
}

static enum tool_status check_all(const struct reader *r)
{
	const struct recording *rec = r->recording;

	if (!rec->page_bytes) {
		complain("%s is not a recording of 'pagoda record'", r->path);
		return TOOL_BAD_FILE;
	}
	if (!rec->nr_samples) {
		complain("%s: there is no sample in it", r->path);
		return TOOL_BAD_FILE;
	}
	if (rec->truncated)
		complain("%s: its last line was cut off; what is before it is "
			 "used", r->path);
	return TOOL_OK;
}

enum tool_status recording_load(struct recording *rec, const char *path)
{
	struct reader r = { .recording = rec, .path = path };
	FILE *f = fopen(path, "re");
	enum tool_status status;

	memset(rec, 0, sizeof(*rec));
	memset(r.cache_of_id, -1, sizeof(r.cache_of_id));
	if (!f) {
		complain("cannot read %s: %s", path, strerror(errno));
		return TOOL_FAILED;
	}
	status = read_lines(&r, f);
	fclose(f);
	if (status == TOOL_OK)
		status = check_all(&r);
	if (status != TOOL_OK)
		recording_free(rec);
	return status;
}

void recording_free(struct recording *r)
{
	for (size_t i = 0; i < r->nr_samples; i++) {
		free(r->samples[i].zones);
		free(r->samples[i].caches);
	}
	for (size_t i = 0; i < r->nr_maps; i++)
		page_states_free(&r->maps[i].states);
	free(r->modes);
	free(r->caches);
	free(r->samples);
	free(r->maps);
	memset(r, 0, sizeof(*r));
}
