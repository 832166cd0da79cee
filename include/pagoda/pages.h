/* SPDX-License-Identifier: MIT */
/*
 * pagoda/pages.h - blocks of whole pages, and where they are to be: locked in RAM,
 * below 4 GiB, on a node.
 *
 *	buf = pagoda_alloc_pages(PAGODA_GFP_DMA, 4);	64 KiB, never swapped out
 *	...
 *	pagoda_free_pages(buf, 4);
 *
 * Ideas: alloc_pages() of Linux, whose names and meanings these are; memory here
 * is what the process sees, so that "DMA" is what system calls like io_uring want of
 * it.
 *
 * A block is freed with the order or size of its allocation. Another one, a pointer
 * that is not the start of a block, and one that was freed stop the program with a
 * message on standard error. free(), realloc() and malloc_usable_size() take such
 * a block as well; what realloc() returns is for free(), and ordinary memory if it
 * was moved.
 *
 * Safe in threads; and in a child after fork() whatever the other threads of the
 * parent were doing. In signal handlers as far as allocations may be refused there:
 * see PAGODA_GFP_ATOMIC. Freeing is safe in signal handlers.
 */
#ifndef PAGODA_PAGES_H
#define PAGODA_PAGES_H

#include <stddef.h>

#include <pagoda/kmem.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAGODA_PAGE_SIZE 4096
/* The largest order: 4 MiB. */
#define PAGODA_MAX_ORDER 10

enum pagoda_zone {
	PAGODA_ZONE_DMA,
	PAGODA_ZONE_DMA32,
	PAGODA_ZONE_NORMAL,
	PAGODA_ZONE_MOVABLE,
};

/*
 * pagoda_alloc_pages() - 1 << @order pages, aligned to their size.
 * @gfp: enum pagoda_gfp, combined with |:
 *	PAGODA_GFP_KERNEL  may wait, and asks shrinkers (pagoda/shrinker.h)
 *	PAGODA_GFP_ATOMIC  does neither
 *	PAGODA_GFP_ZERO    the pages are zero
 *   and at most one of
 *	PAGODA_GFP_DMA     resident from the start and locked in RAM, for I/O. Counts
 *	                   against RLIMIT_MEMLOCK, from 1 MiB on in such steps; a
 *	                   child of fork() has it unlocked, see mlock(2)
 *	PAGODA_GFP_DMA32   below 4 GiB, so that its addresses fit into 32 bits; there
 *	                   are up to 256 MiB in a process, none under RLIMIT_AS
 *	PAGODA_GFP_HIGHUSER_MOVABLE  of ZONE_MOVABLE, if it can be
 * @order: 0 to PAGODA_MAX_ORDER.
 *
 * Return: the block; or NULL with errno
 *	EINVAL  @order, @gfp or the node are not as above
 *	ENOMEM  there is no memory, or not where it is wanted (RLIMIT_MEMLOCK, no
 *	        address space below 4 GiB); in a signal handler that interrupted the
 *	        allocator, and with PAGODA_GFP_ATOMIC, also if it is busy.
 */
PAGODA_API void *pagoda_alloc_pages(unsigned int gfp, unsigned int order);

/*
 * The same, of memory node @node (less than pagoda_nr_nodes()) if it has any, else
 * of another one. Without _node it is the node of the CPU that the caller runs on.
 */
PAGODA_API void *pagoda_alloc_pages_node(unsigned int node, unsigned int gfp,
					 unsigned int order);

/* One page of zeros. */
PAGODA_API void *pagoda_get_zeroed_page(unsigned int gfp);

/*
 * pagoda_free_pages() - give a block back.
 * @p: may be NULL. @order: that of its allocation.
 *
 * Keeps errno.
 */
PAGODA_API void pagoda_free_pages(void *p, unsigned int order);

/*
 * pagoda_alloc_pages_exact() - as many pages as @size bytes need, and not the next
 * power of two.
 * @size: 1 to PAGODA_PAGE_SIZE << PAGODA_MAX_ORDER bytes.
 *
 * Return: the block, aligned to a page; else as above.
 */
PAGODA_API void *pagoda_alloc_pages_exact(size_t size, unsigned int gfp);
PAGODA_API void *pagoda_alloc_pages_exact_node(unsigned int node, size_t size,
					       unsigned int gfp);

/* @p: may be NULL. @size: that of its allocation. Keeps errno. */
PAGODA_API void pagoda_free_pages_exact(void *p, size_t size);

/* How many memory nodes there are. */
PAGODA_API unsigned int pagoda_nr_nodes(void);

/* A block of pages. */
struct pagoda_page {
	void *address; /* its start */
	size_t size; /* bytes */
	unsigned int order; /* the smallest that it fits in */
	unsigned int node;
	enum pagoda_zone zone;
};

/*
 * pagoda_virt_to_page() - which block is @addr in?
 * @addr: any address in a block of this header, of pagoda/vmalloc.h, or in one of
 *        malloc's above 32 KiB, that nobody frees or resizes meanwhile.
 *
 * Return: 0; or -1 with errno EINVAL if there is no such block.
 * Takes longer the farther @addr is from the start: about 2 us for 4 MiB.
 */
PAGODA_API int pagoda_virt_to_page(const void *addr, struct pagoda_page *ret);

#ifdef __cplusplus
}
#endif

#endif
