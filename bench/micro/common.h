/*
 * What the micro workloads share: random numbers, size distributions, arrays
 * that do not come from the allocator under test, touching memory, threads.
 */
#ifndef BENCH_MICRO_COMMON_H
#define BENCH_MICRO_COMMON_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_shim.h"

#define KiB ((size_t)1024)
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* xorshift64*: fast enough to vanish beside an allocation. */
struct rng {
	uint64_t state;
};

static inline struct rng rng_seed(uint64_t seed)
{
	return (struct rng){(seed + 1) * 0x9e3779b97f4a7c15u};
}

static inline uint32_t rng_next(struct rng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1du) >> 32);
}

/* 0 .. n - 1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((uint64_t)rng_next(r) * n) >> 32);
}

/*
 * A size in min .. max, each power of two about as likely as the next: small
 * sizes are the most frequent, as in programs. Both are powers of two.
 */
static inline size_t rng_size(struct rng *r, size_t min, size_t max)
{
	unsigned int steps =
		(unsigned int)(__builtin_ctzl(max) - __builtin_ctzl(min));
	size_t low = min << rng_below(r, steps);

	return low + rng_below(r, (uint32_t)low) + 1;
}

/*
 * Makes the object a used one (a real user writes what he asks for) without
 * making the benchmark one of memset; the compiler must believe in it.
 */
static inline void touch(void *p, size_t size)
{
	*(char *)p = 1;
	if (size >= 16)
		((uint64_t *)p)[1] = (uint64_t)size;
	__asm__ volatile("" : : "r"(p) : "memory");
}

static inline void touch_pages(char *p, size_t size)
{
	for (size_t at = 0; at < size; at += 4096)
		p[at] = 1;
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* Zeroed, resident memory straight from the kernel. Not given back. */
static inline void *map_array(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* A random order of 0 .. n - 1. */
static inline uint32_t *map_permutation(size_t n, uint64_t seed)
{
	uint32_t *perm = map_array(n, sizeof(*perm));
	struct rng r = rng_seed(seed);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = rng_below(&r, i + 1);

		perm[i] = perm[j];
		perm[j] = i;
	}
	return perm;
}

/* Random sizes, drawn beforehand; n is a power of two. */
static inline uint32_t *map_sizes(size_t n, size_t min, size_t max,
				  uint64_t seed)
{
	uint32_t *sizes = map_array(n, sizeof(*sizes));
	struct rng r = rng_seed(seed);

	for (size_t i = 0; i < n; i++)
		sizes[i] = (uint32_t)rng_size(&r, min, max);
	return sizes;
}

/* Starts n threads; each gets its element of the array ctx. */
static inline pthread_t *start_threads(size_t n, void *(*fn)(void *), void *ctx,
				       size_t size)
{
	pthread_t *threads = map_array(n, sizeof(*threads));

	for (size_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fn,
				   (char *)ctx + i * size)) {
			perror("pthread_create");
			exit(1);
		}
	return threads;
}

static inline void join_threads(size_t n, pthread_t *threads)
{
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	munmap(threads, n * sizeof(*threads));
}

#endif
