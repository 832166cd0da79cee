/* SPDX-License-Identifier: MIT */
/*
 * reader.c - see reader.h. The kernel decides: for a moment this thread takes
 * the reader's place and opens the memory of the process.
 *
 * Its file system user is changed, not its real user, so that the reader cannot
 * send it signals meanwhile; all of it is the thread's own, which is why there
 * are system calls in place of the C library's functions for the process.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAP_WORDS = _LINUX_CAPABILITY_U32S_3 };

static struct __user_cap_header_struct cap_header(void)
{
	return (struct __user_cap_header_struct){
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
}

static bool get_capabilities(struct __user_cap_data_struct caps[CAP_WORDS])
{
	struct __user_cap_header_struct header = cap_header();

	return !syscall(SYS_capget, &header, caps);
}

static bool set_capabilities(const struct __user_cap_data_struct *caps)
{
	struct __user_cap_header_struct header = cap_header();

	return !syscall(SYS_capset, &header, caps);
}

/* The calls do not say whether they did it, except to a question like this. */
static bool is_user(const struct reader *r)
{
	return (uid_t)setfsuid((uid_t)-1) == r->uid &&
	       (gid_t)setfsgid((gid_t)-1) == r->gid;
}

static int open_memory(int folder)
{
	int fd = openat(folder, "mem", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int check_as(const struct reader *r, int folder)
{
	struct __user_cap_data_struct caps[CAP_WORDS], none[CAP_WORDS];
	int err = -EACCES;

	if (!get_capabilities(caps))
		return -errno;
	for (int i = 0; i < CAP_WORDS; i++) {
		none[i] = caps[i];
		none[i].effective = 0;
	}
	setfsgid(r->gid);
	setfsuid(r->uid);
	if (is_user(r) && set_capabilities(none)) {
		err = open_memory(folder);
		set_capabilities(caps);
	}
	setfsuid(geteuid());
	setfsgid(getegid());
	/* The change of users may have taken some, too. */
	if (!set_capabilities(caps))
		return -errno;
	return err;
}

int reader_check(const struct reader *r, int folder)
{
	/* Root may do whatever this process may. */
	if (!r->uid || (r->uid == geteuid() && r->gid == getegid()))
		return 0;
	return check_as(r, folder);
}
