/* SPDX-License-Identifier: MIT */
/*
 * pagoda/vmalloc.h - areas of memory that grow without being copied.
 *
 * An area lies in address space of its own kind and is made of whole pages.
 * pagoda_vrealloc() lengthens it where it is, or moves its page tables: a table of
 * a gigabyte that grows costs microseconds, not a copy.
 *
 *	log = pagoda_vmalloc(1 << 20);
 *	...
 *	log = pagoda_vrealloc(log, 1 << 30);
 *
 * Ideas: vmalloc() of Linux; mremap(2).
 *
 * A pointer that is not the start of an area, or to one that was freed, stops the
 * program with a message on standard error. free(), realloc() and
 * malloc_usable_size() take areas, too.
 *
 * Safe in threads; and in a child after fork() whatever the other threads of the
 * parent were doing. In a signal handler that interrupted the allocator, memory can
 * be refused although there is some; freeing is safe in signal handlers.
 */
#ifndef PAGODA_VMALLOC_H
#define PAGODA_VMALLOC_H

#include <stddef.h>

#include <pagoda/pages.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * pagoda_vmalloc() - an area of @size bytes, rounded up to whole pages.
 * pagoda_vzalloc() - the same, all zero.
 * @size: more than 0. Each area takes 64 KiB of address space at least.
 *
 * Return: the area, aligned to a page; or NULL with errno ENOMEM, or EINVAL (@size
 * is 0). Asks shrinkers (pagoda/shrinker.h) before it fails.
 *
 * From 1 MiB on the memory of free pages, however scattered, is moved into the area
 * (UFFDIO_MOVE, Linux 6.8), and only what is missing costs new memory. For that a
 * userfaultfd is opened for a moment, out of the program's sight, by any user; where
 * it is refused, or pages are shared with a child, all of the area is new memory. A
 * sandbox that ends the program for that call needs PAGODA_OPTIONS=quiet=on.
 */
PAGODA_API void *pagoda_vmalloc(size_t size);
PAGODA_API void *pagoda_vzalloc(size_t size);

/*
 * pagoda_vrealloc() - make an area @size bytes long.
 * @p: an area; or NULL, for a new one.
 *
 * What is added may hold anything. The memory is not copied, except that of an area
 * that was moved six times before, or if the kernel refuses to move it; a move leaves
 * room for it to grow fourfold in place.
 *
 * Return: the area, where it is now; or NULL with errno ENOMEM, or EINVAL (@size is
 * 0), and then it is as it was.
 */
PAGODA_API void *pagoda_vrealloc(void *p, size_t size);

/* Give an area back. @p: may be NULL. Keeps errno. */
PAGODA_API void pagoda_vfree(void *p);

/*
 * Bytes of an area: what was asked for, in whole pages; where address space is short,
 * up to a quarter more. NULL: 0.
 */
PAGODA_API size_t pagoda_vmalloc_size(const void *p);

/*
 * pagoda_vmalloc_to_page() - the area that @addr is in: pagoda_virt_to_page()
 * under the name it has in the kernel.
 */
PAGODA_API int pagoda_vmalloc_to_page(const void *addr,
				      struct pagoda_page *ret);

#ifdef __cplusplus
}
#endif

#endif
