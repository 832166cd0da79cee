/* SPDX-License-Identifier: MIT */
/*
 * pager.c - the thread that owns the userfaultfd.
 *
 * It starts with the first mapping that needs it, never from inside malloc. Its
 * descriptor table is its own, so the program neither sees the userfaultfd nor
 * can close it, and the numbers of the program's descriptors stay as they would
 * be without us. All signals are blocked. It sleeps in read() and does nothing
 * else than answer faults; all ioctls are made here.
 *
 * States: STOPPED -> STARTING -> RUNNING or REFUSED. A child of a fork starts
 * with STOPPED.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/control.h"
#include "base/host.h"
#include "os/os.h"
#include "os/uffd.h"
#include "page_alloc/page.h"
#include "percpu/thread.h"
#include "vma/internal.h"
#include "vma/map.h"

enum {
	STACK_SIZE = 256 * 1024, /* for operations of the program */
	MAX_FAULTS = 32, /* read at once */
};

enum state { STOPPED, STARTING, RUNNING, REFUSED };

static struct {
	uint32_t state; /* Atomic: enum state, and futex of those who wait */
	bool kernel_faults; /* Const while RUNNING, like the rest */
	int err; /* REFUSED: why */
	struct thread_word *thread;
	bool forbidden; /* Const after start-up */
} pager;

bool in_pager(void)
{
	return load_acquire(&pager.state) == RUNNING &&
	       pager.thread == &thread_word;
}

/* --- the thread --- */

/* Was the page of @faults[i] touched by an earlier one of them, too? */
static bool is_repeated(const struct os_fault *faults, int i)
{
	for (int j = 0; j < i; j++)
		if (faults[j].addr == faults[i].addr)
			return true;
	return false;
}

static NORETURN void answer_faults(int uffd)
{
	struct os_fault faults[MAX_FAULTS];

	for (;;) {
		int nr = os_uffd_wait(uffd, faults, MAX_FAULTS);

		if (nr < 0 && nr != -EINTR && nr != -EAGAIN)
			bug("userfaultfd: error %d", -nr);
		for (int i = 0; i < nr; i++)
			if (!is_repeated(faults, i))
				handle_mm_fault(uffd, faults[i].addr,
						faults[i].write);
	}
}

static int open_uffd(void)
{
	int err = os_unshare_files();
	int uffd = err < 0 ? err : os_uffd_open(true, true);

	pager.kernel_faults = uffd >= 0;
	if (uffd < 0 && !err)
		uffd = os_uffd_open(false, true);
	if (uffd < 0)
		return uffd;
	err = os_uffd_register(uffd, pager_mm.start,
			       pager_mm.end - pager_mm.start);
	return err < 0 ? err : uffd;
}

static void set_state(enum state state)
{
	store_release(&pager.state, (uint32_t)state);
	host_futex_wake(&pager.state, INT32_MAX);
}

static void *pager_main(void *unused)
{
	int uffd = open_uffd();

	(void)unused;
	pager.thread = &thread_word;
	pager.err = uffd < 0 ? uffd : 0;
	if (uffd < 0) {
		control_set_mode(MODE_PAGER, "off",
				 uffd == -ENOSYS ? "userfaultfd is missing" :
						   "userfaultfd is refused");
		set_state(REFUSED);
		return NULL;
	}
	control_set_mode(MODE_PAGER, "on",
			 pager.kernel_faults ? "all faults" :
					       "not those of system calls");
	set_state(RUNNING);
	answer_faults(uffd);
}

/* --- starting it --- */

static int spawn(void)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* The new thread inherits the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, pager_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

int pager_start(bool kernel_faults)
{
	uint32_t state = STOPPED;
	int err;

	if (pager.forbidden)
		return -EPERM;
	if (cas_acquire(&pager.state, &state, STARTING)) {
		err = spawn();
		if (err) {
			set_state(STOPPED);
			return err;
		}
	}
	while ((state = load_acquire(&pager.state)) == STARTING)
		host_futex_wait(&pager.state, STARTING);
	if (state == RUNNING)
		return kernel_faults && !pager.kernel_faults ? -EPERM : 0;
	/* Who waited for a thread that could not be started has no better luck. */
	return state == REFUSED ? pager.err : -EAGAIN;
}

void pager_forbid(void)
{
	pager.forbidden = true;
}

void pager_forget(void)
{
	store_relaxed(&pager.state, STOPPED);
}
