/* SPDX-License-Identifier: MIT */
/*
 * stats_file.c - see stats_file.h.
 *
 * The text goes into PATH.PID.tmp first, which then takes the place of PATH.
 * Everything big is static: the stack of whoever calls may be small.
 */
#include "proc/stats_file.h"

#include <errno.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/host.h"
#include "os/file.h"
#include "os/os.h"
#include "proc/proc.h"

/* Far more than all files together: see os_file_size_limit(). */
#define SIZE_AT_MOST MiB(2)

/* Owner: the thread that set `writer` to its process id. */
static struct {
	struct proc_snapshot snapshot;
	int fd;
	int error;
	char path[512];
	char tmp[544];
	char buf[4096];
} out SPARSE_TABLE;

/*
 * Id of the process that is writing, or 0. Atomic. An id and not a flag: a
 * child forked while another thread was writing inherits the memory, but not
 * the thread that would clear the flag.
 */
static uint32_t writer;

/* Id of the process that wants to write for the last time, or 0. Atomic. */
static uint32_t closing;

static bool claim(uint32_t pid)
{
	uint32_t seen = load_relaxed(&writer);

	return seen != pid && cas_acquire(&writer, &seen, pid);
}

static bool expand_pattern(const char *pattern, uint32_t pid)
{
	size_t len = 0;

	for (const char *p = pattern; *p; p++) {
		char *at = out.path + len;
		size_t room = sizeof(out.path) - len;

		if (p[0] == '%' && p[1] == 'p') {
			len += fmt_snprintf(at, room, "%u", pid);
			p++;
		} else {
			len += fmt_snprintf(at, room, "%c", *p);
			p += p[0] == '%' && p[1] == '%';
		}
		if (len >= sizeof(out.path))
			return false;
	}
	fmt_snprintf(out.tmp, sizeof(out.tmp), "%s.%u.tmp", out.path, pid);
	return true;
}

static void flush(struct seq_file *m)
{
	if (!out.error)
		out.error = os_write_file(out.fd, m->buf, m->len);
}

static void show_files(void)
{
	struct seq_file m = {
		.buf = out.buf,
		.size = sizeof(out.buf),
		.flush = flush,
	};

	proc_snapshot_self(&out.snapshot);
	for (size_t i = 0; i < nr_proc_files; i++) {
		seq_printf(&m, "==> %s <==\n", proc_files[i].name);
		proc_files[i].show(&m, &out.snapshot);
		seq_puts(&m, "\n");
	}
	flush(&m);
}

/* A file of that name was left by a process that was killed while writing. */
static int create_tmp(void)
{
	int fd = os_create_file(out.tmp, 0644);

	if (fd != -EEXIST)
		return fd;
	os_unlink_file(out.tmp);
	return os_create_file(out.tmp, 0644);
}

/*
 * The file first: a sandbox refuses to open it and kills for asking more. Under
 * a limit on file sizes the program would get a signal for our writing.
 */
static int replace_file(void)
{
	out.error = 0;
	out.fd = create_tmp();
	if (out.fd < 0)
		return out.fd;
	if (os_file_size_limit() < SIZE_AT_MOST)
		out.error = -EFBIG;
	else
		show_files();
	os_close_file(out.fd);
	if (!out.error)
		out.error = os_rename_file(out.tmp, out.path);
	if (out.error)
		os_unlink_file(out.tmp);
	return out.error;
}

/* Wait at most a tenth of a second in all. */
static bool claim_patiently(uint32_t pid)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (claim(pid))
			return true;
		host_yield();
	}
	return false;
}

static void write_and_release(const char *pattern, uint32_t pid)
{
	static uint32_t warned;
	int err;

	err = expand_pattern(pattern, pid) ? replace_file() : -ENAMETOOLONG;
	/* Pairs with the compare-and-swap in claim(). */
	store_release(&writer, 0u);
	/* EACCES is what sandboxes answer, and in one not even a warning may
	 * be written: a limit on file sizes makes it a signal. */
	if (err && err != -EACCES && !exchange_acquire(&warned, 1u))
		warn("cannot write the stats file %s: error %d", pattern, -err);
}

void stats_file_write(const char *pattern)
{
	uint32_t pid = os_getpid();

	if (*pattern && load_relaxed(&closing) != pid && claim(pid))
		write_and_release(pattern, pid);
}

void stats_file_write_last(const char *pattern)
{
	uint32_t pid = os_getpid();

	if (!*pattern)
		return;
	store_relaxed(&closing, pid);
	if (claim_patiently(pid))
		write_and_release(pattern, pid);
}
