/* SPDX-License-Identifier: MIT */
/*
 * around.c - fault-around for slabs and cleared blocks: pages that are made along with
 * the one that is needed.
 *
 * A third of what a page fault takes is the way into the kernel and back. A new slab
 * of objects that share pages will be written to all over, and so will those made
 * after it, which take what is resident first. So when memory for one is fresh, it
 * and its neighbours are made in one call: as many as the kernel maps around a fault
 * in a file, but no more than a small part of the zone, for the last of them may
 * never be used.
 *
 * More at once gained nothing: what was cleared should still be in the cache when it
 * is used.
 *
 * A block of calloc() is often a table, which is read before it is written to. For a
 * page that is only read the kernel maps its page of zeros, and when that is
 * written to it has to tell all CPUs that run the program. Four threads with a hash
 * table each took 1.3 times as long as with tables that are there from the start. So
 * where there are threads those are made whole, areas no larger than what the buddy
 * has included; but only while all large blocks and areas together are less than all
 * else in the zone, for there are programs that never touch most of what they allocate.
 */
#include "page_alloc/around.h"

#include "base/params.h"
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"
#include "percpu/gate.h"

enum {
	/* Part of a zone that may be made too early: where faults are dear, more. */
	AROUND_RATIO = 64,
	DEAR_RATIO = 16,
	AROUND_MIN = 4, /* pages */
	/* In use, before it is worth finding out what a fault costs. */
	MEASURE_FROM = 32,
};

size_t around_pages(const struct zone *z, unsigned int order, size_t need)
{
	size_t most = load_relaxed(&params.fault_around) >> (PAGE_SHIFT - 10);
	size_t block = (size_t)1 << order;
	/* The block counts as used, now that it is off the lists. */
	size_t used = pages_in_use(z) - block, nr = used / AROUND_RATIO;

	if (faults_are_dear())
		nr = max_size(used / DEAR_RATIO, AROUND_MIN);
	else if (used >= MEASURE_FROM && faultin_wants_pages())
		nr = max_size(nr, FAULTIN_LEAST);
	nr = min_size(nr, most);
	if (nr < AROUND_MIN || params.thp == TRI_ON || faultin_is_refused())
		return 0;
	nr = min_size((size_t)1 << ilog2(nr), block);
	return nr >= need ? nr : 0;
}

/* Are cleared blocks to be made whole, the one included that is to be cleared? */
static bool clear_whole(const struct zone *z)
{
	size_t large = load_relaxed(&z->stat->large);
	size_t areas = control_vmalloc_sum(&control.vmalloc).used >> PAGE_SHIFT;

	return gate_saw_threads() && load_relaxed(&params.fault_around) &&
	       params.thp != TRI_ON && !faultin_is_refused() &&
	       large + areas <= pages_in_use(z) - large;
}

void around_clear(const struct zone *z, size_t pfn, size_t nr,
		  const uint64_t *dirty)
{
	size_t fresh = nr;

	if (!clear_whole(z))
		return;
	for (size_t i = 0; i < nr; i++)
		fresh -= dirty[i / 64] >> (i % 64) & 1;
	if (fresh >= AROUND_MIN)
		faultin(pfn_to_addr(pfn), nr, fresh);
}

void around_clear_area(size_t pfn, size_t nr)
{
	if (nr <= 1 << MAX_ORDER && clear_whole(zone_of(0, ZONE_NORMAL)))
		faultin(pfn_to_addr(pfn), nr, nr);
}
