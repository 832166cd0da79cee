/* SPDX-License-Identifier: MIT */
/*
 * pagoda/kmem.h - caches of objects of one type.
 *
 * A program that makes and ends many objects of a type gives them a cache of
 * their own: they lie side by side without headers, are constructed once and not
 * at every use, show up under their name in slabinfo, are counted when the cache
 * is destroyed, and can be watched for writes where nobody should write. Alloc
 * and free go through the caches of each CPU, as malloc and free do.
 *
 *	static void conn_init(void *p)
 *	{
 *		struct conn *c = p;
 *
 *		pthread_mutex_init(&c->lock, NULL);
 *	}
 *
 *	cache = pagoda_kmem_cache_create("conn", sizeof(struct conn), 0, 0,
 *					 conn_init);
 *	c = pagoda_kmem_cache_alloc(cache, PAGODA_GFP_KERNEL);
 *	...
 *	pagoda_kmem_cache_free(cache, c);
 *
 * Ideas: Jeff Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory
 * Allocator" (1994): constructed state that survives free; the kmem_cache
 * interface of Linux, whose names and meanings these are; SLUB's debugging.
 *
 * Mistakes stop the program with a message on standard error that names the
 * pointer and the cache: an object freed to a cache that is not its own, a pointer
 * that is not the start of an object, NULL, an object freed twice, a cache that
 * was destroyed (as long as its place is not taken by a new one). An object freed
 * twice is found at the call, or later when its batch reaches the slab, but not if
 * it was handed out again in between; a cache with a debugging flag finds it at
 * once. malloc's free() takes an object of any cache, too, and knows its cache;
 * realloc() may return memory that is not of the cache.
 *
 * Unless it says otherwise, a function is safe in threads; and in a child after
 * fork() whatever the other threads of the parent were doing.
 */
#ifndef PAGODA_KMEM_H
#define PAGODA_KMEM_H

#include <stddef.h>

#include <pagoda/pagoda.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pagoda_kmem_cache;

/* How an allocation may behave; to be combined with |. */
enum pagoda_gfp {
	/* May wait for a lock, and for memory to be given back elsewhere. */
	PAGODA_GFP_KERNEL = 0,
	/* Never waits for anyone: what is not there at once is refused. */
	PAGODA_GFP_ATOMIC = 1 << 0,
	/* The memory is all zero. */
	PAGODA_GFP_ZERO = 1 << 1,
	/* Where from: only for the functions of pagoda/pages.h. */
	PAGODA_GFP_DMA = 1 << 2, /* resident, and locked in RAM */
	PAGODA_GFP_DMA32 = 1 << 3, /* below 4 GiB */
	PAGODA_GFP_HIGHUSER_MOVABLE = 1 << 4, /* ZONE_MOVABLE, if it has any */
};

enum pagoda_slab_flags {
	/* Objects start at a cache line, so that no two share one. */
	PAGODA_SLAB_HWCACHE_ALIGN = 1 << 0,
	/*
	 * The program can do without these objects (it registers a shrinker for
	 * them): their pages are kept apart from those that stay.
	 */
	PAGODA_SLAB_RECLAIM_ACCOUNT = 1 << 1,
	/*
	 * Debugging, many times slower: free objects are filled with 0x6b and
	 * 0xa5, new ones with 0x5a. Who writes to a free object is found when it
	 * is handed out again or its slab is given back. Not with a constructor
	 * or TYPESAFE, whose state it would destroy.
	 */
	PAGODA_SLAB_POISON = 1 << 2,
	/*
	 * Debugging, many times slower: at least 8 bytes behind every object are
	 * 0xcc (0xbb when it is free), and who wrote there is found when the
	 * object is freed.
	 */
	PAGODA_SLAB_RED_ZONE = 1 << 3,
	/*
	 * As long as the cache lives, memory that held one of its objects holds
	 * one of its objects: a reader with an old pointer finds an object of
	 * this type there, live, free or new, never something else. The memory is
	 * given back when the cache is destroyed.
	 */
	PAGODA_SLAB_TYPESAFE = 1 << 4,
	/*
	 * The program ends with a message where the cache cannot be created, or
	 * an allocation that may wait finds no memory: nothing to check. (In Linux
	 * only the creation.)
	 */
	PAGODA_SLAB_PANIC = 1 << 5,
};

/*
 * pagoda_kmem_cache_create() - a cache of objects of one type.
 * @name:  printable ASCII; copied. Of more than 31 characters the first count,
 *         and blanks become '_'.
 * @size:  bytes of an object, 1 to 32768.
 * @align: a power of two up to 4096. 0, or less than 16: 16.
 * @flags: enum pagoda_slab_flags.
 * @ctor:  NULL, or called once for each object when its memory joins the cache,
 *         before the object is handed out for the first time. An object keeps its
 *         contents from free to the next alloc, so whoever frees it leaves it as
 *         the constructor did.
 *
 * @ctor runs inside an allocation, in whatever thread or signal handler asks for
 * it. It may allocate; it must not destroy caches, fork, or leave by longjmp or an
 * exception. There is no destructor: what the constructor makes must not need one.
 *
 * Return: the cache; or NULL with errno
 *	EINVAL   an argument is not as above
 *	EEXIST   there is a cache of this name (also those of malloc: "kmalloc-64")
 *	ENOSPC   there are as many caches as there can be (187)
 *	ENOMEM   the allocator could not start
 *	EDEADLK  called in a constructor, or in a signal handler that interrupted
 *	         the allocator.
 * In signal handlers only as far as that error tells.
 */
PAGODA_API struct pagoda_kmem_cache *
pagoda_kmem_cache_create(const char *name, size_t size, size_t align,
			 unsigned int flags, void (*ctor)(void *obj));

/*
 * pagoda_kmem_cache_destroy() - end a cache, if no object of it is in use.
 * @cache: may be NULL.
 *
 * Nobody may use the cache meanwhile. If objects are still in use, it is as it
 * was, and standard error shows their number and the first 16 addresses:
 *
 *	pagoda: cache conn cannot be destroyed: objects still in use: 2
 *	pagoda: cache conn: object 0x7f2a10002000
 *	pagoda: cache conn: object 0x7f2a10002190
 *
 * which makes it a check for leaks: destroy the caches before exit.
 *
 * Return: 0; or -1 with errno EBUSY (objects are in use), or EDEADLK (called in a
 * constructor, or in a signal handler that interrupted the allocator).
 * Not in signal handlers. Stops the CPUs' caches of the process for a moment
 * (tens of microseconds).
 */
PAGODA_API int pagoda_kmem_cache_destroy(struct pagoda_kmem_cache *cache);

/*
 * pagoda_kmem_cache_alloc() - an object.
 * @gfp: PAGODA_GFP_KERNEL or PAGODA_GFP_ATOMIC; with PAGODA_GFP_ZERO, but not for
 *       caches with a constructor.
 *
 * The object is as the constructor or its last user left it.
 *
 * Return: the object, aligned as the cache says; or NULL with errno ENOMEM, or
 * EINVAL (@gfp).
 * Safe in signal handlers, but in one that interrupted the allocator, or with
 * PAGODA_GFP_ATOMIC, it can be refused although there is memory: a mempool
 * (pagoda/mempool.h) is for those that must not be.
 */
PAGODA_API void *pagoda_kmem_cache_alloc(struct pagoda_kmem_cache *cache,
					 unsigned int gfp);

/*
 * pagoda_kmem_cache_free() - give an object back.
 * @obj: an object of @cache; not NULL.
 *
 * Keeps errno. Safe in signal handlers.
 */
PAGODA_API void pagoda_kmem_cache_free(struct pagoda_kmem_cache *cache,
				       void *obj);

/*
 * pagoda_kmem_cache_alloc_bulk() - @nr objects at once, at a fraction of the
 * price of one by one.
 * @objs: gets the pointers.
 *
 * Return: @nr; or 0, with errno as in pagoda_kmem_cache_alloc(), and then none is
 * allocated.
 * Signal handlers: as pagoda_kmem_cache_alloc().
 */
PAGODA_API size_t pagoda_kmem_cache_alloc_bulk(struct pagoda_kmem_cache *cache,
					       unsigned int gfp, size_t nr,
					       void **objs);

/*
 * pagoda_kmem_cache_free_bulk() - give @nr objects of @cache back at once.
 *
 * All pointers are checked before any object is freed, each as by
 * pagoda_kmem_cache_free().
 * Keeps errno. Safe in signal handlers.
 */
PAGODA_API void pagoda_kmem_cache_free_bulk(struct pagoda_kmem_cache *cache,
					    size_t nr, void *const *objs);

/*
 * pagoda_kmem_cache_shrink() - give the memory of free objects back to the page
 * allocator, as far as whole slabs of them are free.
 *
 * Return: bytes given back; 0 for a cache with PAGODA_SLAB_TYPESAFE, and in a
 * signal handler that interrupted the allocator.
 */
PAGODA_API size_t pagoda_kmem_cache_shrink(struct pagoda_kmem_cache *cache);

/*
 * pagoda_kmem_cache_size() - the bytes of an object, as they were asked for.
 * pagoda_kmem_cache_name() - the cache's name, as slabinfo shows it; valid until
 * the cache is destroyed.
 *
 * Safe in signal handlers.
 */
PAGODA_API size_t pagoda_kmem_cache_size(struct pagoda_kmem_cache *cache);
PAGODA_API const char *
pagoda_kmem_cache_name(struct pagoda_kmem_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
