/*
 * Blocks of pages (pagoda/pages.h) beside aligned_alloc() and posix_memalign(), and
 * areas (pagoda/vmalloc.h) beside malloc(): pairs of one block, of which the first
 * bytes are used. bench/api sets them side by side.
 */
#define PAGODA_OPTIONAL
#include <pagoda/pages.h>
#include <pagoda/vmalloc.h>

#include "common.h"
#include "own.h"

enum { TURN = 100 };

/* --- blocks; arg: order --- */

static size_t bytes_of(struct bench *b)
{
	return (size_t)PAGODA_PAGE_SIZE << bench_arg(b, 0);
}

static void blocks_malloc(struct bench *b)
{
	size_t size = bytes_of(b);

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = aligned_alloc(size, size);

			touch(p, size);
			free(p);
		}
}

static void blocks_posix(struct bench *b)
{
	size_t size = bytes_of(b);

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = NULL;

			if (posix_memalign(&p, size, size))
				exit(1);
			touch(p, size);
			free(p);
		}
}

static void blocks_own(struct bench *b)
{
	unsigned int order = (unsigned int)bench_arg(b, 0);
	size_t size = bytes_of(b);

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = pagoda_alloc_pages(PAGODA_GFP_KERNEL, order);

			touch(p, size);
			pagoda_free_pages(p, order);
		}
}

/* --- areas; arg: MiB --- */

static void areas_malloc(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0) * MiB;

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = malloc(size);

			touch(p, size);
			free(p);
		}
}

static void areas_own(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0) * MiB;

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			void *p = pagoda_vmalloc(size);

			touch(p, size);
			pagoda_vfree(p);
		}
}

#define ORDER(order)                                                    \
	{"order-" #order "/malloc", blocks_malloc, {order}, 2000000},   \
	{"order-" #order "/posix", blocks_posix, {order}, 2000000},     \
	{"order-" #order "/own", blocks_own, {order}, 1000000}

#define AREA(mib)                                                       \
	{"area-" #mib "M/malloc", areas_malloc, {mib}, 1000000},        \
	{"area-" #mib "M/own", areas_own, {mib}, 1000000}

static const struct bench_case cases[] = {
	ORDER(0), ORDER(1), ORDER(2), ORDER(3), ORDER(4), ORDER(8),
	AREA(1),  AREA(4),  AREA(16), AREA(64),
};
OWN_MAIN("pages", "blocks of pages, and areas", cases)
