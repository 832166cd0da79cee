/* SPDX-License-Identifier: MIT */
/*
 * subject.c - see subject.h.
 *
 * A process may end, and another one get its id, at any time. The folder in
 * /proc stays that of the first one and can be read as long as that lives. So
 * what was read by id was of that process if the folder can be read afterwards.
 */
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memo.h"
#include "process.h"
#include "show.h"
#include "target.h"

/* --- what the kernel says of the process --- */

enum { NSEC_PER_SEC = 1000000000 };

static int64_t boot_nsec; /* when the system started */

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Once: the difference of two clocks is never the same twice. */
static void read_boot(void)
{
	boot_nsec = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}

/* The start of a file of the process. Return: its length, or -errno. */
static ssize_t read_file(const struct subject *s, const char *name, char *buf,
			 size_t size)
{
	int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	if (len < 0)
		len = -errno;
	close(fd);
	return len;
}

static bool read_use(const struct subject *s, struct process_use *ret)
{
	char stat[1024];
	ssize_t len = read_file(s, "stat", stat, sizeof(stat) - 1);

	if (len < 0)
		return false;
	stat[len] = '\0';
	return process_parse_use(stat, ret);
}

/*
 * What the kernel told the program at its start has random addresses in it. To
 * read that takes no lock of the process, unlike its mappings.
 */
static bool read_image(const struct subject *s, uint64_t *ret)
{
	unsigned char auxv[1024];
	ssize_t len = read_file(s, "auxv", (char *)auxv, sizeof(auxv));

	/* FNV-1a */
	*ret = 0xcbf29ce484222325;
	for (ssize_t i = 0; i < len; i++)
		*ret = (*ret ^ auxv[i]) * 0x100000001b3;
	return len >= 0;
}

static struct timespec time_of(uint64_t ticks)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int64_t nsec = (int64_t)ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));

	pthread_once(&once, read_boot);
	nsec += boot_nsec;
	return (struct timespec){
		.tv_sec = nsec / NSEC_PER_SEC,
		.tv_nsec = nsec % NSEC_PER_SEC,
	};
}

int subject_stat(const struct subject *s, struct stat *st)
{
	struct process_use use;
	struct stat folder;

	if (fstat(s->folder, &folder) || !read_use(s, &use))
		return -ENOENT;
	st->st_uid = folder.st_uid;
	st->st_gid = folder.st_gid;
	st->st_mtim = time_of(use.started);
	st->st_atim = st->st_mtim;
	st->st_ctim = st->st_mtim;
	return 0;
}

static bool is_alive(const struct subject *s)
{
	return !faccessat(s->folder, "stat", F_OK, 0);
}

/* --- what it shows --- */

static int error_of(const struct target *t, enum target_status status)
{
	switch (status) {
	case TARGET_OK:
		return 0;
	case TARGET_NO_PROCESS:
	case TARGET_NO_LIBRARY:
	case TARGET_NOT_STARTED:
		return -ESRCH;
	case TARGET_NO_PERMISSION:
		return -EACCES;
	case TARGET_OTHER_VERSION:
		return -EPROTONOSUPPORT;
	case TARGET_DAMAGED:
	case TARGET_NO_CORE:
	case TARGET_TRUNCATED:
		return -EIO;
	case TARGET_FAILED:
		break;
	}
	/* Memory that was there a moment ago: it runs another program now. */
	return t->error == EFAULT ? -ESRCH : -t->error;
}

static int find(const struct subject *s, struct target *t)
{
	uint64_t place = memo_place(s->pid), image;
	bool has_image = !place && read_image(s, &image);
	enum target_status status;

	if (has_image && memo_is_foreign(s->pid, image))
		return -ESRCH;
	status = target_find(t, s->pid, place);
	if (status == TARGET_OK)
		memo_set_place(s->pid, t->address);
	else if (has_image && status == TARGET_NO_LIBRARY)
		memo_set_foreign(s->pid, image);
	return error_of(t, status);
}

/* Is it on the library, of whatever version? */
static int look(const struct subject *s)
{
	struct target *t = target_new();
	int err = t ? find(s, t) : -ENOMEM;

	free(t);
	return err == -EPROTONOSUPPORT ? 0 : err;
}

static int reread(struct target *t, const struct proc_file *file)
{
	t->without_areas = !proc_shows_areas(file);
	return error_of(t, target_reread(t));
}

static int print_file(const struct subject *s, const struct proc_file *file,
		      FILE *out)
{
	struct target *t = target_new();
	int err;

	if (!t)
		return -ENOMEM;
	err = find(s, t);
	if (!err)
		err = reread(t, file);
	if (!err)
		show_proc_file(&t->snapshot, file, out);
	free(t);
	return err;
}

static int print_command_line(const struct subject *s, FILE *out)
{
	int fd = openat(s->folder, "cmdline", O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t len;

	if (fd < 0)
		return -errno;
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)len, out);
	len = len < 0 ? -errno : 0;
	close(fd);
	/* In a process that is just ending it is empty. */
	return len ? (int)len : look(s);
}

int subject_print(const struct subject *s, const struct reader *r,
		  const struct proc_file *file, FILE *out)
{
	int err = reader_check(r, s->folder);

	if (!err)
		err = file ? print_file(s, file, out) :
			     print_command_line(s, out);
	/* Again: it may just have become a program with more rights. */
	if (!err)
		err = reader_check(r, s->folder);
	return is_alive(s) ? err : -ESRCH;
}

static int check_subject(const struct subject *s, const struct reader *r)
{
	int err = reader_check(r, s->folder);

	if (!err)
		err = look(s);
	return err == -ESRCH || !is_alive(s) ? -ENOENT : err;
}

int subject_open(struct subject *s, pid_t pid, const struct reader *r)
{
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	s->pid = pid;
	s->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0)
		return -errno;
	err = check_subject(s, r);
	if (err)
		subject_close(s);
	return err;
}

void subject_close(const struct subject *s)
{
	close(s->folder);
}
