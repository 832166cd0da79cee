/* SPDX-License-Identifier: MIT */
/*
 * fault.c - a missing page: find its area, ask the owner, hand the page in.
 *
 * The owner's operation runs without a lock, since it may take as long as it
 * likes and map more itself. Meanwhile `filling` says where it is at work, and
 * whoever wants to unmap that waits. The thread that touched the page waits in
 * the kernel in any case; it looks again when it is woken, so a fault that comes
 * too late for its area becomes the SIGSEGV it has to be.
 *
 * Lock: LOCK_MM for `filling`.
 */
#include <errno.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/host.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os/uffd.h"
#include "page_alloc/page.h"
#include "percpu/thread.h"
#include "vma/internal.h"

static struct {
	uintptr_t start, end;
	uint32_t busy; /* 1: at work, 2: and someone waits for the end. Atomic */
} filling;

static char *staging; /* Owner: the pager. PAGODA_MAP_MAX_BLOCK bytes */

/* Set last: a fork may come at any time, and its child goes on from here. */
static char *staging_area(void)
{
	char *area;

	if (staging)
		return staging;
	area = os_reserve(PAGODA_MAP_MAX_BLOCK, false);
	if (area && os_commit(area, PAGODA_MAP_MAX_BLOCK) < 0) {
		os_release(area, PAGODA_MAP_MAX_BLOCK);
		area = NULL;
	}
	store_release(&staging, area);
	return area;
}

/*
 * Choose the block around @addr, cut to its area, and announce that it is being
 * filled. Return: its owner, or NULL if nothing is mapped there.
 */
static struct vm_object *begin_fill(uintptr_t addr,
				    struct pagoda_vm_fault *ret_vmf)
{
	struct vm_object *object = NULL;
	struct vm_area *vma;

	/* The pager is in no other call when it comes here. */
	BUG_ON(!mm_lock_acquire());
	vma = find_vma_intersection(&pager_mm, addr, addr + PAGE_SIZE);
	if (vma) {
		uintptr_t base = vma->start - (vma->pgoff << PAGE_SHIFT);
		uintptr_t block;

		object = vma->private_data;
		block = base + align_down(addr - base, object->block);
		filling.start = max_size(block, vma->start);
		filling.end = min_size(block + object->block, vma->end);
		store_relaxed(&filling.busy, 1);
		ret_vmf->offset = filling.start - base;
		ret_vmf->size = filling.end - filling.start;
		vma->faults++;
		vma->filled += ret_vmf->size >> PAGE_SHIFT;
		vma_show(&pager_mm, vma);
	}
	mm_lock_release();
	return object;
}

static void end_fill(void)
{
	if (exchange_release(&filling.busy, 0) == 2)
		host_futex_wake(&filling.busy, INT32_MAX);
}

bool wait_for_faults(uintptr_t start, uintptr_t end)
{
	uint32_t busy = 1;

	while (load_acquire(&filling.busy) && filling.start < end &&
	       start < filling.end) {
		if (in_pager(&map_pager) || thread_word.depth)
			return false;
		if (busy == 2 || cas_relaxed(&filling.busy, &busy, 2)) {
			mm_lock_release();
			host_futex_wait(&filling.busy, 2);
			BUG_ON(!mm_lock_acquire());
		}
		busy = load_relaxed(&filling.busy);
	}
	return true;
}

void forget_faults(void)
{
	store_relaxed(&filling.busy, 0);
}

/* The owner could not: say so, and whoever touches the page gets SIGBUS. */
static void fail_fault(int uffd, uintptr_t addr,
		       const struct pagoda_vm_fault *vmf, int err)
{
	count_vm_event(PAGER_ERROR);
	warn("page fault at %p: the mapping's pager failed at offset %zu with error %d",
	     (void *)addr, vmf->offset, -err);
	err = os_uffd_poison(uffd, addr);
	/* Unmapped behind our back: then it is a SIGSEGV anyway. */
	if (err < 0 && err != -ENOENT)
		bug("page fault at %p cannot be refused: error %d",
		    (void *)addr, -err);
}

/* Return: 0, or why whoever touches the page cannot have it. */
static int fill(int uffd, const struct vm_object *object,
		struct pagoda_vm_fault *vmf)
{
	int err;

	vmf->buf = staging_area();
	if (!vmf->buf)
		return -ENOMEM;
	err = object->ops->fault(object->private_data, vmf);
	if (err)
		return err < 0 ? err : -EINVAL;
	err = os_uffd_copy(uffd, filling.start, vmf->buf, vmf->size);
	/* Unmapped behind our back: the kernel knows what to do. */
	return err == -ENOENT ? 0 : err;
}

/*
 * A page that is there already was missed by someone else before, or by a thread
 * whose system call looked again because of a signal.
 */
void handle_mm_fault(int uffd, uintptr_t addr, bool write)
{
	struct pagoda_vm_fault vmf = { .address = (void *)addr,
				       .write = write };
	struct vm_object *object = NULL;

	if (!os_is_resident((void *)addr))
		object = begin_fill(addr, &vmf);
	if (object) {
		int err;

		PROBE(pager_fault, addr, vmf.size);
		err = fill(uffd, object, &vmf);
		PROBE(pager_done, addr, vmf.size, err);
		count_vm_event(PGMAJFAULT);
		if (err)
			fail_fault(uffd, addr, &vmf, err);
		else
			count_vm_events(FAULT_AROUND,
					(vmf.size >> PAGE_SHIFT) - 1);
		end_fill();
	}
	/* Also those whose page was there already, or is not mapped any more. */
	os_uffd_wake(uffd, addr, PAGE_SIZE);
}
