/* SPDX-License-Identifier: MIT */
/*
 * map.c - mappings whose missing pages come from the program.
 *
 * All lie in one window of address space, reserved with the first and watched by
 * the pager as a whole: making a mapping is an mprotect, and a page of it that is
 * touched for the first time is the pager's. Memory outside of areas is not
 * accessible. A forked child does not inherit the window; it gets an empty one in
 * the same place, so that no other mapping can appear there.
 *
 * Lock: LOCK_MM for the areas and for whether a fault is under way.
 */
#include "vma/map.h"

#include <errno.h>

#include "base/bug.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os/uffd.h"
#include "page_alloc/page.h"
#include "percpu/thread.h"
#include "slab/slab.h"
#include "vma/internal.h"

enum { KNOWN_FLAGS = PAGODA_MAP_READONLY | PAGODA_MAP_USER_FAULTS };

struct mm pager_mm;

static int watch_window(int uffd)
{
	return os_uffd_register(uffd, pager_mm.start,
				pager_mm.end - pager_mm.start);
}

static const struct pager_ops map_pager_ops = {
	.watch = watch_window,
	.fault = handle_mm_fault,
	.mode = MODE_PAGER,
	.needs = OS_UFFD_POISON,
};

struct pager map_pager = { .ops = &map_pager_ops };

static struct lock mm_lock = LOCK_INIT(MM);
static struct kmem_cache *object_cache; /* Lock: mm_lock */

/*
 * The mark comes before the lock and goes after it, so that a signal handler finds
 * it whenever it could find the lock held by its own thread. One that interrupted a
 * slow path must not wait: the holder may be waiting for a lock of that, or, about
 * to fork, for its end.
 */
bool mm_lock_acquire(void)
{
	if (thread_word.in_mm)
		return false;
	if (unlikely(thread_word.depth))
		return mm_lock_try();
	thread_word.in_mm = 1;
	signal_fence();
	lock_acquire(&mm_lock);
	return true;
}

bool mm_lock_try(void)
{
	if (thread_word.in_mm)
		return false;
	thread_word.in_mm = 1;
	signal_fence();
	if (lock_try(&mm_lock))
		return true;
	thread_word.in_mm = 0;
	return false;
}

void mm_lock_release(void)
{
	lock_release(&mm_lock);
	signal_fence();
	thread_word.in_mm = 0;
}

/* --- the window --- */

/* Address space that costs nothing until it is used, as long as there is some. */
static bool reserve_window(void)
{
	size_t size = GiB(16384);
	char *start;

	while (!(start = os_reserve(size, false))) {
		size /= 2;
		if (size < MiB(16))
			return false;
	}
	os_dont_fork(start, size);
	mm_init(&pager_mm, (uintptr_t)start, (uintptr_t)start + size,
		AREA_PAGER);
	return true;
}

/* With mm_lock held. Each part once; what failed is tried again. */
static int set_up(void)
{
	int err = vma_init();

	if (!err && !object_cache)
		err = kmem_cache_create(&object_cache, "vm_object",
					sizeof(struct vm_object), 0, 0, NULL);
	if (!err && !pager_mm.end && !reserve_window())
		err = -ENOMEM;
	/* A signal handler inside of malloc. */
	return err == -EDEADLK ? -EAGAIN : err;
}

/* --- map --- */

static int check_request(size_t size, const struct pagoda_vm_operations *ops,
			 unsigned int flags)
{
	size_t block = ops ? ops->block_size : 0;

	if (!size || !ops || !ops->fault || flags & ~(unsigned int)KNOWN_FLAGS)
		return -EINVAL;
	if (block && (!is_power_of_2(block) || block < PAGE_SIZE ||
		      block > PAGODA_MAP_MAX_BLOCK))
		return -EINVAL;
	return size > PTRDIFF_MAX ? -ENOMEM : 0;
}

/* With mm_lock held: a vm_area and accessible memory for @object. */
static int insert_object(struct vm_object *object, size_t size,
			 unsigned int flags, void **ret_addr)
{
	/* Blocks lie in memory as in the mapping. */
	uintptr_t addr = get_unmapped_area(&pager_mm, size, object->block);
	uint32_t prot = flags & PAGODA_MAP_READONLY ? VM_READ :
						      VM_READ | VM_WRITE;
	struct vm_area desc = {
		.start = addr,
		.end = addr + size,
		.flags = VM_PAGER | prot,
		.ops = object->ops,
		.private_data = object,
	};

	if (!addr || !insert_vm_area(&pager_mm, &desc))
		return -ENOMEM;
	if (os_protect((void *)addr, size, true, prot & VM_WRITE) < 0) {
		/* A whole area goes: no memory is needed. */
		BUG_ON(unmap_areas(&pager_mm, addr, addr + size, NULL) < 0);
		return -ENOMEM;
	}
	*ret_addr = (void *)addr;
	return 0;
}

static int map_object(size_t size, const struct pagoda_vm_operations *ops,
		      void *private_data, unsigned int flags, void **ret_addr)
{
	struct vm_object *object = kmem_cache_alloc(object_cache);
	int err;

	if (!object)
		return -ENOMEM;
	*object = (struct vm_object){
		.ops = ops,
		.private_data = private_data,
		.block = ops->block_size ? ops->block_size : PAGE_SIZE,
		.pages = size >> PAGE_SHIFT,
	};
	err = insert_object(object, size, flags, ret_addr);
	if (err)
		kmem_cache_free(object_cache, object);
	return err;
}

int vm_map(size_t size, const struct pagoda_vm_operations *ops,
	   void *private_data, unsigned int flags, void **ret_addr)
{
	int err = check_request(size, ops, flags);

	if (err)
		return err;
	size = align_up(size, PAGE_SIZE);
	if (!mm_lock_acquire())
		return -EAGAIN;
	err = set_up();
	mm_lock_release();
	/* Without the lock: libc allocates for a new thread. */
	if (!err)
		err = pager_start(&map_pager,
				  !(flags & PAGODA_MAP_USER_FAULTS));
	if (err)
		return err;
	if (!mm_lock_acquire())
		return -EAGAIN;
	err = map_object(size, ops, private_data, flags, ret_addr);
	mm_lock_release();
	if (!err && ops->open)
		ops->open(private_data, *ret_addr, size);
	return err;
}

/* --- unmap --- */

/* A piece of one mapping that is gone, for its owner to know. */
struct piece {
	struct vm_object object; /* as it was; pages: what is left */
	size_t offset, size;
	uintptr_t end; /* where it ended */
};

/*
 * With mm_lock held: remove what of the first area in [@start, @end) lies in
 * there. Return: 0, or -errno and nothing has changed.
 */
static int unmap_first(const struct vm_area *vma, uintptr_t start,
		       uintptr_t end, struct piece *ret_gone)
{
	struct vm_object *object = vma->private_data;
	uintptr_t from = max_size(start, vma->start);
	uintptr_t to = min_size(end, vma->end);
	int err;

	ret_gone->offset = (vma->pgoff << PAGE_SHIFT) + (from - vma->start);
	ret_gone->size = to - from;
	ret_gone->end = to;
	/* Before the area goes: it may be cut in two, for which memory may lack. */
	err = unmap_areas(&pager_mm, from, to, NULL);
	if (err)
		return err;
	if (os_decommit((void *)from, to - from) < 0)
		warn("pages at %p stay: the kernel does not take them",
		     (void *)from);
	object->pages -= (to - from) >> PAGE_SHIFT;
	ret_gone->object = *object;
	if (!object->pages)
		kmem_cache_free(object_cache, object);
	return 0;
}

static void tell_owner(const struct piece *gone)
{
	const struct pagoda_vm_operations *ops = gone->object.ops;

	if (ops->close)
		ops->close(gone->object.private_data, gone->offset, gone->size);
	if (!gone->object.pages && ops->release)
		ops->release(gone->object.private_data);
}

/* Return: 1 if a piece was unmapped, 0 if none is left, or -errno. */
static int unmap_one(uintptr_t start, uintptr_t end, struct piece *ret_gone)
{
	struct vm_area *vma;
	int ret;

	if (!mm_lock_acquire())
		return -EAGAIN;
	if (!wait_for_faults(start, end)) {
		mm_lock_release();
		return thread_word.depth ? -EAGAIN : -EDEADLK;
	}
	vma = find_vma_intersection(&pager_mm, start, end);
	ret = vma ? unmap_first(vma, start, end, ret_gone) : 0;
	mm_lock_release();
	return ret < 0 ? ret : vma != NULL;
}

int vm_unmap(void *addr, size_t size)
{
	uintptr_t start = (uintptr_t)addr, end;
	struct piece gone = { 0 };
	int ret;

	if (start % PAGE_SIZE || !size || size > PTRDIFF_MAX)
		return -EINVAL;
	end = start + align_up(size, PAGE_SIZE);
	if (start < pager_mm.start || end > pager_mm.end || end < start)
		return -EINVAL;
	/* Not again from the start: others may map there by now. */
	while ((ret = unmap_one(start, end, &gone)) > 0) {
		tell_owner(&gone);
		start = gone.end;
	}
	return ret;
}

int vm_unmap_if_ours(void *addr, size_t size)
{
	uintptr_t start = (uintptr_t)addr;

	if (start - pager_mm.start >= pager_mm.end - pager_mm.start)
		return 1;
	return vm_unmap(addr, size);
}

/* --- fork --- */

bool mm_fork_prepare(void)
{
	return mm_lock_acquire();
}

void mm_fork_parent(void)
{
	mm_lock_release();
}

/* The objects are not given back: their owners are the parent's. */
void mm_fork_child(void)
{
	pager_forget(&map_pager);
	forget_faults();
	lazy_fork_child();
	if (pager_mm.end) {
		void *start = (void *)pager_mm.start;
		size_t size = pager_mm.end - pager_mm.start;

		mm_forget(&pager_mm);
		if (os_reserve_at(start, size))
			os_dont_fork(start, size);
		else
			pager_mm = (struct mm){ 0 };
	}
	mm_lock_release();
}
