/* SPDX-License-Identifier: MIT */
/*
 * unshare.c - wrappers of calls that a process with several threads may not make.
 *
 * A thread of ours must not be what makes them fail: the one that fills lazy
 * mappings ends before them, and starts again with the next mapping that needs it.
 */
#include <sched.h>

#include "malloc/internal.h"
#include "os/os.h"
#include "os/syscall.h"
#include "vma/lazy.h"

EXPORT int unshare(int flags)
{
	lazy_stop();
	return (int)syscall_result(os_syscall1(SYS_unshare, flags));
}

EXPORT int setns(int fd, int type)
{
	lazy_stop();
	return (int)syscall_result(os_syscall2(SYS_setns, fd, type));
}
