/* SPDX-License-Identifier: MIT */
/* file.c - see file.h. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "os/syscall.h"

static int open_file(const char *path, int flags, unsigned int mode)
{
	long fd;

	do {
		fd = os_syscall4(SYS_openat, AT_FDCWD, (long)path,
				 flags | O_CLOEXEC | O_NOCTTY, (long)mode);
	} while (fd == -EINTR);
	return (int)fd;
}

long os_read_file(const char *path, char *buf, size_t size)
{
	int fd = open_file(path, O_RDONLY, 0);
	size_t len = 0;
	long n = 0;

	if (fd < 0)
		return fd;
	while (len < size - 1) {
		n = os_syscall3(SYS_read, fd, (long)(buf + len),
				(long)(size - 1 - len));
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	os_close_file(fd);
	buf[len] = '\0';
	return n < 0 ? n : (long)len;
}

int os_create_file(const char *path, unsigned int mode)
{
	return open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

uint64_t os_file_size_limit(void)
{
	struct rlimit lim = { .rlim_cur = RLIM_INFINITY };

	os_syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&lim);
	return lim.rlim_cur;
}

int os_write_file(int fd, const char *buf, size_t len)
{
	while (len) {
		long n = os_syscall3(SYS_write, fd, (long)buf, (long)len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

void os_close_file(int fd)
{
	os_syscall1(SYS_close, fd);
}

int os_rename_file(const char *from, const char *to)
{
	/* renameat2: there is no plain renameat on newer architectures. */
	return (int)os_syscall5(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD,
				(long)to, 0);
}

int os_unlink_file(const char *path)
{
	return (int)os_syscall3(SYS_unlinkat, AT_FDCWD, (long)path, 0);
}
