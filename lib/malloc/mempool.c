/* SPDX-License-Identifier: MIT */
/*
 * mempool.c - the functions of include/pagoda/mempool.h: what is around the
 * reserve of slab/reserve.h.
 *
 * Who finds neither memory nor a reserve counts itself among the waiters, looks
 * once more, and sleeps until `wakes` changes; who frees an element changes it if
 * someone waits. Both have a full fence between what they write and what they
 * read, so one of them sees the other.
 */
#include <pagoda/mempool.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/host.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "percpu/gate.h"
#include "slab/reserve.h"
#include "slab/slab.h"

struct pagoda_mempool {
	struct reserve reserve;
	/* Const until destroyed. */
	pagoda_mempool_alloc_fn *alloc; /* NULL: destroyed */
	pagoda_mempool_free_fn *free;
	void *data;
	size_t size; /* bytes of an element; 0: not known */
	char *block; /* locked pool: its elements, side by side */
	size_t block_size;

	uint32_t min_nr; /* Owner: who resizes */
	uint32_t waiters; /* Atomic */
	uint32_t wakes; /* Atomic; also the futex they sleep on */
};

/* Is it one, still? As far as its memory can tell. */
static void check_pool(const struct pagoda_mempool *pool, const char *caller)
{
	if (unlikely(!pool->alloc))
		bug("%s: invalid mempool %p (destroyed already?)", caller,
		    (const void *)pool);
}

/* --- where elements come from --- */

static void *alloc_object(unsigned int gfp, void *cache)
{
	return pagoda_kmem_cache_alloc(cache, gfp);
}

static void free_object(void *element, void *cache)
{
	pagoda_kmem_cache_free(cache, element);
}

static void *alloc_block(unsigned int gfp, void *size)
{
	if (gfp & PAGODA_GFP_ATOMIC || thread_word.depth)
		return alloc_atomic((uintptr_t)size);
	return malloc((uintptr_t)size);
}

static void free_block(void *element, void *unused)
{
	(void)unused;
	free(element);
}

/* --- the reserve --- */

static bool is_good_size(unsigned int min_nr)
{
	return min_nr && min_nr <= RESERVE_MAX;
}

static bool add_cells(struct pagoda_mempool *pool)
{
	void *cells = calloc(1, reserve_chunk_size(&pool->reserve));

	if (!cells)
		return false;
	reserve_add_chunk(&pool->reserve, cells);
	return true;
}

static bool add_element(struct pagoda_mempool *pool, void *element)
{
	touch_pages(element, pool->size);
	while (!reserve_grow(&pool->reserve, element))
		if (!add_cells(pool))
			return false;
	pool->min_nr++;
	return true;
}

static bool grow(struct pagoda_mempool *pool)
{
	void *element = pool->alloc(PAGODA_GFP_KERNEL, pool->data);

	if (!element)
		return false;
	if (add_element(pool, element))
		return true;
	pool->free(element, pool->data);
	return false;
}

static void shrink(struct pagoda_mempool *pool)
{
	/* All cells may be in other hands for a moment; after a fork, for ever. */
	enum { TRIES = 1000 };
	void *element = NULL;

	for (int i = 0; i < TRIES; i++) {
		if (reserve_shrink(&pool->reserve, &element))
			break;
		host_yield();
	}
	if (element)
		pool->free(element, pool->data);
	pool->min_nr--;
}

/* --- create and destroy --- */

static void free_pool(struct pagoda_mempool *pool)
{
	for (unsigned int i = 0; i < pool->reserve.nr_chunks; i++)
		free(pool->reserve.chunks[i]);
	if (pool->block) {
		os_munlock(pool->block, pool->block_size);
		free(pool->block);
	}
	pool->alloc = NULL;
	free(pool);
}

static struct pagoda_mempool *new_pool(unsigned int min_nr,
				       pagoda_mempool_alloc_fn *alloc_fn,
				       pagoda_mempool_free_fn *free_fn,
				       void *data, size_t size)
{
	struct pagoda_mempool *pool;

	if (!is_good_size(min_nr) || !alloc_fn || !free_fn) {
		errno = EINVAL;
		return NULL;
	}
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->alloc = alloc_fn;
	pool->free = free_fn;
	pool->data = data;
	pool->size = size;
	return pool;
}

static struct pagoda_mempool *fill_pool(struct pagoda_mempool *pool,
					unsigned int min_nr)
{
	if (pool && pagoda_mempool_resize(pool, min_nr) < 0) {
		free_pool(pool);
		return NULL;
	}
	return pool;
}

EXPORT struct pagoda_mempool *
pagoda_mempool_create(unsigned int min_nr, pagoda_mempool_alloc_fn *alloc_fn,
		      pagoda_mempool_free_fn *free_fn, void *pool_data)
{
	return fill_pool(new_pool(min_nr, alloc_fn, free_fn, pool_data, 0),
			 min_nr);
}

EXPORT struct pagoda_mempool *
pagoda_mempool_create_slab_pool(unsigned int min_nr,
				struct pagoda_kmem_cache *cache)
{
	size_t size = pagoda_kmem_cache_size(cache);

	/* It would never come to the reserve. */
	if (((struct kmem_cache *)cache)->flags & SLAB_PANIC) {
		errno = EINVAL;
		return NULL;
	}
	return fill_pool(new_pool(min_nr, alloc_object, free_object, cache,
				  size),
			 min_nr);
}

static struct pagoda_mempool *new_kmalloc_pool(unsigned int min_nr, size_t size)
{
	if (!size || size > PTRDIFF_MAX) {
		errno = EINVAL;
		return NULL;
	}
	return new_pool(min_nr, alloc_block, free_block, (void *)size, size);
}

EXPORT struct pagoda_mempool *
pagoda_mempool_create_kmalloc_pool(unsigned int min_nr, size_t size)
{
	return fill_pool(new_kmalloc_pool(min_nr, size), min_nr);
}

static size_t stride(const struct pagoda_mempool *pool)
{
	return align_up(pool->size, 16);
}

static bool make_locked_reserve(struct pagoda_mempool *pool,
				unsigned int min_nr)
{
	size_t bytes;
	int err;

	if (__builtin_mul_overflow(stride(pool), min_nr, &bytes) ||
	    bytes > PTRDIFF_MAX) {
		errno = ENOMEM;
		return false;
	}
	/* Pages of its own: what is locked is whole pages. */
	pool->block_size = align_up(bytes, PAGE_SIZE);
	pool->block = alloc_aligned(PAGE_SIZE, pool->block_size);
	if (!pool->block)
		return false;
	err = os_mlock_onfault(pool->block, pool->block_size);
	if (err) {
		errno = -err;
		return false;
	}
	for (unsigned int i = 0; i < min_nr; i++)
		if (!add_element(pool, pool->block + i * stride(pool)))
			return false;
	return true;
}

EXPORT struct pagoda_mempool *
pagoda_mempool_create_locked_pool(unsigned int min_nr, size_t size)
{
	struct pagoda_mempool *pool = new_kmalloc_pool(min_nr, size);

	if (pool && !make_locked_reserve(pool, min_nr)) {
		free_pool(pool);
		return NULL;
	}
	return pool;
}

EXPORT int pagoda_mempool_resize(struct pagoda_mempool *pool,
				 unsigned int min_nr)
{
	unsigned int before = pool->min_nr;

	check_pool(pool, "pagoda_mempool_resize");
	if (!is_good_size(min_nr) || pool->block) {
		errno = EINVAL;
		return -1;
	}
	while (pool->min_nr < min_nr) {
		if (grow(pool))
			continue;
		while (pool->min_nr > before)
			shrink(pool);
		errno = ENOMEM;
		return -1;
	}
	while (pool->min_nr > min_nr)
		shrink(pool);
	return 0;
}

EXPORT void pagoda_mempool_destroy(struct pagoda_mempool *pool)
{
	void *element;

	if (!pool)
		return;
	check_pool(pool, "pagoda_mempool_destroy");
	if (!pool->block)
		while ((element = reserve_take(&pool->reserve)) != NULL)
			pool->free(element, pool->data);
	free_pool(pool);
}

/* --- alloc and free --- */

static void *take(struct pagoda_mempool *pool, unsigned int gfp)
{
	int saved = errno;
	void *p = pool->alloc(gfp, pool->data);

	if (!p)
		p = reserve_take(&pool->reserve);
	/* What was tried in vain is not the caller's. */
	errno = saved;
	return p;
}

static void *wait_for_element(struct pagoda_mempool *pool)
{
	void *p;

	fetch_add_full(&pool->waiters, 1);
	for (;;) {
		/* Pairs with the change of it in wake_waiter(). */
		uint32_t seen = load_full(&pool->wakes);

		p = take(pool, PAGODA_GFP_KERNEL);
		if (p)
			break;
		host_futex_wait(&pool->wakes, seen);
	}
	fetch_sub_full(&pool->waiters, 1);
	return p;
}

EXPORT void *pagoda_mempool_alloc(struct pagoda_mempool *pool, unsigned int gfp)
{
	void *p;

	check_pool(pool, "pagoda_mempool_alloc");
	if (unlikely(gfp > PAGODA_GFP_ATOMIC)) {
		errno = EINVAL;
		return NULL;
	}
	p = take(pool, gfp);
	if (likely(p))
		return p;
	if (gfp == PAGODA_GFP_ATOMIC || thread_word.depth)
		return out_of_memory();
	return wait_for_element(pool);
}

static void wake_waiter(struct pagoda_mempool *pool)
{
	full_fence();
	if (likely(!load_relaxed(&pool->waiters)))
		return;
	fetch_add_full(&pool->wakes, 1);
	host_futex_wake(&pool->wakes, 1);
}

/* The reserve of a locked pool has a cell for each element of its block. */
static bool put_locked(struct pagoda_mempool *pool, void *element)
{
	size_t offset = (size_t)((char *)element - pool->block);

	if (offset >= pool->block_size)
		return false;
	if (unlikely(offset % stride(pool)))
		bug("invalid free of %p: locked mempool of %zu bytes: not the start of an element",
		    element, pool->size);
	if (unlikely(!reserve_put(&pool->reserve, element)))
		bug("double free of %p: locked mempool of %zu bytes", element,
		    pool->size);
	return true;
}

static bool put(struct pagoda_mempool *pool, void *element)
{
	if (pool->block)
		return put_locked(pool, element);
	if (likely(!reserve_has_room(&pool->reserve)))
		return false;
	/* It may be freed as it came, without a page of its own. */
	touch_pages(element, pool->size);
	return reserve_put(&pool->reserve, element);
}

EXPORT void pagoda_mempool_free(void *element, struct pagoda_mempool *pool)
{
	if (!element)
		return;
	check_pool(pool, "pagoda_mempool_free");
	if (!put(pool, element))
		pool->free(element, pool->data);
	wake_waiter(pool);
}
