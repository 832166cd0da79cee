/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of malloc/ share. */
#ifndef PAGODA_MALLOC_INTERNAL_H
#define PAGODA_MALLOC_INTERNAL_H

#include <errno.h>
#include <stdint.h>

#include "base/compiler.h"
#include "page_alloc/page.h"
#include "percpu/gate.h"

/*
 * What the fast paths compare with. All zero before start-up and, but for the
 * base, in percpu=lock: then every call takes the slow path, without a test of
 * its own.
 */
struct fast {
	/*
	 * Every block of whole pages, and every object that is the first of its
	 * slab, begins where a page does, and they compete for that set of the
	 * first-level cache: with this line in it churn/wide took 1.3 times as long.
	 */
	char not_at_the_start_of_a_page[11 * CACHELINE];
	size_t alloc_below; /* sizes below this are popped from a sheaf */
	uintptr_t span_base;
	size_t span_size;
	/* Where page_class[] would have the entry of address 0. The next malloc
	 * may wait for what free() finds here: a subtraction less. */
	uintptr_t page_class;
} __attribute__((aligned(1024)));

extern struct fast fast INTERNAL;
_Static_assert(sizeof(struct fast) == 1024, "alone in its line");

/* @p is in the span. */
static ALWAYS_INLINE uint8_t fast_class(const void *p)
{
	uintptr_t entry = fast.page_class + ((uintptr_t)p >> PAGE_SHIFT);

	return *(const uint8_t *)entry;
}

/* --- init.c --- */

/*
 * malloc_start() - bring the allocator up, if it is not.
 * Return: false while that is not possible yet (the loader is still at work) or
 * under way: use the boot arena.
 */
bool malloc_start(void);

/* Is it up? */
bool malloc_is_up(void);

/* --- malloc.c: the slow halves --- */

void *malloc_slow(size_t size);
void free_slow(void *p);

/*
 * alloc_atomic() - malloc for who has something to fall back on: never waits, and
 * takes nothing of the last resorts of signal handlers.
 * @size: up to PTRDIFF_MAX. Return: NULL; errno is not set.
 */
void *alloc_atomic(size_t size);

/*
 * alloc_aligned() - @size bytes aligned to @align, a power of two.
 * Return: NULL with errno ENOMEM.
 */
void *alloc_aligned(size_t align, size_t size);

/* Bytes the block at @p may use; stops the program if there is none. */
size_t usable_size(void *p, const char *caller);

/* What a wrapper of a system call returns, as libc's would: errno is set. */
static inline long syscall_result(long ret)
{
	if (unlikely((unsigned long)ret > -4096ul)) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

/* --- large.c: blocks of whole pages --- */

/*
 * Only from and to this CPU's sheaf, without the gate: NULL, false if that
 * cannot serve. @size: more than KMALLOC_MAX; @align: a power of two, which a block
 * that grew in place may not have; @p: in a page of PAGE_CLASS_ASK.
 */
void *large_alloc_fast(size_t size, size_t align);
bool large_free_fast(void *p);
/* @align: a power of two. NULL when out of memory; errno is not set. */
void *large_alloc(size_t size, size_t align, bool zero, bool wait);
/* @p is in a page of PAGE_CLASS_ASK. False: put off, nothing was done. */
bool large_free(void *p, bool wait);
size_t large_usable_size(const void *p);
/* What is wrong with @p as a block of whole pages, or NULL. */
const char *large_check(const void *p);
/* Is @p a block of whole pages, and not worth resizing if @size are asked for? Any
 * pointer will do. */
bool large_may_stay(const void *p, size_t size);
/*
 * Make the block at @p @size bytes long without copying. Return: where it is
 * now; NULL: not possible, it is as it was.
 */
void *large_realloc(void *p, size_t size, bool wait);
/* The same for an area of VMALLOC space, however small. */
void *area_realloc(struct page *page, size_t nr, bool wait);

/* --- pages.c --- */

/*
 * check_pages() - stops the program unless @p is the start of a live block of
 * whole pages. @caller: for the message. Return: its first page.
 */
struct page *check_pages(const void *p, const char *caller);
/*
 * finish_pages() - the end of an attempt to allocate, behind gate_enter().
 * @p: what came of it, or NULL. Return: the same.
 */
void *finish_pages(void *p, enum slow_path how);

/* --- kmem.c --- */

/* What the address of a bad free is, in words. */
const char *whose(const void *obj);

/* --- shrinker.c: the program's own caches --- */

/*
 * shrink_for_memory() - for who is about to fail, and may wait: ask the program's
 * shrinkers for memory, each time for more of it.
 * @round: 0 at first.
 * Context: outside the gate, no lock held; calls functions of the program.
 * Return: whether to try again.
 */
COLD bool shrink_for_memory(unsigned int *round);
/* Ask them for all they have. */
void shrink_all(void);
/* In a forked child, before the gate opens: scans of other threads are over. */
void shrinkers_fork_child(void);

/* --- foreign.c: memory that is not ours --- */

void foreign_free(void *p);
/* NULL with errno set if libc cannot do it. */
void *foreign_realloc(void *p, size_t size);
size_t foreign_usable_size(void *p);

/* --- decay.c --- */

/*
 * Called at the end of slow paths, outside the gate. Looks at the clock when
 * the weights since the last look add up: a miss of a sheaf is rare and looks
 * every time, a page block would feel it.
 */
enum { LOOK_EVERY = 16, WEIGHT_OBJECT = 16, WEIGHT_LARGE = 1 };
void decay_tick(unsigned int weight);
/* A time it goes by was changed. */
void decay_restart(void);
/* Give back all that is free. Return: whether anything was. */
bool trim_all(void);

/* --- fork.c, stats.c: registered by init.c's constructor --- */

void fork_init(void);
void stats_at_exit(void);

/* --- deferred.c: frees that nested calls put off --- */

void defer_free(void *p);
void run_deferred(void);

static inline void *out_of_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

static inline size_t pages_for(size_t size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Write to all pages of @block; its contents are someone's. */
static inline void touch_pages(void *block, size_t size)
{
	volatile char *p = block;

	for (size_t at = 0; at < size; at += PAGE_SIZE)
		p[at] = p[at];
	if (size)
		p[size - 1] = p[size - 1];
}

#endif
