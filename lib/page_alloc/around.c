/* SPDX-License-Identifier: MIT */
/*
 * around.c - fault-around for slabs: pages that are made along with the one that
 * is needed.
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
 */
#include "page_alloc/around.h"

#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"

enum {
	AROUND_RATIO = 64, /* part of a zone that may be made too early */
	AROUND_MIN = 4, /* pages */
};

/* Kernels before 5.14 do not know how, and sandboxes may not let us. Atomic */
static bool refused;

size_t around_pages(const struct zone *z, unsigned int order, size_t need)
{
	size_t most = load_relaxed(&params.fault_around) >> (PAGE_SHIFT - 10);
	size_t block = (size_t)1 << order;
	/* The block counts as used, now that it is off the lists. */
	size_t nr = min_size(most, (pages_in_use(z) - block) / AROUND_RATIO);

	if (nr < AROUND_MIN || params.thp == TRI_ON || load_relaxed(&refused))
		return 0;
	nr = min_size((size_t)1 << ilog2(nr), block);
	return nr >= need ? nr : 0;
}

bool around_make(size_t pfn, size_t nr)
{
	if (os_populate(pfn_to_addr(pfn), nr << PAGE_SHIFT) < 0) {
		store_relaxed(&refused, true);
		return false;
	}
	count_vm_events(PGPOPULATE, nr);
	return true;
}
