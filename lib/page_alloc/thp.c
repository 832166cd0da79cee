/* SPDX-License-Identifier: MIT */
/*
 * thp.c - when to ask for transparent huge pages.
 *
 * Where a virtual machine gives its free memory back to the host, it does so in
 * huge pages, and the next one may take the host 5 ms, while small pages come
 * from what was too scattered to be given back. Otherwise huge pages are cheaper
 * by far. So now and then the first huge page of new memory is timed.
 */
#include "page_alloc/thp.h"

#include "base/params.h"
#include "os/os.h"
#include "page_alloc/page.h"

enum {
	/* A huge page that takes longer is dear: 512 small ones take about 0.8
	 * ms, a huge one 0.1 ms. */
	DEAR_US = 1000,
	DEAR_FOR_MS = 4000,
	/* One in so many pages of new memory is timed: what it costs if the
	 * program leaves it alone is an eighth of what was asked for. */
	PROBE_EVERY = MiB(16) >> PAGE_SHIFT,
};

static uint64_t dear_until; /* Atomic: os_now_ms() */
static size_t unprobed; /* Atomic: pages handed out since the last probe */
static bool probing = true; /* Const after init */

void thp_advise(size_t pfn, size_t nr)
{
	enum os_thp how = OS_THP_ON;

	if (params.thp == TRI_OFF)
		return;
	if (params.thp == TRI_AUTO && os_now_ms() < load_relaxed(&dear_until))
		how = OS_THP_OFF;
	os_set_thp(pfn_to_addr(pfn), nr << PAGE_SHIFT, how);
}

static bool is_dear(volatile char *addr)
{
	uint64_t start = os_now_us();

	*addr = 0;
	return os_now_us() - start > DEAR_US;
}

bool thp_probe(size_t pfn, size_t nr)
{
	uint64_t now;

	if (params.thp != TRI_AUTO || !probing)
		return false;
	now = os_now_ms();
	if (now < load_relaxed(&dear_until) ||
	    fetch_add_relaxed(&unprobed, nr) + nr < PROBE_EVERY)
		return false;
	store_relaxed(&unprobed, 0);
	if (is_dear(pfn_to_addr(pfn)))
		store_relaxed(&dear_until, now + DEAR_FOR_MS);
	return true;
}

void thp_stop_probing(void)
{
	probing = false;
}
