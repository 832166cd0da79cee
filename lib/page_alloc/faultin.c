/* SPDX-License-Identifier: MIT */
/*
 * faultin.c - making pages before they are touched, and whether that is worth it.
 *
 * On most machines a page fault takes little longer than the page itself: its
 * clearing, its accounting. But where a host sees each exception of its guest, as in a
 * virtual machine inside of another, a fault takes 10 us, and a page of
 * MADV_POPULATE_WRITE 0.2: then page faults may be a third of what a program
 * does, and those that can be foreseen (around.c, ahead.c) should not be taken.
 *
 * So the two are timed, again and again since a virtual machine may move: of pages
 * that are to be made, two are touched one by one and the rest is asked for. Memory that the
 * host has to find first makes both slow, and says nothing; an interrupt makes one.
 */
#include "page_alloc/faultin.h"

#include "base/atomic.h"
#include "base/control.h"
#include "base/format.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/page.h"

enum {
	DEAR_NS = 2500,
	ASSUMED_NS = 10000, /* if nothing is measured */
	/* Of a fault to a page that is asked for, the call included. */
	DEAR_RATIO = 3,
	TOUCHED = 2,
	/* Pages made between two measurements, and before one that was not as expected is
	 * made again. */
	MEASURE_EVERY = MiB(16) >> PAGE_SHIFT,
	MEASURE_AGAIN = MiB(1) >> PAGE_SHIFT,
};

static bool measuring; /* Const after init */
/* Atomic, all of them. */
static bool dear;
static bool refused; /* kernels before 5.14 do not know how */
static uint64_t dear_ns; /* what a fault took when they were last found to be dear */
static size_t until; /* pages to be made before the next measurement */
static bool last = true; /* dear, by the last measurement */

void faultin_init(bool quiet)
{
	bool on = !quiet && params.fault_ahead == TRI_ON;

	measuring = !quiet && params.fault_ahead == TRI_AUTO;
	store_relaxed(&dear, on);
	store_relaxed(&dear_ns, ASSUMED_NS);
	if (!measuring)
		control_set_mode(MODE_FAULT_AHEAD, on ? "on" : "off",
				 quiet ? "quiet" : "asked for");
}

bool faults_are_dear(void)
{
	return load_relaxed(&dear) && !load_relaxed(&refused);
}

uint64_t faultin_ns(void)
{
	return load_relaxed(&dear_ns);
}

bool faultin_is_refused(void)
{
	return load_relaxed(&refused);
}

bool faultin_wants_pages(void)
{
	return measuring && !load_relaxed(&until) && !load_relaxed(&refused);
}

static bool populate(char *addr, size_t nr)
{
	if (os_populate(addr, nr << PAGE_SHIFT) == 0)
		return true;
	store_relaxed(&refused, true);
	control_set_mode(MODE_FAULT_AHEAD, "off", "the kernel refuses it");
	return false;
}

static uint64_t touch(volatile char *page)
{
	uint64_t start = os_now_ns();

	*page = 0;
	return os_now_ns() - start;
}

/* One that says "cheap" may have been interrupted. */
static void judge(bool is_dear, uint64_t fault_ns, uint64_t page_ns)
{
	bool before = load_relaxed(&last);
	char reason[64];

	if (is_dear || !before)
		store_relaxed(&dear, is_dear);
	if (is_dear)
		store_relaxed(&dear_ns, fault_ns);
	fmt_snprintf(reason, sizeof(reason),
		     "a page fault takes %lu ns, a page asked for %lu", fault_ns,
		     page_ns);
	control_set_mode(MODE_FAULT_AHEAD, load_relaxed(&dear) ? "on" : "off",
			 reason);
	store_relaxed(&last, is_dear);
	if (is_dear != before)
		store_relaxed(&until, MEASURE_AGAIN);
}

static bool measure(char *addr, size_t nr)
{
	uint64_t fault = touch(addr), again = touch(addr + PAGE_SIZE), start, took;
	size_t rest = nr - TOUCHED;
	bool done;

	fault = min_size(fault, again);
	start = os_now_ns();
	done = populate(addr + TOUCHED * PAGE_SIZE, rest);
	took = os_now_ns() - start;
	if (done)
		judge(fault >= DEAR_NS && fault * rest >= DEAR_RATIO * took,
		      fault, took / rest);
	return done;
}

/* For one thread at a time. */
static bool may_measure(size_t nr, size_t fresh)
{
	size_t now = 0;

	return measuring && fresh == nr && nr >= FAULTIN_LEAST &&
	       cas_acquire(&until, &now, (size_t)MEASURE_EVERY);
}

bool faultin(void *addr, size_t nr, size_t fresh)
{
	size_t left;
	bool done;

	if (faultin_is_refused())
		return false;
	if (may_measure(nr, fresh)) {
		done = measure(addr, nr);
	} else {
		done = populate(addr, nr);
		left = load_relaxed(&until);
		store_relaxed(&until, left - min_size(left, nr));
	}
	if (done)
		count_vm_events(PGPOPULATE, fresh);
	return done;
}
