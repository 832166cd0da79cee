/* SPDX-License-Identifier: MIT */
/*
 * recording_write.c - see recording.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "draft.h"
#include "json.h"
#include "recording.h"

const char *const recording_area_names[NR_AREA_KINDS] = {
	[AREA_NONE] = NULL,
	[AREA_VMALLOC] = "vmalloc",
	[AREA_UNPURGED] = "unpurged",
	[AREA_PAGER] = "pager",
	[AREA_MMAP] = "mmap",
};

/* A line that is being made. */
struct line {
	struct draft text;
	struct json json;
};

static bool begin_line(struct line *l, const char *type)
{
	if (!draft_begin(&l->text))
		return false;
	l->json = (struct json){ .to = l->text.to, .compact = true };
	json_open(&l->json, NULL, '{');
	json_string(&l->json, "type", type);
	return true;
}

static bool refuse(const struct recording_writer *w, int err)
{
	complain("cannot write %s: %s", w->path, strerror(err));
	return false;
}

static bool end_line(struct recording_writer *w, struct line *l)
{
	bool written;
	int err;

	json_close(&l->json, '}');
	if (fclose(l->text.to)) {
		free(l->text.data);
		return refuse(w, ENOMEM);
	}
	written = write_all(w->fd, l->text.data, l->text.len);
	err = errno;
	/* A file that is none, such as a pipe, cannot be cut. */
	if (!written && ftruncate(w->fd, (off_t)w->bytes))
		err = errno == EINVAL ? err : errno;
	if (written)
		w->bytes += l->text.len;
	free(l->text.data);
	return written || refuse(w, err);
}

bool recording_try_path(const char *path)
{
	const struct recording_writer w = { .path = path };
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd >= 0)
		unlink(path);
	else if (errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(&w, errno);
	close(fd);
	return true;
}

/* --- the first line --- */

static void put_machine(struct json *j)
{
	struct utsname name;
	char kernel[2 * sizeof(name.sysname) + 2];

	json_open(j, "machine", '{');
	if (!uname(&name)) {
		snprintf(kernel, sizeof(kernel), "%s %s", name.sysname,
			 name.release);
		json_string(j, "kernel", kernel);
		json_string(j, "arch", name.machine);
	}
	json_number(j, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_number(j, "memory_bytes", (uint64_t)sysconf(_SC_PHYS_PAGES) *
					       (uint64_t)sysconf(_SC_PAGESIZE));
	json_close(j, '}');
}

static void put_start(struct json *j)
{
	struct timespec now;
	struct tm tm;
	char text[32] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&now.tv_sec, &tm));
	json_string(j, "started", text);
	json_number(j, "started_ms", (uint64_t)now.tv_sec * 1000 +
					     (uint64_t)now.tv_nsec / 1000000);
}

static void put_header(struct json *j, const struct target *t,
		       const struct recording_start *s)
{
	const struct control_block *c = &t->control;

	json_number(j, "version", RECORDING_VERSION);
	json_text(j, "pagoda", c->version_string, sizeof(c->version_string));
	json_number(j, "pid", (uint64_t)t->memory.pid);
	json_string(j, "command", s->command);
	put_start(j);
	json_number(j, "interval_ms", s->interval_ms);
	json_number(j, "page_bytes", c->page_size);
	put_machine(j);
	json_open(j, "modes", '{');
	for (int mode = 0; mode < NR_CONTROL_MODES; mode++)
		json_text(j, mode_names[mode], c->modes[mode], MODE_LEN);
	json_close(j, '}');
	json_open(j, "page_states", '[');
	for (int state = 0; state < NR_FIXED_STATES; state++)
		json_string(j, NULL, page_state_names[state]);
	json_close(j, ']');
}

bool recording_create(struct recording_writer *w, const char *path,
		      const struct target *t, const struct recording_start *s)
{
	struct line line;

	memset(w, 0, sizeof(*w));
	w->path = path;
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		     0666);
	if (w->fd < 0)
		return refuse(w, errno);
	if (!begin_line(&line, RECORDING_HEADER))
		return refuse(w, errno);
	put_header(&line.json, t, s);
	if (end_line(w, &line))
		return true;
	recording_discard(w);
	return false;
}

void recording_discard(struct recording_writer *w)
{
	struct stat st;

	if (!fstat(w->fd, &st) && S_ISREG(st.st_mode))
		unlink(w->path);
	recording_close(w);
}

void recording_close(struct recording_writer *w)
{
	close(w->fd);
}

/* --- caches: a line when one is new or has changed --- */

static bool has_changed(const struct control_cache *a,
			const struct control_cache *b)
{
	return strcmp(a->name, b->name) || a->object_size != b->object_size ||
	       a->size != b->size || a->objs_per_slab != b->objs_per_slab ||
	       a->slab_order != b->slab_order;
}

static bool is_recorded(const struct control_cache *cache)
{
	return cache->name[0] && cache->objs_per_slab && cache->nr_slabs;
}

static bool add_cache(struct recording_writer *w, uint32_t id,
		      const struct control_cache *cache)
{
	struct line line;

	if (!begin_line(&line, RECORDING_CACHE))
		return refuse(w, errno);
	json_number(&line.json, "id", id);
	json_text(&line.json, "name", cache->name, CACHE_NAME_LEN);
	json_number(&line.json, "object_bytes", cache->object_size);
	json_number(&line.json, "padded_bytes", cache->size);
	json_number(&line.json, "objects_per_slab", cache->objs_per_slab);
	json_number(&line.json, "pages_per_slab", 1ull << cache->slab_order);
	w->caches[id] = *cache;
	return end_line(w, &line);
}

static bool add_caches(struct recording_writer *w,
		       const struct control_block *c)
{
	for (uint32_t id = 0; id < NR_CLASSES; id++)
		if (is_recorded(&c->caches[id]) &&
		    has_changed(&c->caches[id], &w->caches[id]) &&
		    !add_cache(w, id, &c->caches[id]))
			return false;
	return true;
}

/* --- samples --- */

static void put_use(struct json *j, const struct process_use *use)
{
	json_number(j, "rss_bytes", use->rss);
	json_number(j, "minor_faults", use->minor_faults);
	json_number(j, "major_faults", use->major_faults);
	json_number(j, "cpu_ms", use->cpu_ms);
	json_number(j, "threads", use->threads);
}

static void put_memory(struct json *j, const struct target *t)
{
	struct proc_totals sums;

	proc_sum(&t->snapshot, &sums);
	json_open(j, "memory", '{');
	for (int i = 0; i < NR_TOTALS; i++)
		json_number(j, totals[i].name, total_value(&sums, &totals[i]));
	json_number(j, "metadata_bytes", t->control.metadata_bytes);
	json_close(j, '}');
}

static void put_zone(struct json *j, const struct control_zone *z)
{
	json_open(j, NULL, '{');
	json_number(j, "node", z->node);
	json_text(j, "zone", z->name, sizeof(z->name));
	json_number(j, "present_pages", z->present);
	json_number(j, "free_pages", z->free);
	json_number(j, "free_resident_pages", z->free_resident);
	json_number(j, "pcp_pages", z->pcp);
	json_number(j, "slab_pages", z->slab);
	json_number(j, "large_pages", z->large);
	json_close(j, '}');
}

static void put_zones(struct json *j, const struct control_block *c)
{
	json_open(j, "zones", '[');
	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			if (proc_zone_populated(&c->zones[node][zone]))
				put_zone(j, &c->zones[node][zone]);
	json_close(j, ']');
}

static void put_caches(struct json *j, const struct proc_snapshot *s)
{
	json_open(j, "caches", '[');
	for (uint32_t id = 0; id < NR_CLASSES; id++) {
		const struct control_cache *cache = &s->control->caches[id];
		struct proc_objects o;

		if (!is_recorded(cache))
			continue;
		proc_count_objects(s, id, &o);
		json_numbers(j, NULL,
			     (uint64_t[]){ id, o.active, o.total,
					   cache->nr_slabs }, 4);
	}
	json_close(j, ']');
}

/* Those of which the process has a record. */
static void put_areas(struct json *j, const struct control_block *c)
{
	uint64_t nr[NR_AREA_KINDS] = { 0 }, bytes[NR_AREA_KINDS] = { 0 };

	for (int table = 0; table < NR_AREA_TABLES; table++)
		for (uint32_t i = 0; i < c->area_heads[table].nr; i++) {
			const struct control_area *a = &c->areas[table][i];

			if (a->seq & 1 || a->kind >= NR_AREA_KINDS)
				continue;
			nr[a->kind]++;
			bytes[a->kind] += a->size;
		}
	json_open(j, "areas", '{');
	for (int kind = AREA_NONE + 1; kind < NR_AREA_KINDS; kind++)
		if (nr[kind])
			json_numbers(j, recording_area_names[kind],
				     (uint64_t[]){ nr[kind], bytes[kind] }, 2);
	json_close(j, '}');
}

static void put_events(struct json *j, const struct control_block *c)
{
	json_open(j, "events", '{');
	for (int event = 0; event < NR_VM_EVENTS; event++) {
		uint64_t n = event_count(c, (enum vm_event)event);

		if (n)
			json_number(j, event_names[event], n);
	}
	json_close(j, '}');
}

bool recording_add_sample(struct recording_writer *w, const struct target *t,
			  const struct process_use *use, uint64_t ms)
{
	struct line line;

	if (!add_caches(w, &t->control))
		return false;
	if (!begin_line(&line, RECORDING_SAMPLE))
		return refuse(w, errno);
	json_number(&line.json, "ms", ms);
	put_use(&line.json, use);
	put_memory(&line.json, t);
	put_zones(&line.json, &t->control);
	put_caches(&line.json, &t->snapshot);
	put_areas(&line.json, &t->control);
	put_events(&line.json, &t->control);
	return end_line(w, &line);
}

/* --- maps --- */

static bool put_region(struct json *j, const struct page_region *r)
{
	uint64_t *runs = calloc(2 * r->nr_runs + 1, sizeof(*runs));

	if (!runs)
		return false;
	for (size_t i = 0; i < r->nr_runs; i++) {
		runs[2 * i] = r->runs[i].state;
		runs[2 * i + 1] = r->runs[i].nr;
	}
	json_open(j, NULL, '{');
	json_string(j, "name", r->name);
	json_number(j, "node", r->node);
	json_number(j, "start", r->start);
	json_number(j, "offset", r->offset);
	if (r->types)
		json_string(j, "blocks", r->types);
	json_numbers(j, "runs", runs, 2 * r->nr_runs);
	json_close(j, '}');
	free(runs);
	return true;
}

bool recording_add_map(struct recording_writer *w, const struct page_states *s,
		       uint64_t ms)
{
	struct line line;
	bool complete = true;

	if (!begin_line(&line, RECORDING_MAP))
		return refuse(w, errno);
	json_number(&line.json, "ms", ms);
	json_open(&line.json, "regions", '[');
	for (size_t i = 0; i < s->nr_regions && complete; i++)
		complete = put_region(&line.json, &s->regions[i]);
	json_close(&line.json, ']');
	if (complete)
		return end_line(w, &line);
	fclose(line.text.to);
	free(line.text.data);
	return refuse(w, ENOMEM);
}

bool recording_add_end(struct recording_writer *w, uint64_t ms,
		       const char *reason)
{
	struct line line;

	if (!begin_line(&line, RECORDING_END))
		return refuse(w, errno);
	json_number(&line.json, "ms", ms);
	json_string(&line.json, "reason", reason);
	return end_line(w, &line);
}
