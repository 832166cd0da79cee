/* SPDX-License-Identifier: MIT */
/*
 * pager.c - threads that own a userfaultfd: one for the mappings of user pagers
 * (map.c), one for lazy mappings (lazy.c), so that neither waits for the other.
 *
 * Each starts with the first mapping that needs it, never from inside malloc. Its
 * descriptor table is its own, so the program neither sees the userfaultfd nor
 * can close it, and the numbers of the program's descriptors stay as they would
 * be without us. All signals are blocked. It sleeps in read() and does nothing
 * else than answer faults; all ioctls are made here.
 *
 * States: STOPPED -> STARTING -> RUNNING or REFUSED; RUNNING -> STOPPED for a
 * pager that was told to. A child of a fork starts with STOPPED.
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

static bool forbidden; /* Const after start-up */

bool in_pager(const struct pager *pager)
{
	return load_acquire(&pager->state) == RUNNING &&
	       pager->thread == &thread_word;
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

/* Until the pager is told to stop. */
static void answer_faults(struct pager *pager, int uffd)
{
	struct os_fault faults[MAX_FAULTS];

	while (!pager->stop) {
		int nr = os_uffd_wait(uffd, faults, MAX_FAULTS);

		if (nr < 0 && nr != -EINTR && nr != -EAGAIN)
			bug("userfaultfd: error %d", -nr);
		for (int i = 0; i < nr; i++)
			if (!is_repeated(faults, i))
				pager->ops->fault(uffd, faults[i].addr,
						  faults[i].write);
	}
}

static int open_uffd(struct pager *pager)
{
	int err = os_unshare_files();
	int uffd = err < 0 ? err : os_uffd_open(true, pager->ops->needs);

	pager->kernel_faults = uffd >= 0;
	if (uffd < 0 && !err && !pager->ops->all_faults)
		uffd = os_uffd_open(false, pager->ops->needs);
	if (uffd < 0)
		return uffd;
	err = pager->ops->watch(uffd);
	return err < 0 ? err : uffd;
}

static void set_state(struct pager *pager, enum state state)
{
	store_release(&pager->state, (uint32_t)state);
	host_futex_wake(&pager->state, INT32_MAX);
}

static void say(const struct pager *pager, int uffd)
{
	if (uffd == -ENOSYS)
		control_set_mode(pager->ops->mode, "off",
				 "userfaultfd is missing");
	else if (uffd < 0)
		control_set_mode(pager->ops->mode, "off",
				 "userfaultfd is refused");
	else
		control_set_mode(pager->ops->mode, "on",
				 pager->kernel_faults ?
					 "all faults" :
					 "not those of system calls");
}

static void *pager_main(void *arg)
{
	struct pager *pager = arg;
	int uffd = open_uffd(pager);

	pager->thread = &thread_word;
	pager->tid = os_gettid();
	pager->err = uffd < 0 ? uffd : 0;
	say(pager, uffd);
	set_state(pager, uffd < 0 ? REFUSED : RUNNING);
	if (uffd >= 0) {
		answer_faults(pager, uffd);
		os_uffd_close(uffd);
		control_set_mode(pager->ops->mode, "off", "not needed now");
		set_state(pager, STOPPED);
	}
	return NULL;
}

/* --- starting it --- */

static int spawn(struct pager *pager)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, pager_main, pager);
	pthread_attr_destroy(&attr);
	return -err;
}

static int start_once(struct pager *pager)
{
	uint32_t state = STOPPED;
	sigset_t all, before;
	int err = 0;

	/*
	 * The new thread inherits the mask; and a handler of this one that needs
	 * the pager, too, would wait for ever in the middle of it.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (cas_acquire(&pager->state, &state, STARTING)) {
		pager->stop = false;
		err = spawn(pager);
		if (err)
			set_state(pager, STOPPED);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int pager_start(struct pager *pager, bool kernel_faults)
{
	uint32_t state = load_acquire(&pager->state);
	int err = 0;

	if (forbidden)
		return -EPERM;
	if (state == STOPPED)
		err = start_once(pager);
	if (err)
		return err;
	while ((state = load_acquire(&pager->state)) == STARTING)
		host_futex_wait(&pager->state, STARTING);
	if (state == RUNNING)
		return kernel_faults && !pager->kernel_faults ? -EPERM : 0;
	/* Who waited for a thread that could not be started has no better luck. */
	return state == REFUSED ? pager->err : -EAGAIN;
}

bool pager_runs(const struct pager *pager)
{
	return load_acquire(&pager->state) == RUNNING;
}

void pager_wait_for_end(const struct pager *pager)
{
	/* The kernel's end of it comes a little after libc's. */
	while (os_thread_exists(pager->tid))
		host_yield();
}

void pager_forbid(void)
{
	forbidden = true;
}

bool pager_forget(struct pager *pager)
{
	uint32_t state = load_relaxed(&pager->state);

	/* A store would copy a page in every child. */
	if (state != STARTING && state != RUNNING)
		return false;
	store_relaxed(&pager->state, STOPPED);
	control_set_mode(pager->ops->mode, "off", "not needed yet");
	return true;
}
