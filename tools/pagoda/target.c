/* SPDX-License-Identifier: MIT */
/*
 * target.c - finds the library's control block in a process or its core file and
 * copies it.
 *
 * The library is known by its file's name in the mappings. The control block
 * starts on a page boundary, with CONTROL_MAGIC, in the library's writable
 * mappings or in the anonymous mapping directly behind them (.bss).
 *
 * What was read comes from a process that may be damaged or hostile: it is
 * checked once, in check_control(), before anything is made of it.
 */
#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

#define LIBRARY_PREFIX "libpagoda"
/* The library's own data ends long before. */
#define SEARCH_AT_MOST MiB(64)
#define MAX_CPUS 65536
#define HEADERS_SIZE (NR_CLASSES * sizeof(uint64_t))

enum target_status target_status_of(struct target *t, int err)
{
	switch (err) {
	case ENOENT:
	case ESRCH:
		return TARGET_NO_PROCESS;
	case EACCES:
	case EPERM:
		return TARGET_NO_PERMISSION;
	case EFAULT: /* its pages were not saved in the core file */
	case ENODATA:
		if (t->memory.core)
			return TARGET_TRUNCATED;
		/* fall through */
	default:
		t->error = err;
		return TARGET_FAILED;
	}
}

static bool is_library(const struct mapping *m)
{
	const char *slash = strrchr(m->path, '/');

	return slash && !strncmp(slash + 1, LIBRARY_PREFIX,
				 strlen(LIBRARY_PREFIX));
}

/*
 * *ret_addr: the control block in the range, or 0. It is near the start, and to
 * look at pages that were never used costs the process page tables.
 * Return: 0 or -errno.
 */
static int search_range(const struct memory *m, uint64_t start, uint64_t end,
			uint64_t *ret_addr)
{
	enum { MAGIC_LEN = sizeof(CONTROL_MAGIC), FIRST = 8, MOST = 512 };
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	char found[MOST][MAGIC_LEN];
	size_t batch;

	*ret_addr = 0;
	for (uint64_t addr = start; addr < end; addr += batch * page_size) {
		int err;

		batch = min_size((end - addr) / page_size,
				 addr == start ? FIRST : MOST);
		memset(found, 0, batch * MAGIC_LEN);
		err = memory_read_pieces(m, addr, page_size, MAGIC_LEN, batch,
					 found[0]);
		if (err)
			return err;
		for (size_t i = 0; i < batch; i++)
			if (!memcmp(found[i], CONTROL_MAGIC, MAGIC_LEN)) {
				*ret_addr = addr + i * page_size;
				return 0;
			}
	}
	return 0;
}

/*
 * Goes through the mappings of one library. @behind is where its last mapping
 * ended: what follows directly and has no file is its .bss.
 */
struct walk {
	const struct memory *memory;
	bool (*fn)(const struct memory *m, uint64_t start, uint64_t end,
		   void *arg);
	void *arg;
	bool seen;
	uint64_t behind;
	uint64_t limit;
};

static bool visit_mapping(const struct mapping *m, void *arg)
{
	struct walk *w = arg;

	if (is_library(m)) {
		w->seen = true;
		w->limit = m->end + SEARCH_AT_MOST;
	} else if (!w->seen || m->has_file || m->start != w->behind) {
		return true;
	}
	w->behind = m->end;
	return !m->writable || m->start >= w->limit ||
	       w->fn(w->memory, m->start, min_size(m->end, w->limit), w->arg);
}

/* *ret_seen: is there a library? */
static int for_each_data(const struct memory *m, bool *ret_seen,
			 bool (*fn)(const struct memory *m, uint64_t start,
				    uint64_t end, void *arg),
			 void *arg)
{
	struct walk w = { .memory = m, .fn = fn, .arg = arg };
	int err = memory_for_each_mapping(m, visit_mapping, &w);

	*ret_seen = w.seen;
	return err;
}

int target_for_each_data(const struct target *t,
			 bool (*fn)(const struct memory *m, uint64_t start,
				    uint64_t end, void *arg),
			 void *arg)
{
	bool seen;

	return for_each_data(&t->memory, &seen, fn, arg);
}

struct search {
	uint64_t found;
	int error; /* -errno */
};

static bool search_data(const struct memory *m, uint64_t start, uint64_t end,
			void *arg)
{
	struct search *s = arg;

	s->error = search_range(m, start, end, &s->found);
	return !s->found && !s->error;
}

static enum target_status find_control(struct target *t)
{
	struct search s = { 0 };
	bool seen;
	int err = for_each_data(&t->memory, &seen, search_data, &s);

	if (!err)
		err = s.error;
	if (err)
		return target_status_of(t, -err);
	t->address = s.found;
	if (!seen)
		return TARGET_NO_LIBRARY;
	return s.found ? TARGET_OK : TARGET_NOT_STARTED;
}

/* Text of the process that goes to a terminal. */
static void clean_text(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] && !isprint((unsigned char)text[i]))
			text[i] = '?';
}

static void end_text(char *text, size_t size)
{
	clean_text(text, size);
	text[size - 1] = '\0';
}

static bool check_control(struct control_block *c)
{
	if (c->nr_nodes > MAX_NODES || !is_power_of_2(c->page_size) ||
	    c->pageblock_order > 31 || c->percpu.nr > MAX_CPUS)
		return false;
	for (int table = 0; table < NR_AREA_TABLES; table++)
		if (c->area_heads[table].nr > NR_AREA_RECORDS)
			return false;
	end_text(c->version_string, sizeof(c->version_string));
	clean_text(c->modes[0], sizeof(c->modes));
	for (int node = 0; node < MAX_NODES; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			end_text(c->zones[node][zone].name,
				 sizeof(c->zones[node][zone].name));
	for (size_t class = 0; class < NR_CLASSES; class++) {
		end_text(c->caches[class].name, CACHE_NAME_LEN);
		if (c->caches[class].slab_order > 31)
			return false;
	}
	return true;
}

/*
 * A copy that the kernel makes is of no moment: a record was copied as one only
 * if its seq was the same before and after.
 */
static int read_records(struct target *t, enum control_area_table table,
			uint64_t addr)
{
	struct control_area *records = t->control.areas[table];
	size_t nr = t->control.area_heads[table].nr;
	size_t len = nr * sizeof(*records);
	struct control_area *before = malloc(2 * len), *after;
	int err;

	if (!before)
		return -ENOMEM;
	after = before + nr;
	err = memory_read(&t->memory, addr, before, len);
	if (!err)
		err = memory_read(&t->memory, addr, records, len);
	if (!err)
		err = memory_read(&t->memory, addr, after, len);
	for (size_t i = 0; i < nr && !err; i++)
		if (before[i].seq != after[i].seq)
			records[i].seq = 1;
		else
			records[i].seq = before[i].seq;
	free(before);
	return err;
}

/* Only those in use: to look at memory makes page tables for it. */
static enum target_status read_areas(struct target *t)
{
	for (int table = 0; table < NR_AREA_TABLES; table++) {
		size_t offset = offsetof(struct control_block, areas) +
				(size_t)table * sizeof(t->control.areas[0]);
		int err = 0;

		if (t->control.area_heads[table].nr)
			err = read_records(t, (enum control_area_table)table,
					   t->address + offset);
		if (err)
			return target_status_of(t, -err);
	}
	return TARGET_OK;
}

/* What is at its start in all versions. */
static enum target_status read_head(struct target *t)
{
	struct control_block *c = &t->control;
	int err = memory_read(&t->memory, t->address, c,
			      offsetof(struct control_block, nr_nodes));

	if (err)
		return target_status_of(t, -err);
	/* It was found there, but maybe long ago. */
	if (memcmp(c->magic, CONTROL_MAGIC, sizeof(c->magic)))
		return TARGET_NOT_STARTED;
	t->version = c->version;
	if (c->version != CONTROL_VERSION || c->size != sizeof(*c))
		return TARGET_OTHER_VERSION;
	return c->page_size ? TARGET_OK : TARGET_NOT_STARTED;
}

static enum target_status read_control(struct target *t)
{
	struct control_block *c = &t->control;
	enum target_status status = read_head(t);
	int err;

	if (status != TARGET_OK)
		return status;
	err = memory_read(&t->memory, t->address, c,
			  offsetof(struct control_block, areas));
	if (err)
		return target_status_of(t, -err);
	if (!check_control(c))
		return TARGET_DAMAGED;
	return t->without_areas ? TARGET_OK : read_areas(t);
}

/*
 * The slots in use are mostly the first ones, so few are read at first, and
 * more as long as some are missing.
 */
static int read_slots(struct target *t, uint64_t *headers)
{
	const struct control_percpu *percpu = &t->control.percpu;
	uint32_t left = percpu->online;
	uint64_t batch;

	for (uint64_t cpu = 0; cpu < percpu->nr && left; cpu += batch) {
		int err;

		batch = min_size(max_size(cpu, left), percpu->nr - cpu);
		memset(headers, 0, batch * HEADERS_SIZE);
		err = memory_read_pieces(&t->memory,
					 percpu->base + cpu * percpu->stride,
					 percpu->stride, HEADERS_SIZE, batch,
					 headers);
		if (err)
			return err;
		for (uint64_t i = 0; i < batch && left; i++)
			left -= proc_add_sheaves(&t->snapshot,
						 headers + i * NR_CLASSES);
	}
	return 0;
}

static enum target_status read_sheaves(struct target *t)
{
	uint64_t *headers;
	int err;

	t->snapshot.control = &t->control;
	if (!t->control.percpu.nr)
		return TARGET_OK;
	headers = calloc(t->control.percpu.nr, HEADERS_SIZE);
	if (!headers)
		return target_status_of(t, ENOMEM);
	err = read_slots(t, headers);
	free(headers);
	return err ? target_status_of(t, -err) : TARGET_OK;
}

static enum target_status read_found(struct target *t)
{
	enum target_status status = read_control(t);

	return status == TARGET_OK ? read_sheaves(t) : status;
}

static enum target_status read_target(struct target *t)
{
	enum target_status status = find_control(t);

	return status == TARGET_OK ? read_found(t) : status;
}

/* The areas are large, and none is looked at that was not read. */
static void clear_target(struct target *t)
{
	memset(t, 0, offsetof(struct target, control.areas));
	memset(&t->snapshot, 0, sizeof(t->snapshot));
}

struct target *target_new(void)
{
	struct target *t = aligned_alloc(_Alignof(struct target), sizeof(*t));

	if (!t)
		complain("out of memory");
	return t;
}

enum target_status target_read(struct target *t, pid_t pid)
{
	clear_target(t);
	t->memory.pid = pid;
	return read_target(t);
}

enum target_status target_find(struct target *t, pid_t pid, uint64_t address)
{
	enum target_status status;

	memset(t, 0, offsetof(struct target, control));
	t->memory.pid = pid;
	t->address = address;
	if (address && read_head(t) == TARGET_OK)
		return TARGET_OK;
	status = find_control(t);
	return status == TARGET_OK ? read_head(t) : status;
}

enum target_status target_reread(struct target *t)
{
	memset(&t->snapshot, 0, sizeof(t->snapshot));
	if (t->address && read_found(t) == TARGET_OK)
		return TARGET_OK;
	return target_read(t, t->memory.pid);
}

enum target_status target_read_core(struct target *t, const char *path)
{
	int err;

	clear_target(t);
	err = core_open(&t->memory.core, path);
	switch (-err) {
	case 0:
		return read_target(t);
	case ENOEXEC:
		return TARGET_NO_CORE;
	case ENODATA:
		return TARGET_TRUNCATED;
	case EBADMSG:
		return TARGET_DAMAGED;
	default:
		t->error = -err;
		return TARGET_FAILED;
	}
}

void target_close(struct target *t)
{
	core_close(t->memory.core);
}
