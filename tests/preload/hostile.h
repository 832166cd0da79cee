/* SPDX-License-Identifier: MIT */
/*
 * hostile.h - what a program, or who runs it, does to descriptors and to system
 * calls that a library might think are its own.
 */
#ifndef PRELOAD_HOSTILE_H
#define PRELOAD_HOSTILE_H

#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/*
 * All descriptors are overwritten, closed, and forbidden, and the root changes.
 * Before each of it and after the last, five times in all, @works(@arg, 0 .. 4).
 */
__attribute__((unused)) static void
lose_descriptors(void (*works)(void *arg, size_t step), void *arg)
{
	struct rlimit nothing = {0, 0};
	int fd;

	works(arg, 0);
	for (fd = 3; fd < 300; fd++)
		CHECK(dup2(2, fd) == fd);
	works(arg, 1);
	CHECK(!syscall(SYS_close_range, 3, ~0u, 0));
	works(arg, 2);
	closefrom(3);
	CHECK(!close(0) && !close(1));
	works(arg, 3);
	CHECK(!setrlimit(RLIMIT_NOFILE, &nothing));
	CHECK(!geteuid() ? !chroot("/") : 1);
	works(arg, 4);
}

__attribute__((unused)) static size_t count_descriptors(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* From here on the two system calls fail with EPERM. */
__attribute__((unused)) static void refuse_calls(int one, int other)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)one, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)other, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

#endif
