/* SPDX-License-Identifier: MIT */
/*
 * uffd.h - userfaultfd: page faults of a range answered by a thread of this
 * process.
 *
 * No function here allocates, takes a lock or changes errno. Errors are negative
 * errno values.
 */
#ifndef PAGODA_OS_UFFD_H
#define PAGODA_OS_UFFD_H

#include "base/compiler.h"

struct os_fault {
	uintptr_t addr; /* the page's start */
	bool write;
};

enum os_uffd_need {
	OS_UFFD_POISON, /* os_uffd_poison(): Linux 6.6 */
	OS_UFFD_MOVE, /* os_uffd_move(): Linux 6.8 */
};

/*
 * os_uffd_open() - a userfaultfd for missing pages.
 * @kernel_faults: one that also sees pages missed by system calls, which takes
 *                 privilege; otherwise those calls fail with EFAULT.
 * @needs: what else it must be able to do.
 * Return: the descriptor; -ENOSYS if the kernel lacks it or what is needed.
 */
MUST_CHECK int os_uffd_open(bool kernel_faults, enum os_uffd_need needs);

void os_uffd_close(int fd);

/* Missing pages of the range are reported from here on. */
MUST_CHECK int os_uffd_register(int fd, uintptr_t addr, size_t size);

/* ... and from here on are the kernel's again. */
void os_uffd_unregister(int fd, uintptr_t addr, size_t size);

/*
 * os_uffd_wait() - sleep until a page is missed. Return: how many faults are in
 * @faults, at most @max.
 */
MUST_CHECK int os_uffd_wait(int fd, struct os_fault *faults, int max);

/*
 * os_uffd_copy() - pages of @src become the missing pages at @addr, and who waits
 * for them goes on. Pages that are there already stay as they are.
 * Return: 0; -ENOENT if some of the range is not registered any more.
 */
int os_uffd_copy(int fd, uintptr_t addr, const void *src, size_t size);

/*
 * os_uffd_move() - the missing pages at @addr become those at @src, which read as
 * zeros afterwards; what is missing at @src stays missing. Nothing is copied, and
 * who waits for them goes on.
 * Return: bytes from the start that were moved. Pages shared with a child of a fork
 * cannot be, nor can pages be moved where some are.
 */
MUST_CHECK size_t os_uffd_move(int fd, uintptr_t addr, const void *src,
			       size_t size);

/* The missing @page reads as zeros, and who waits for it goes on; if it is not
 * missing, or not watched any more, it stays as it is. */
void os_uffd_zero(int fd, uintptr_t page);

/* Who touches the missing @page, now or later, gets SIGBUS. */
MUST_CHECK int os_uffd_poison(int fd, uintptr_t page);

/* Who waits for a page of the range looks again. */
void os_uffd_wake(int fd, uintptr_t addr, size_t size);

#endif
