/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - attributes, branch hints and arithmetic that every layer uses.
 */
#ifndef PAGODA_BASE_COMPILER_H
#define PAGODA_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define EXPORT __attribute__((visibility("default")))
/* An entry point whose fast path is two or three lines of code: its speed should
 * not depend on what lies before it. */
#define FAST_EXPORT EXPORT __attribute__((aligned(64)))
/* -fvisibility does not reach declarations: without this, a reference to a
 * variable of another file goes through the GOT. */
#define INTERNAL __attribute__((visibility("hidden")))
#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((cold, noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define CACHELINE 64
#define CACHELINE_ALIGNED __attribute__((aligned(CACHELINE)))
/*
 * For a table of which a small program uses little: on pages of its own, so
 * that the small variables lie side by side.
 */
#define SPARSE_TABLE __attribute__((aligned(4096)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define KiB(n) ((size_t)(n) << 10)
#define MiB(n) ((size_t)(n) << 20)
#define GiB(n) ((size_t)(n) << 30)

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline bool is_power_of_2(size_t n)
{
	return n && !(n & (n - 1));
}

/* @align is a power of two. */
static inline uintptr_t align_down(uintptr_t v, size_t align)
{
	return v & ~(uintptr_t)(align - 1);
}

/* Wraps to a small value when @v is within @align of the top. */
static inline uintptr_t align_up(uintptr_t v, size_t align)
{
	return (v + align - 1) & ~(uintptr_t)(align - 1);
}

/* Index of the highest set bit; @v is not 0. */
static inline unsigned int ilog2(size_t v)
{
	return 63u - (unsigned int)__builtin_clzll(v);
}

/* Smallest k with 1 << k >= @v; @v is not 0. */
static inline unsigned int ilog2_up(size_t v)
{
	return v <= 1 ? 0 : ilog2(v - 1) + 1;
}

#endif
