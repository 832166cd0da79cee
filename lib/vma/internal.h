/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of vma/ share. */
#ifndef PAGODA_VMA_INTERNAL_H
#define PAGODA_VMA_INTERNAL_H

#include <pagoda/map.h>

#include "base/lock.h"
#include "os/uffd.h"
#include "vma/vma.h"

struct pager;
struct thread_word;

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
extern struct pager map_pager INTERNAL; /* that answers its faults */

/*
 * mm_lock_acquire() - Return: false in a signal handler inside of a call that holds
 * it already, or inside of a slow path if another thread does.
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
 * Return: false in the pager itself, for what it is filling, and in a signal
 * handler inside of a slow path, for which its owner may wait.
 */
MUST_CHECK bool wait_for_faults(uintptr_t start, uintptr_t end);

/* No fault is under way in a forked child. */
void forget_faults(void);

/* --- mapping.c: what is kept, for lazy.c --- */

struct kept;

struct loan {
	void *addr;
	size_t size;
};

/*
 * kept_borrow() - up to @most bytes (whole pages) of what is kept, with old data;
 * mm_lock is held. Return: whom to give it back to, or NULL: nothing is kept.
 * kept_return() - it was moved away. Without the lock.
 */
struct kept *kept_borrow(size_t most, struct loan *ret);
void kept_return(struct kept *k, const struct loan *loan);
/* Bytes that are kept: a hint. */
size_t kept_total(void);
/* A fault at @addr of a mapping, with which @pages come; mm_lock is held. */
void mapping_count_fault(uintptr_t addr, size_t pages);

/* --- lazy.c --- */

/*
 * lazy_disarm() - before the range changes: it is the kernel's from here on; mm_lock
 * is held. @gone: it will be unmapped.
 */
void lazy_disarm(uintptr_t start, uintptr_t end, bool gone);
void lazy_fork_child(void);

/* --- pager.c --- */

struct pager_ops {
	/* Register what is to be watched. Return: 0 or -errno. */
	int (*watch)(int uffd);
	void (*fault)(int uffd, uintptr_t addr, bool write);
	enum control_mode mode; /* the line that says whether it runs */
	enum os_uffd_need needs;
	bool all_faults; /* of no use without those of system calls */
};

struct pager {
	const struct pager_ops *ops;
	uint32_t state; /* Atomic; futex of those who wait for the start */
	bool kernel_faults; /* Const while it runs, like the rest */
	int err; /* if it was refused: why */
	uint32_t tid;
	struct thread_word *thread;
	bool stop; /* Owner: the thread */
};

/*
 * pager_start() - @pager answers faults from here on.
 * @kernel_faults: those of system calls, too.
 * Return: 0 or -errno. What the kernel refused once is not tried again.
 */
MUST_CHECK int pager_start(struct pager *pager, bool kernel_faults);
bool pager_runs(const struct pager *pager);
/* Is this its thread? */
bool in_pager(const struct pager *pager);
/* After it was told to stop: the process has a thread less. */
void pager_wait_for_end(const struct pager *pager);
/* A forked child has none. Return: whether the parent had. */
bool pager_forget(struct pager *pager);

#endif
