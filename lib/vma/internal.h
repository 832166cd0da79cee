/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of vma/ share. */
#ifndef PAGODA_VMA_INTERNAL_H
#define PAGODA_VMA_INTERNAL_H

#include <pagoda/map.h>

#include "base/lock.h"
#include "vma/vma.h"

/* What one pagoda_map() made; its areas have it as private_data. */
struct vm_object {
	const struct pagoda_vm_operations *ops;
	void *private_data;
	size_t block; /* bytes a fault asks for */
	size_t pages; /* still mapped. Lock: mm_lock */
};

/* --- map.c --- */

/* The areas of the pager's window. Lock: mm_lock */
extern struct mm pager_mm INTERNAL;

/*
 * mm_lock_acquire() - Return: false if the calling thread holds it already: a
 * signal handler inside of a call that does.
 */
MUST_CHECK bool mm_lock_acquire(void);
/* Without waiting. */
MUST_CHECK bool mm_lock_try(void);
void mm_lock_release(void);

/* --- fault.c --- */

/* Fill the page at @addr, which is missing. In the pager. */
void handle_mm_fault(int uffd, uintptr_t addr, bool write);

/*
 * wait_for_faults() - no fault of [@start, @end) is under way any more, nor can
 * one begin. mm_lock is held, and given up while that takes.
 * Return: false in the pager itself, for what it is filling.
 */
MUST_CHECK bool wait_for_faults(uintptr_t start, uintptr_t end);

/* No fault is under way in a forked child. */
void forget_faults(void);

/* --- pager.c --- */

/*
 * pager_start() - the pager answers faults of pager_mm's window.
 * @kernel_faults: those of system calls, too.
 * Return: 0 or -errno. What the kernel refused once is not tried again.
 */
MUST_CHECK int pager_start(bool kernel_faults);
bool in_pager(void);
/* A forked child has no pager. */
void pager_forget(void);

#endif
