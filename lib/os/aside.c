/* SPDX-License-Identifier: MIT */
/*
 * aside.c - see aside.h. One at a time: there is one stack.
 */
#include "os/aside.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/atomic.h"
#include "os/syscall.h"

struct job {
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static char stack[16384] __attribute__((aligned(16)));
static uint32_t busy; /* Atomic */

static int run(void *arg)
{
	struct job *job = arg;

	job->result = job->fn(job->arg);
	return 0;
}

/* errno is the caller's, and clone() sets it. */
static int start(struct job *job)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_VFORK;
	int saved = errno, err = 0;

	if (clone(run, stack + sizeof(stack), flags, job) < 0)
		err = -errno;
	errno = saved;
	return err;
}

int os_aside(int (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };
	uint64_t all = ~0ull, before;
	int err;

	if (exchange_acquire(&busy, 1))
		return -EBUSY;
	/* A handler would run without restartable sequences, on that stack. */
	os_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before,
		    sizeof(all));
	err = start(&job);
	os_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0,
		    sizeof(before));
	store_release(&busy, 0);
	return err ? err : job.result;
}
