/* SPDX-License-Identifier: MIT */
/*
 * gather.c - scattered frames become contiguous: UFFDIO_MOVE takes a page out of
 * one page table entry and puts it into another, without copying, whatever lies
 * beside it, and without new mappings of the kernel's.
 *
 * That needs a userfaultfd of this process, for as long as it takes: it is opened
 * aside (os/aside.h). Ideas: vmalloc() of Linux; the compaction of Android's
 * runtime, for which UFFDIO_MOVE was made.
 *
 * No lock of its own.
 */
#include "vmalloc/gather.h"

#include <errno.h>

#include "base/vmstat.h"
#include "os/aside.h"
#include "os/os.h"
#include "os/uffd.h"
#include "page_alloc/page_alloc.h"

/* Fewer are not worth the trip. */
enum { GATHER_MIN = MiB(1) >> PAGE_SHIFT };

static bool forbidden; /* Const after start-up */

struct gathering {
	uintptr_t addr;
	size_t nr, done; /* pages */
	int uffd;
};

static size_t move_frames(void *arg, void *from, size_t pages)
{
	struct gathering *g = arg;
	size_t moved = os_uffd_move(g->uffd, g->addr + (g->done << PAGE_SHIFT),
				    from, pages << PAGE_SHIFT);

	g->done += moved >> PAGE_SHIFT;
	return moved >> PAGE_SHIFT;
}

static int gather(void *arg)
{
	struct gathering *g = arg;
	size_t size = g->nr << PAGE_SHIFT;
	int err;

	/* Nobody touches the area meanwhile. */
	g->uffd = os_uffd_open(false, OS_UFFD_MOVE);
	if (g->uffd < 0)
		return g->uffd;
	err = os_uffd_register(g->uffd, g->addr, size);
	if (!err) {
		page_alloc_move_out(g->nr, move_frames, g);
		os_uffd_unregister(g->uffd, g->addr, size);
	}
	os_uffd_close(g->uffd);
	return err;
}

size_t gather_frames(size_t pfn, size_t nr)
{
	struct gathering g = {
		.addr = (uintptr_t)pfn_to_addr(pfn),
		.nr = nr,
	};
	int err;

	if (forbidden || nr < GATHER_MIN ||
	    page_alloc_free_resident() < GATHER_MIN)
		return 0;
	err = os_aside(gather, &g);
	if (err < 0)
		count_vm_event(GATHER_REFUSED);
	else if (!g.done)
		count_vm_event(GATHER_FAIL);
	count_vm_events(PGMOVE, g.done);
	return g.done;
}

void gather_forbid(void)
{
	forbidden = true;
}
