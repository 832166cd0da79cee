/* SPDX-License-Identifier: MIT */
/*
 * recording.h - what a process's memory looked like over time, in a file.
 *
 * The file is text, a JSON object a line, in the order in which it was written;
 * pagoda-recording(5) says what is in them. Lines are only added, each with one
 * write, so what is there of a recording that was cut off is good but for its
 * last line.
 */
#ifndef PAGODA_TOOL_RECORDING_H
#define PAGODA_TOOL_RECORDING_H

#include "page_states.h"
#include "process.h"
#include "show.h"
#include "target.h"

/* Of the lines' members: grows when one is removed or changes its meaning. */
enum { RECORDING_VERSION = 1 };

/* The lines' members "type". */
#define RECORDING_HEADER "recording"
#define RECORDING_CACHE "cache"
#define RECORDING_SAMPLE "sample"
#define RECORDING_MAP "map"
#define RECORDING_END "end"

extern const char *const recording_area_names[NR_AREA_KINDS];

/* --- writing --- */

struct recording_writer {
	int fd;
	const char *path;
	uint64_t bytes; /* in whole lines */
	/* As they were last written. */
	struct control_cache caches[NR_CLASSES];
};

struct recording_start {
	const char *command;
	uint64_t interval_ms;
};

/* Can a file be made there? Return: false after a complaint. */
bool recording_try_path(const char *path);

/*
 * recording_create() - the file, and its first line. @t was read.
 * recording_add_...() - a line; @ms: since the start.
 * Return: false after a complaint. The file then ends in a whole line.
 */
bool recording_create(struct recording_writer *w, const char *path,
		      const struct target *t, const struct recording_start *s);
bool recording_add_sample(struct recording_writer *w, const struct target *t,
			  const struct process_use *use, uint64_t ms);
bool recording_add_map(struct recording_writer *w, const struct page_states *s,
		       uint64_t ms);
bool recording_add_end(struct recording_writer *w, uint64_t ms,
		       const char *reason);
void recording_close(struct recording_writer *w);
/* ... and remove the file. */
void recording_discard(struct recording_writer *w);

/* --- reading --- */

/* A cache as it was at one time: of those with slabs only. */
struct recording_cache {
	uint32_t id;
	char name[CACHE_NAME_LEN];
	uint64_t object_bytes;
	uint64_t padded_bytes;
	uint64_t objects_per_slab;
	uint64_t pages_per_slab;
};

struct recording_objects {
	uint32_t cache; /* index in the recording's table */
	uint64_t active;
	uint64_t total;
	uint64_t slabs;
};

/* In pages. */
struct recording_zone {
	char name[8];
	uint32_t node;
	uint64_t present;
	uint64_t free;
	uint64_t free_resident;
	uint64_t pcp;
	uint64_t slab;
	uint64_t large;
};

struct recording_sample {
	uint64_t ms;
	uint64_t metadata;
	struct process_use use;
	struct proc_totals totals;
	uint64_t area_counts[NR_AREA_KINDS];
	uint64_t area_bytes[NR_AREA_KINDS];
	uint64_t events[NR_VM_EVENTS];
	struct recording_zone *zones;
	size_t nr_zones;
	struct recording_objects *caches;
	size_t nr_caches;
};

struct recording_map {
	uint64_t ms;
	struct page_states states;
};

struct recording_mode {
	char name[32];
	char value[MODE_LEN];
};

struct recording {
	char pagoda[32];
	char command[256];
	char started[32];
	char kernel[96];
	char machine[32];
	uint64_t started_ms; /* since 1970 */
	uint64_t pid;
	uint64_t interval_ms;
	uint64_t page_bytes;
	uint64_t cpus;
	uint64_t memory_bytes;
	struct recording_mode *modes;
	size_t nr_modes;
	struct recording_cache *caches;
	size_t nr_caches;
	struct recording_sample *samples; /* at least one */
	size_t nr_samples;
	struct recording_map *maps;
	size_t nr_maps;
	char end[32]; /* why it ended; "": the recorder did not say */
	bool truncated; /* its last line was not whole, and left out */
};

/*
 * recording_load() - read @path and check all of it.
 * Return: TOOL_OK, maybe with a complaint that the last line is missing; or what
 * is wrong after a complaint. recording_free() is needed after TOOL_OK only.
 */
enum tool_status recording_load(struct recording *r, const char *path);
void recording_free(struct recording *r);

/* Its cache of that index had so many objects in use, bytes. */
static inline uint64_t recording_active_bytes(const struct recording *r,
					      const struct recording_objects *o)
{
	return o->active * r->caches[o->cache].padded_bytes;
}

#endif
