/* SPDX-License-Identifier: MIT */
/*
 * pagoda/shrinker.h - the program's own caches give memory back when it is short.
 *
 * A program that keeps things it could get again (decoded pictures, parsed files,
 * answers) registers a shrinker for them. When an allocation is about to fail,
 * shrinkers are asked to free a quarter of what they have, then half, then all,
 * until it succeeds; on malloc_trim(), for all at once.
 *
 *	static const struct pagoda_shrinker pictures = {
 *		.count = count_pictures,
 *		.scan = free_pictures,
 *	};
 *
 *	pagoda_register_shrinker(&pictures);
 *
 * Ideas: shrinkers of Linux, whose names and meanings these are.
 *
 * Memory is short when the system refuses some: at RLIMIT_AS or RLIMIT_DATA, with
 * vm.overcommit_memory=2, or when the address space is used up. A cgroup's limit
 * refuses nothing; a program that watches memory.pressure calls malloc_trim().
 */
#ifndef PAGODA_SHRINKER_H
#define PAGODA_SHRINKER_H

#include <stddef.h>

#include <pagoda/pagoda.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From scan(): not now. */
#define PAGODA_SHRINK_STOP ((size_t)-1)

#define PAGODA_DEFAULT_SEEKS 2

/*
 * The operations run in any thread that allocates, in several at once, and with
 * whatever locks that thread holds. So they only try locks of the program, with
 * pthread_mutex_trylock(); a thread may hold the cache's own lock when it allocates
 * for it. They may free and allocate, but what they allocate is not worth a scan.
 * A compiler believes that malloc() calls nothing of the file it is called in (libc's
 * headers say "leaf"), and may keep a static variable in a register meanwhile. So
 * what operations change is changed and read with a lock, or atomically, or only
 * through private_data.
 * They must not touch missing pages of a pagoda_map(), and not leave by longjmp(),
 * an exception, or the end of the thread.
 */
struct pagoda_shrinker {
	/*
	 * count() - how many objects could be freed, about; 0: none, or cannot say
	 * now. In any unit that scan() counts in, too.
	 */
	size_t (*count)(void *private_data);
	/*
	 * scan() - free up to @nr objects, those that are missed least.
	 * Return: how many were freed; or PAGODA_SHRINK_STOP.
	 */
	size_t (*scan)(void *private_data, size_t nr);
	/*
	 * How dear an object is to get again, compared with others' objects; 0:
	 * PAGODA_DEFAULT_SEEKS. At first, twice the number frees half as many.
	 */
	unsigned int seeks;
	unsigned int flags; /* 0 */
	void *private_data;
};

/*
 * pagoda_register_shrinker() - from now on, ask @shrinker.
 * @shrinker: stays as it is until it is unregistered; what it is known by.
 *
 * Return: 0; or -1 with errno
 *	EINVAL   it has no count or scan operation, or flags
 *	EEXIST   it is registered already
 *	ENOMEM   no memory
 *	EDEADLK  in a signal handler that interrupted the allocator, or in a
 *	         constructor of a cache (pagoda/kmem.h).
 * Safe in threads and in operations of shrinkers, not in signal handlers.
 */
PAGODA_API int pagoda_register_shrinker(const struct pagoda_shrinker *shrinker);

/*
 * pagoda_unregister_shrinker() - do not ask @shrinker any more.
 *
 * Waits until those of its operations that are under way in other threads have
 * ended; so not with a lock that they wait for.
 *
 * Return: 0; or -1 with errno
 *	ENOENT   it is not registered
 *	EDEADLK  from an operation of any shrinker, or as above.
 * Safe in threads, not in signal handlers.
 *
 * Fork: a child has the parent's shrinkers. Operations that other threads of the
 * parent were in do not go on there.
 */
PAGODA_API int
pagoda_unregister_shrinker(const struct pagoda_shrinker *shrinker);

#ifdef __cplusplus
}
#endif

#endif
