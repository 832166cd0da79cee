/* SPDX-License-Identifier: MIT */
/*
 * lazy.c - mappings that get their pages when they are touched, from what is kept
 * of earlier ones.
 *
 * What mapping.c keeps serves whole mappings of the same size at once. This serves
 * the larger ones, and those of which nobody knows how much will be used: the new
 * mapping is the kernel's, its missing pages are reported to a pager, and each
 * fault is answered with the pages that come next, cleared and moved in
 * (UFFDIO_MOVE). A reader that goes forward gets twice as many each time, up to
 * AROUND_MAX. As soon as nothing is kept any more, or faults come from all over the
 * mapping, it is handed back to the kernel, for whom a missing page of it is a zero
 * page as ever: to stop costs one system call.
 *
 * An answered fault costs ten times what the kernel takes for one of its own, so
 * the pager must bring many pages with each, and pages that are there already: to
 * make new ones is what is dear, and nobody does that faster than the kernel
 * (docs/DESIGN.md has the figures).
 *
 * Only the pager may speak to the kernel about it. Others ask it by touching a page
 * that it watches, the doorbell: their fault is the request, its end the answer.
 *
 * Lock: mm_lock for `armed` and to ring. Who rings holds it, and any thread may hold
 * it while its own stack, being part of a lazy mapping, has a fault: so the pager
 * never waits for it, and without it hands out a single zero page.
 */
#include "vma/lazy.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os/uffd.h"
#include "page_alloc/page.h"
#include "percpu/thread.h"
#include "vma/internal.h"
#include "vma/mapping.h"

enum {
	NR_ARMED = 16,
	/* Bytes a fault brings: of the first, and of those of a long row. */
	AROUND_MIN = KiB(64),
	AROUND_MAX = MiB(2),
	/* Faults beside the row until a mapping is the kernel's again. */
	STRAYS_MAX = 8,
	/* Less is not worth the thread. */
	KEPT_MIN = MiB(1),
};

static struct armed {
	uintptr_t start, end; /* 0: free */
	uintptr_t next; /* where a reader that goes forward misses a page */
	size_t around;
	unsigned int strays;
} armed[NR_ARMED];

/* Written at start; later only turned off, with mm_lock held. Atomic */
static enum { LAZY_OFF, LAZY_AUTO, LAZY_ON } lazy;

static void answer(int uffd, uintptr_t addr, bool write);
static int watch_doorbell(int uffd);

static const struct pager_ops lazy_pager_ops = {
	.watch = watch_doorbell,
	.fault = answer,
	.mode = MODE_LAZY,
	.needs = OS_UFFD_MOVE,
	.all_faults = true,
};

static struct pager lazy_pager = { .ops = &lazy_pager_ops };

void lazy_init(bool quiet)
{
	if (quiet || params.lazy == TRI_OFF) {
		control_set_mode(MODE_LAZY, "off",
				 quiet ? "quiet" : "asked for");
		return;
	}
	lazy = params.lazy == TRI_ON ? LAZY_ON : LAZY_AUTO;
	control_set_mode(MODE_LAZY, "auto",
			 lazy == LAZY_ON ? "with the first large mapping" :
					   "once the program has a pager");
}

bool lazy_wants(size_t size)
{
	return load_relaxed(&lazy) != LAZY_OFF &&
	       size >= params.lazy_min << 10 &&
	       (load_relaxed(&lazy) == LAZY_ON || pager_runs(&map_pager)) &&
	       load_relaxed(&params.mmap_cache);
}

/* --- the doorbell --- */

enum request { NOTHING, ARM, DISARM, STOP };

/* Lock: mm_lock, of who rings; read by the pager while that waits. */
static struct {
	char *page;
	enum request request;
	uintptr_t start, end;
	int result; /* Atomic */
} bell;

static int watch_doorbell(int uffd)
{
	return os_uffd_register(uffd, (uintptr_t)bell.page, PAGE_SIZE);
}

/* With the lock held. */
static bool hang_doorbell(void)
{
	char *page = bell.page ? bell.page : os_reserve(PAGE_SIZE, false);

	if (page && !bell.page && os_commit(page, PAGE_SIZE) < 0) {
		os_release(page, PAGE_SIZE);
		page = NULL;
	}
	bell.page = page;
	return page != NULL;
}

/* With the lock held. Return: 0 or -errno. */
static int ring(enum request request, uintptr_t start, uintptr_t end)
{
	bell.request = request;
	bell.start = start;
	bell.end = end;
	store_release(&bell.result, -EAGAIN);
	(void)*(volatile char *)bell.page;
	/* For the next one. Locked by the program: it will ring no more. */
	if (os_purge(bell.page, PAGE_SIZE) < 0)
		store_relaxed(&lazy, LAZY_OFF);
	return load_acquire(&bell.result);
}

/* In the pager. Asked for nothing: a fault seen twice, because of a signal. */
static void answer_bell(int uffd)
{
	size_t size = bell.end - bell.start;
	int err = 0;

	switch (bell.request) {
	case ARM:
		err = os_uffd_register(uffd, bell.start, size);
		break;
	case DISARM:
		os_uffd_unregister(uffd, bell.start, size);
		break;
	case STOP:
		lazy_pager.stop = true;
		break;
	case NOTHING:
		break;
	}
	if (bell.request != NOTHING)
		store_release(&bell.result, err);
	bell.request = NOTHING;
	os_uffd_zero(uffd, (uintptr_t)bell.page);
}

/* --- faults. In the pager --- */

static struct armed *find_armed(uintptr_t addr)
{
	for (int i = 0; i < NR_ARMED; i++)
		if (addr - armed[i].start < armed[i].end - armed[i].start)
			return &armed[i];
	return NULL;
}

/* Is there a row to go on with? How much to bring is up to date afterwards. */
static bool follow(struct armed *a, uintptr_t addr)
{
	if (addr == a->next) {
		a->around = min_size(2 * a->around, AROUND_MAX);
		a->strays = 0;
	} else {
		a->around = AROUND_MIN;
		a->strays++;
	}
	return a->strays <= STRAYS_MAX;
}

static void hand_back(int uffd, struct armed *a)
{
	count_vm_event(LAZY_HANDED_BACK);
	os_uffd_unregister(uffd, a->start, a->end - a->start);
	a->start = a->end = 0;
}

/*
 * With the lock held, for a missing page: memory to fill it with, and what comes
 * next. Return: NULL if there is none, or if the page is the kernel's now.
 */
static struct kept *plan(int uffd, uintptr_t addr, struct loan *ret_loan)
{
	struct armed *a = find_armed(addr);
	struct kept *k = NULL;

	if (a && follow(a, addr))
		k = kept_borrow(min_size(a->around, a->end - addr), ret_loan);
	if (k) {
		a->next = addr + ret_loan->size;
		mapping_count_fault(addr, ret_loan->size >> PAGE_SHIFT);
	} else if (a) {
		hand_back(uffd, a);
	}
	return k;
}

/* Return: whether the page is there now. */
static bool fill(int uffd, uintptr_t addr, const struct loan *loan)
{
	size_t moved = 0;

	/* It may have been made read-only by a call that no wrapper saw. */
	if (os_protect(loan->addr, loan->size, true, true) == 0) {
		memset(loan->addr, 0, loan->size);
		moved = os_uffd_move(uffd, addr, loan->addr, loan->size);
	}
	if (moved)
		count_vm_events(FAULT_AROUND, (moved >> PAGE_SHIFT) - 1);
	count_vm_events(PGMOVE, moved >> PAGE_SHIFT);
	return moved;
}

static void fill_missing(int uffd, uintptr_t addr)
{
	struct kept *k = NULL;
	struct loan loan;
	bool filled;

	if (mm_lock_try()) {
		k = plan(uffd, addr, &loan);
		mm_lock_release();
	}
	filled = k && fill(uffd, addr, &loan);
	if (k)
		kept_return(k, &loan);
	if (filled)
		return;
	/* The mapping is not what it was, but one page it shall have. */
	if (k && mm_lock_try()) {
		struct armed *a = find_armed(addr);

		if (a)
			hand_back(uffd, a);
		mm_lock_release();
	}
	os_uffd_zero(uffd, addr);
}

static void answer(int uffd, uintptr_t addr, bool write)
{
	(void)write;
	if (addr == (uintptr_t)bell.page) {
		answer_bell(uffd);
	} else if (!os_is_resident((void *)addr)) {
		count_vm_event(LAZY_FAULT);
		fill_missing(uffd, addr);
	}
	/* Also those whose page was there already, or is not mapped any more. */
	os_uffd_wake(uffd, addr, PAGE_SIZE);
}

/* --- arming --- */

/* With the lock held. */
static void arm(uintptr_t start, uintptr_t end)
{
	struct armed *a = armed;

	/* What was there is gone, by a system call that no wrapper saw. */
	lazy_disarm(start, end, true);
	while (a < armed + NR_ARMED && a->start)
		a++;
	if (a == armed + NR_ARMED || ring(ARM, start, end) < 0)
		return;
	*a = (struct armed){
		.start = start,
		.end = end,
		.next = start,
		.around = AROUND_MIN / 2,
	};
	count_vm_event(LAZY_ARMED);
}

void lazy_arm(void *addr, size_t size)
{
	bool ready;

	if (kept_total() < KEPT_MIN || thread_word.depth || !mm_lock_acquire())
		return;
	ready = hang_doorbell();
	mm_lock_release();
	/* Without the lock: libc allocates for a new thread. */
	if (!ready || pager_start(&lazy_pager, true) < 0 || !mm_lock_acquire())
		return;
	if (pager_runs(&lazy_pager))
		arm((uintptr_t)addr, (uintptr_t)addr + size);
	mm_lock_release();
}

void lazy_disarm(uintptr_t start, uintptr_t end, bool gone)
{
	if (likely(!pager_runs(&lazy_pager)))
		return;
	for (int i = 0; i < NR_ARMED; i++) {
		struct armed *a = &armed[i];

		if (a->start >= end || a->end <= start)
			continue;
		/* Nothing of what is unmapped is watched any more. */
		if (!gone || a->start < start || a->end > end)
			(void)!ring(DISARM, a->start, a->end);
		a->start = a->end = 0;
	}
}

bool lazy_stop(void)
{
	bool runs;

	if (!pager_runs(&lazy_pager) || !mm_lock_acquire())
		return false;
	runs = pager_runs(&lazy_pager);
	if (runs) {
		runs = ring(STOP, 0, 0) == 0;
		memset(armed, 0, sizeof(armed));
	}
	mm_lock_release();
	if (runs)
		pager_wait_for_end(&lazy_pager);
	return runs;
}

void lazy_fork_child(void)
{
	if (likely(!pager_forget(&lazy_pager)))
		return;
	memset(armed, 0, sizeof(armed));
	if (os_purge(bell.page, PAGE_SIZE) < 0)
		store_relaxed(&lazy, LAZY_OFF);
}
