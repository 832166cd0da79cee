/* SPDX-License-Identifier: MIT */
/*
 * target.c - finds the library's control block in a process and copies it.
 *
 * The library is known by its file's name in /proc/PID/maps. The control block
 * starts on a page boundary, with CONTROL_MAGIC, in the library's writable
 * mappings or in the anonymous mapping directly behind them (.bss).
 *
 * What was read comes from a process that may be damaged or hostile: it is
 * checked once, in check_control(), before anything is made of it.
 */
#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LIBRARY_PREFIX "libpagoda"
/* The library's own data ends long before. */
#define SEARCH_AT_MOST MiB(64)
#define MAX_CPUS 65536
#define HEADERS_SIZE (NR_CLASSES * sizeof(uint64_t))

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t inode;
	bool writable;
	const char *path;
};

static enum target_status status_of(struct target *t, int err)
{
	switch (err) {
	case ENOENT:
	case ESRCH:
		return TARGET_NO_PROCESS;
	case EACCES:
	case EPERM:
		return TARGET_NO_PERMISSION;
	default:
		t->error = err;
		return TARGET_FAILED;
	}
}

/* Return: 0, or -errno if not all of it could be read. */
static int read_memory(pid_t pid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)addr, .iov_len = len };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

/*
 * Read @count pieces of @len bytes, @stride apart, one behind the other into
 * @buf, with few system calls. A piece that cannot be read is left as it is.
 */
static int read_pieces(pid_t pid, uint64_t addr, uint64_t stride, size_t len,
		       size_t count, char *buf)
{
	struct iovec remote[IOV_MAX];
	size_t done = 0;

	while (done < count) {
		size_t batch = min_size(count - done, ARRAY_SIZE(remote));
		struct iovec local = {
			.iov_base = buf + done * len,
			.iov_len = batch * len,
		};
		ssize_t n;

		for (size_t i = 0; i < batch; i++) {
			remote[i].iov_base =
				(void *)(addr + (done + i) * stride);
			remote[i].iov_len = len;
		}
		n = process_vm_readv(pid, &local, 1, remote, batch, 0);
		if (n < 0 && errno != EFAULT)
			return -errno;
		/* It stops at the first one that cannot be read: skip that. */
		done += n < 0 ? 1 : (size_t)n / len;
		done += n >= 0 && (size_t)n < batch * len;
	}
	return 0;
}

static bool parse_mapping(char *line, struct mapping *ret)
{
	char perms[5];
	int path_at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64 " %n",
		   &ret->start, &ret->end, perms, &ret->inode, &path_at) < 4)
		return false;
	ret->writable = perms[1] == 'w';
	ret->path = path_at ? line + path_at : "";
	return true;
}

static bool is_library(const struct mapping *m)
{
	const char *slash = strrchr(m->path, '/');

	return slash && !strncmp(slash + 1, LIBRARY_PREFIX,
				 strlen(LIBRARY_PREFIX));
}

/* Return: the address of the control block in the range, or 0. */
static uint64_t search_range(pid_t pid, uint64_t start, uint64_t end)
{
	enum { MAGIC_LEN = sizeof(CONTROL_MAGIC), BATCH = 512 };
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	char found[BATCH][MAGIC_LEN];

	for (uint64_t addr = start; addr < end; addr += BATCH * page_size) {
		size_t count = min_size((end - addr) / page_size, BATCH);

		memset(found, 0, sizeof(found));
		if (read_pieces(pid, addr, page_size, MAGIC_LEN, count,
				found[0]) < 0)
			return 0;
		for (size_t i = 0; i < count; i++)
			if (!memcmp(found[i], CONTROL_MAGIC, MAGIC_LEN))
				return addr + i * page_size;
	}
	return 0;
}

/*
 * Searches the mappings of one library. @behind is where its last mapping
 * ended: what follows directly and has no file is its .bss.
 */
struct search {
	bool seen;
	uint64_t behind;
	uint64_t limit;
	uint64_t found;
};

static void search_mapping(struct search *s, pid_t pid,
			   const struct mapping *m)
{
	if (is_library(m)) {
		s->seen = true;
		s->limit = m->end + SEARCH_AT_MOST;
	} else if (!s->seen || m->inode || m->start != s->behind) {
		return;
	}
	s->behind = m->end;
	if (m->writable)
		s->found = search_range(pid, m->start,
					min_size(m->end, s->limit));
}

static enum target_status find_control(struct target *t, uint64_t *ret_addr)
{
	char path[64];
	struct search s = { 0 };
	char *line = NULL;
	size_t size = 0;
	FILE *maps;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->pid);
	maps = fopen(path, "re");
	if (!maps)
		return status_of(t, errno);
	errno = 0;
	while (!s.found && getline(&line, &size, maps) > 0) {
		struct mapping m;

		if (parse_mapping(line, &m))
			search_mapping(&s, t->pid, &m);
	}
	err = ferror(maps) ? errno : 0;
	free(line);
	fclose(maps);
	if (err)
		return status_of(t, err);
	*ret_addr = s.found;
	if (!s.seen)
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
	static struct control_area before[NR_AREA_RECORDS];
	static struct control_area after[NR_AREA_RECORDS];
	struct control_area *records = t->control.areas[table];
	size_t nr = t->control.area_heads[table].nr;
	size_t len = nr * sizeof(*records);
	int err = read_memory(t->pid, addr, before, len);

	if (!err)
		err = read_memory(t->pid, addr, records, len);
	if (!err)
		err = read_memory(t->pid, addr, after, len);
	for (size_t i = 0; i < nr && !err; i++)
		if (before[i].seq != after[i].seq)
			records[i].seq = 1;
		else
			records[i].seq = before[i].seq;
	return err;
}

/* Only those in use: to look at memory makes page tables for it. */
static enum target_status read_areas(struct target *t, uint64_t addr)
{
	for (int table = 0; table < NR_AREA_TABLES; table++) {
		size_t offset = offsetof(struct control_block, areas) +
				(size_t)table * sizeof(t->control.areas[0]);
		int err = 0;

		if (t->control.area_heads[table].nr)
			err = read_records(t, (enum control_area_table)table,
					   addr + offset);
		if (err)
			return status_of(t, -err);
	}
	return TARGET_OK;
}

static enum target_status read_control(struct target *t, uint64_t addr)
{
	struct control_block *c = &t->control;
	int err = read_memory(t->pid, addr, c,
			      offsetof(struct control_block, page_size));

	if (err)
		return status_of(t, -err);
	t->version = c->version;
	if (c->version != CONTROL_VERSION || c->size != sizeof(*c))
		return TARGET_OTHER_VERSION;
	err = read_memory(t->pid, addr, c, offsetof(struct control_block, areas));
	if (err)
		return status_of(t, -err);
	if (!c->page_size)
		return TARGET_NOT_STARTED;
	if (!check_control(c))
		return TARGET_DAMAGED;
	return read_areas(t, addr);
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
		err = read_pieces(t->pid, percpu->base + cpu * percpu->stride,
				  percpu->stride, HEADERS_SIZE, batch,
				  (char *)headers);
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
		return status_of(t, ENOMEM);
	err = read_slots(t, headers);
	free(headers);
	return err ? status_of(t, -err) : TARGET_OK;
}

enum target_status target_read(struct target *t, pid_t pid)
{
	enum target_status status;
	uint64_t addr;

	memset(t, 0, sizeof(*t));
	t->pid = pid;
	status = find_control(t, &addr);
	if (status == TARGET_OK)
		status = read_control(t, addr);
	if (status == TARGET_OK)
		status = read_sheaves(t);
	return status;
}
