/* SPDX-License-Identifier: MIT */
/*
 * pagoda/mempool.h - elements that are there when memory is not.
 *
 * A pool allocates from wherever it is told to; only when that fails does it take
 * from a reserve of elements allocated beforehand, and what is freed fills the
 * reserve up again first. For what must go on in bad times: the error path, the
 * logger, the buffer that writes data out so that memory can be freed.
 *
 * The reserve is a stack without locks, so a pool also serves signal handlers,
 * including those that interrupt the allocator or the pool itself (as long as its
 * alloc and free functions are safe there, which those of slab, kmalloc and locked
 * pools are).
 *
 *	pool = pagoda_mempool_create_kmalloc_pool(16, sizeof(struct message));
 *	...
 *	m = pagoda_mempool_alloc(pool, PAGODA_GFP_ATOMIC);
 *
 * Ideas: mempools of Linux (mm/mempool.c), whose names and meanings these are.
 * New is that the reserve is resident: its pages have been written to, so that no
 * overcommit can take them back; and pools that are locked in RAM.
 *
 * Some mistakes stop the program with a message on standard error: a pool that was
 * destroyed, as long as its memory holds nothing else; an element of a locked pool
 * that is freed twice, or an address inside of one. Others are found by the function
 * that the pool frees with.
 *
 * What may happen at the same time: alloc and free, with everything but destroy;
 * resize, with alloc and free. A child of fork() has a copy of the pool; what
 * other threads of the parent were taking or freeing at that moment is not in it.
 */
#ifndef PAGODA_MEMPOOL_H
#define PAGODA_MEMPOOL_H

#include <stddef.h>

#include <pagoda/kmem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pagoda_mempool;

/*
 * Where elements come from and go to. @gfp is that of pagoda_mempool_alloc(), or
 * PAGODA_GFP_KERNEL when the reserve is filled. NULL: there is no memory.
 */
typedef void *pagoda_mempool_alloc_fn(unsigned int gfp, void *pool_data);
typedef void pagoda_mempool_free_fn(void *element, void *pool_data);

/*
 * pagoda_mempool_create() - a pool of elements of the program's own kind.
 * @min_nr:    elements in the reserve, 1 to 268435440. They are allocated now.
 * @alloc_fn, @free_fn, @pool_data: as above. The pool does not know how large an
 *             element is: @alloc_fn writes to its pages, if they are to be there.
 *
 * Return: the pool; or NULL with errno EINVAL (an argument) or ENOMEM.
 * Not in signal handlers.
 */
PAGODA_API struct pagoda_mempool *
pagoda_mempool_create(unsigned int min_nr, pagoda_mempool_alloc_fn *alloc_fn,
		      pagoda_mempool_free_fn *free_fn, void *pool_data);

/*
 * pagoda_mempool_create_slab_pool() - a pool of objects of @cache, which is to be
 * destroyed after it.
 * pagoda_mempool_create_kmalloc_pool() - a pool of blocks of @size bytes from
 * malloc.
 *
 * The pages of the reserve are resident.
 * Return, signal handlers: as pagoda_mempool_create(); EINVAL also for a size of
 * 0, and for a cache with PAGODA_SLAB_PANIC, which would end the program before
 * the reserve is used.
 */
PAGODA_API struct pagoda_mempool *
pagoda_mempool_create_slab_pool(unsigned int min_nr,
				struct pagoda_kmem_cache *cache);
PAGODA_API struct pagoda_mempool *
pagoda_mempool_create_kmalloc_pool(unsigned int min_nr, size_t size);

/*
 * pagoda_mempool_create_locked_pool() - as a kmalloc pool, but the reserve is one
 * block locked in RAM: it is never swapped out. Only its own elements return to
 * it, and its size stays as it is. A child of fork() has it unlocked, as mlock(2)
 * says.
 *
 * Return: as pagoda_mempool_create(), or with the errno of mlock2(2): EPERM, or
 * ENOMEM or EAGAIN where RLIMIT_MEMLOCK does not allow so much.
 */
PAGODA_API struct pagoda_mempool *
pagoda_mempool_create_locked_pool(unsigned int min_nr, size_t size);

/*
 * pagoda_mempool_alloc() - an element: a new one, or one of the reserve.
 * @gfp: PAGODA_GFP_KERNEL waits, if there is neither, until some thread frees an
 *       element to the pool: it never fails. PAGODA_GFP_ATOMIC does not wait.
 *
 * Return: the element. With PAGODA_GFP_ATOMIC, or in a signal handler that
 * interrupted the allocator, NULL with errno ENOMEM if there is none; NULL with
 * EINVAL if @gfp is something else (there is no PAGODA_GFP_ZERO: elements of the
 * reserve have been used).
 * Safe in signal handlers with PAGODA_GFP_ATOMIC: one that waits may wait for the
 * thread it interrupted.
 */
PAGODA_API void *pagoda_mempool_alloc(struct pagoda_mempool *pool,
				      unsigned int gfp);

/*
 * pagoda_mempool_free() - give an element back: to the reserve if that is not
 * full, and else to the pool's free function.
 * @element: an element of @pool, or NULL.
 *
 * Keeps errno, if the free function does. Safe in signal handlers.
 */
PAGODA_API void pagoda_mempool_free(void *element, struct pagoda_mempool *pool);

/*
 * pagoda_mempool_resize() - make the reserve @min_nr elements large.
 *
 * Elements that it lacks are allocated now. Smaller: those too many are freed.
 * One thread at a time.
 *
 * Return: 0; or -1 with errno ENOMEM (it is as it was), or EINVAL (@min_nr, or the
 * pool is a locked one).
 * Not in signal handlers.
 */
PAGODA_API int pagoda_mempool_resize(struct pagoda_mempool *pool,
				     unsigned int min_nr);

/*
 * pagoda_mempool_destroy() - free the reserve and the pool.
 * @pool: may be NULL. Nobody may use it meanwhile or later. Elements that are
 *        still in use stay valid, but for those of a locked pool's reserve; who
 *        has them gives them to the function that the pool would have called.
 *
 * Not in signal handlers.
 */
PAGODA_API void pagoda_mempool_destroy(struct pagoda_mempool *pool);

#ifdef __cplusplus
}
#endif

#endif
