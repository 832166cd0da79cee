/* SPDX-License-Identifier: MIT */
/*
 * thp.c - when to ask for transparent huge pages.
 *
 * Most machines have huge pages for a sixth of what their small pages take. In a
 * virtual machine one may take the host 5 ms, unless that memory was in use as a
 * huge page a moment ago; both states come and go within seconds. So those of a
 * zone, and of mappings that are made ahead, are made here, one by one, and each is
 * timed; of a large area the first few are. In a virtual machine areas have to wait until those of zones have shown
 * what they cost: the first few of an area may be cheap because a process that just
 * ended had them.
 */
#include "page_alloc/thp.h"

#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/faultin.h"
#include "page_alloc/page.h"

enum {
	/* 512 small pages take about 700 us, a huge one 100. No machine clears
	 * one in SMALL_US: that was a small page. */
	DEAR_US = 1000,
	SMALL_US = 20,
	/* Where page faults are dear, a huge page takes 100, or up to as long as its small
	 * ones would, most of it when they are touched first, even if they were asked for.
	 * So only one that takes longer than twice as many faults is dear. */
	DEAR_FAULTS = 2 * PAGEBLOCK_PAGES,
	SMALL_US_IF_DEAR = 50,
	/* CPU time that a process in a virtual machine has used before the first
	 * is made for it: if that is dear, it is 2 %. */
	PATIENCE_US = 250000,
	ASK_EVERY_MS = 25,
	/* After a dear one, twice as long each time. */
	PAUSE_MIN_MS = 4000,
	PAUSE_MAX_MS = 64000,
	/* One in so many pages of new areas is timed: what it costs if the
	 * program leaves it alone is an eighth of what was asked for. */
	PROBE_EVERY = MiB(16) >> PAGE_SHIFT,
	MOST_PROBES = 8, /* at once */
	/* Cheap ones in a row, in a virtual machine. */
	TRUST_AFTER = 8,
	MOST_WAITING = 16,
};

/* All atomic. */
static uint64_t paused_until; /* os_now_ms() */
static uint32_t pause_ms = PAUSE_MIN_MS;
static size_t unprobed; /* pages of areas since the last probe */
static uint32_t cheap; /* huge pages in a row */
static bool started; /* making huge pages for zones */
static uint64_t ask_again; /* whether that may start: os_now_ms() */

/* Areas that have small pages because nobody knew better. Atomic; an entry of no pages
 * is being written. */
static struct waiting {
	size_t pfn, nr;
} waiting[MOST_WAITING];
static unsigned int nr_waiting; /* Atomic */

static bool probing = true; /* Const after init */

static bool is_paused(void)
{
	return os_now_ms() < load_relaxed(&paused_until);
}

static void pause_for_a_while(void)
{
	uint32_t ms = load_relaxed(&pause_ms);

	store_relaxed(&paused_until, os_now_ms() + ms);
	store_relaxed(&pause_ms, (uint32_t)min_size(2 * ms, PAUSE_MAX_MS));
}

static bool is_worth_trying(void)
{
	return params.thp == TRI_AUTO && probing && !is_paused();
}

static uint64_t dear_us(void)
{
	uint64_t fault_ns = faults_are_dear() ? faultin_ns() : 0;

	return max_size(DEAR_US, DEAR_FAULTS * fault_ns / 1000);
}

/*
 * Have the kernel make a page at @addr, huge if it can, and decide by what it
 * took whether to go on. Return: whether it was huge.
 */
static bool touch(volatile char *addr)
{
	uint64_t small = faults_are_dear() ? SMALL_US_IF_DEAR : SMALL_US;
	uint64_t start = os_now_us(), us;

	*addr = 0;
	us = os_now_us() - start;
	if (us >= small && us <= dear_us()) {
		count_vm_event(THP_FAULT_ALLOC);
		fetch_add_relaxed(&cheap, 1);
		store_relaxed(&pause_ms, PAUSE_MIN_MS);
		return true;
	}
	store_relaxed(&cheap, 0);
	pause_for_a_while();
	if (us < small) {
		count_vm_event(THP_FAULT_FALLBACK);
		return false;
	}
	count_vm_event(THP_FAULT_ALLOC);
	count_vm_event(THP_DEAR);
	return true;
}

/* --- areas --- */

/* Without a clock there is nothing to wait for, and where small pages are as dear as
 * the dearest huge ones nothing to lose. */
static bool are_trusted(void)
{
	return load_relaxed(&cheap) >= TRUST_AFTER || !probing ||
	       faults_are_dear() || !os_in_virtual_machine();
}

static void wait_for_trust(size_t pfn, size_t nr)
{
	unsigned int i = fetch_add_relaxed(&nr_waiting, 1);

	if (i >= MOST_WAITING)
		return;
	store_relaxed(&waiting[i].pfn, pfn);
	store_release(&waiting[i].nr, nr);
}

static void advise(size_t pfn, size_t nr, enum os_thp how)
{
	os_set_thp(pfn_to_addr(pfn), nr << PAGE_SHIFT, how);
}

void thp_advise(size_t pfn, size_t nr)
{
	bool early = false, dear = false;

	if (params.thp == TRI_OFF)
		return;
	if (params.thp == TRI_AUTO) {
		early = !are_trusted();
		dear = is_paused();
	}
	advise(pfn, nr, early || dear ? OS_THP_OFF : OS_THP_ON);
	if (early)
		wait_for_trust(pfn, nr);
}

void thp_reconsider(void)
{
	unsigned int nr = load_relaxed(&nr_waiting);

	if (likely(!nr) || !are_trusted() || is_paused())
		return;
	nr = (unsigned int)min_size(exchange_acquire(&nr_waiting, 0),
				    MOST_WAITING);
	for (unsigned int i = 0; i < nr; i++) {
		size_t pages = exchange_acquire(&waiting[i].nr, 0);

		if (pages)
			advise(load_relaxed(&waiting[i].pfn), pages, OS_THP_ON);
	}
}

bool thp_probe(size_t pfn, size_t nr)
{
	size_t due;

	if (!is_worth_trying() || !are_trusted())
		return false;
	due = (fetch_add_relaxed(&unprobed, nr) + nr) / PROBE_EVERY;
	if (!due)
		return false;
	store_relaxed(&unprobed, 0);
	due = min_size(due, min_size(nr / PAGEBLOCK_PAGES, MOST_PROBES));
	for (size_t i = 0; i < max_size(due, 1) && !is_paused(); i++)
		touch(pfn_to_addr(pfn + i * PAGEBLOCK_PAGES));
	return true;
}

/* --- zones --- */

/*
 * Has this process used so much time that a dear huge page is little of it? To
 * ask is a system call in a virtual machine, and never one outside.
 */
static bool may_start(void)
{
	if (load_relaxed(&started) || faults_are_dear())
		return true;
	if (os_now_ms() < load_relaxed(&ask_again))
		return false;
	if (os_in_virtual_machine() && os_process_us() < PATIENCE_US) {
		store_relaxed(&ask_again, os_now_ms() + ASK_EVERY_MS);
		return false;
	}
	store_relaxed(&started, true);
	return true;
}

bool thp_wanted(void)
{
	return is_worth_trying() && may_start();
}

size_t thp_make(char *addr, size_t nr, size_t first)
{
	size_t size = nr << PAGE_SHIFT, done = 0;

	if (first + PAGEBLOCK_PAGES > nr || !thp_wanted() ||
	    os_set_thp(addr, size, OS_THP_ON) < 0)
		return 0;
	while (first + done + PAGEBLOCK_PAGES <= nr && thp_wanted() &&
	       touch(addr + ((first + done) << PAGE_SHIFT)))
		done += PAGEBLOCK_PAGES;
	os_set_thp(addr, size, OS_THP_OFF);
	return done;
}

void thp_stop_probing(void)
{
	probing = false;
}
