/* SPDX-License-Identifier: MIT */
/* Pools for the misuse of include/pagoda/mempool.h. */
#ifndef MISUSE_POOL_H
#define MISUSE_POOL_H

#define PAGODA_OPTIONAL
#include <pagoda/mempool.h>

#include "misuse.h"

/* One that has ended, announced. @ret_element: was one of its elements. */
static inline struct pagoda_mempool *ended_pool(void **ret_element)
{
	struct pagoda_mempool *pool =
		pagoda_mempool_create_kmalloc_pool(2, 100);

	CHECK(pool);
	*ret_element = pagoda_mempool_alloc(pool, PAGODA_GFP_KERNEL);
	pagoda_mempool_destroy(pool);
	return suspect(pool);
}

/*
 * An element of the reserve of a new locked pool of one element of @size bytes:
 * the last one to be had where there is no memory.
 */
static inline char *only_element(size_t size, struct pagoda_mempool **ret_pool)
{
	struct rlimit none = {0, 0};
	char *p, *last = NULL;

	*ret_pool = pagoda_mempool_create_locked_pool(1, size);
	CHECK(*ret_pool);
	CHECK(!setrlimit(RLIMIT_DATA, &none));
	while ((p = pagoda_mempool_alloc(*ret_pool, PAGODA_GFP_ATOMIC)) != NULL)
		last = p;
	CHECK(last);
	return last;
}

#endif
