/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - the C entry points.
 *
 * The fast paths: malloc() is one comparison, one table load and one
 * restartable sequence; free() is one subtraction and comparison, one byte
 * load, one multiplication that proves the pointer to be the start of an
 * object, and one restartable sequence. Everything else, including start-up,
 * percpu=lock and all errors, is in the slow halves.
 *
 * Where a request goes, by size and alignment:
 *
 *	to 32 KiB    a kmalloc cache (slab/)
 *	to 1 MiB     whole pages of the buddy (large.c)
 *	above        an area of VMALLOC space (large.c)
 *
 * What glibc does in each corner (errno, zero sizes, odd alignments) is what
 * happens here; tests/preload/conformance.c compares the two.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/host.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "page_alloc/ahead.h"
#include "page_alloc/page_alloc.h"
#include "percpu/fastpath.h"
#include "percpu/gate.h"
#include "slab/slab.h"

struct fast fast;

/* --- malloc --- */

/* Allocations that the boot arena serves. */
static COLD void *boot_alloc(size_t align, size_t size)
{
	void *p = memblock_alloc(size, align);

	return p ? p : out_of_memory();
}

/* With the gate entered. The objects of @class are aligned to @align. */
static void *alloc_class(unsigned int class, size_t align, enum slow_path how)
{
	void *p;

	class = kmalloc_lodging(class);
	p = kmem_cache_alloc_slow(&kmem_caches[class], how);
	/* A nested call that finds this class locked may find a larger one. */
	while (!p && how != SLOW_NORMAL && ++class <= NR_KMALLOC)
		if (!(kmem_caches[class].size & (align - 1)))
			p = kmem_cache_alloc_slow(&kmem_caches[class], how);
	return p;
}

/*
 * Does a kmalloc cache, of at least @align bytes, serve @size? For a fraction of that
 * many pages are better: those behind it are somebody else's.
 */
static ALWAYS_INLINE bool suits_kmalloc(size_t size, size_t align)
{
	return likely(align <= PAGE_SIZE) ||
	       (align <= KMALLOC_MAX && size > align / 2);
}

/* With the gate entered: an object, or a block of pages. */
static ALWAYS_INLINE void *alloc_somewhere(size_t size, size_t align, bool zero,
					   enum slow_path how)
{
	if (size <= KMALLOC_MAX && suits_kmalloc(size, align))
		return alloc_class(kmalloc_aligned_class(size, align), align,
				   how);
	if (how == SLOW_BARRED)
		return NULL;
	return large_alloc(max_size(size, 1), align, zero, how == SLOW_NORMAL);
}

/*
 * A nested call that found every class locked: its thread holds the lock of one
 * kind of pages at most, so those of the other kind are there as soon as other
 * threads let go. The boot arena is for handlers that interrupt the entrance.
 */
static COLD void *alloc_nested(size_t size, size_t align, enum slow_path how)
{
	enum { TRIES = 64 };

	for (int i = 0; how == SLOW_NESTED && i < TRIES; i++) {
		void *p = large_alloc(max_size(size, 1), align, true, false);

		if (p)
			return p;
		host_yield();
	}
	return memblock_alloc(size, align);
}

/* There is none: what the program's own caches give back may do. Once more. */
static COLD void *alloc_last(size_t size, size_t align)
{
	unsigned int round = 0;
	void *p = NULL;

	/* Not what could never be there. */
	while (!p && size < span.size && shrink_for_memory(&round)) {
		enum slow_path how = gate_enter();

		p = alloc_somewhere(size, align, true, how);
		gate_leave();
	}
	if (p)
		return p;
	count_vm_event(OOM);
	PROBE(oom, size);
	return out_of_memory();
}

static void *leave_slow_path(void *p, enum slow_path how, size_t align,
			     size_t size)
{
	if (likely(how == SLOW_NORMAL)) {
		run_deferred();
	} else {
		count_vm_event(NESTED_ALLOC);
		if (!p)
			p = alloc_nested(size, align, how);
	}
	gate_leave();
	if (likely(how == SLOW_NORMAL))
		decay_tick(size <= KMALLOC_MAX ? WEIGHT_OBJECT : WEIGHT_LARGE);
	return likely(p) ? p : alloc_last(size, align);
}

NOINLINE void *malloc_slow(size_t size)
{
	enum slow_path how;
	void *p;

	if (unlikely(size > PTRDIFF_MAX))
		return out_of_memory();
	if (size > KMALLOC_MAX) {
		p = large_alloc_fast(size, 1);
		if (likely(p))
			return p;
	}
	if (unlikely(!malloc_start()))
		return boot_alloc(1, size);
	how = gate_enter();
	p = alloc_somewhere(size, 1, false, how);
	return leave_slow_path(p, how, 1, size);
}

static ALWAYS_INLINE void *alloc(size_t size)
{
	if (likely(size < fast.alloc_below)) {
		void *p = rseq_pop(kmalloc_class(size));

		if (likely(p))
			return p;
	}
	return malloc_slow(size);
}

void *alloc_atomic(size_t size)
{
	enum slow_path how;
	void *p = NULL;

	if (size < fast.alloc_below)
		p = rseq_pop(kmalloc_class(size));
	if (p || !malloc_is_up())
		return p;
	gate_never_wait();
	how = gate_enter();
	if (size <= KMALLOC_MAX)
		p = kmem_cache_alloc_slow(&kmem_caches[kmalloc_class(size)],
					  how);
	else if (how != SLOW_BARRED)
		p = large_alloc(size, 1, false, false);
	gate_leave();
	gate_may_wait();
	return p;
}

FAST_EXPORT void *malloc(size_t size)
{
	return alloc(size);
}

static NOINLINE void *calloc_large(size_t size)
{
	enum slow_path how;
	void *p;

	if (unlikely(size > PTRDIFF_MAX))
		return out_of_memory();
	p = large_alloc_fast(size, 1);
	if (p)
		return memset(p, 0, size);
	if (unlikely(!malloc_start()))
		return boot_alloc(1, size);
	how = gate_enter();
	p = alloc_somewhere(size, 1, true, how);
	return leave_slow_path(p, how, 1, size);
}

typedef uint64_t granule __attribute__((vector_size(KMALLOC_MIN), may_alias));

/* Bytes that a few stores clear sooner than a call. */
enum { CLEAR_INLINE = 4 * KMALLOC_MIN };

/* Objects are whole granules, and so is what is cleared of a small one. */
static ALWAYS_INLINE void clear_object(void *p, size_t bytes)
{
	granule *first = p;
	granule *end = first + (bytes + KMALLOC_MIN - 1) / KMALLOC_MIN;
	const granule zero = { 0 };

	if (unlikely(bytes - 1 >= CLEAR_INLINE)) {
		memset(p, 0, bytes);
		return;
	}
	first[0] = zero;
	end[-1] = zero;
	if (bytes > 2 * KMALLOC_MIN) {
		first[1] = zero;
		end[-2] = zero;
	}
}

FAST_EXPORT void *calloc(size_t nmemb, size_t size)
{
	size_t bytes;
	void *p;

	if (unlikely(__builtin_mul_overflow(nmemb, size, &bytes)))
		return out_of_memory();
	if (unlikely(bytes > KMALLOC_MAX))
		return calloc_large(bytes);
	p = alloc(bytes);
	if (likely(p))
		clear_object(p, bytes);
	return p;
}

/* --- free --- */

static COLD NORETURN void bad_free(const void *p, const char *why)
{
	bug("invalid free of %p: %s", p, why);
}

/* @p lies in a slab but the sheaf did not take it, or percpu=lock. */
static void free_object(void *p, unsigned int class)
{
	struct kmem_cache *c = &kmem_caches[class];
	const char *why = check_object(class, p);
	enum slow_path how;
	bool done;

	if (unlikely(why))
		bug("invalid free of %p: cache %s: %s", p,
		    control.caches[class].name, why);
	how = gate_enter();
	done = kmem_cache_free_slow(c, p, how);
	if (how == SLOW_NORMAL)
		run_deferred();
	gate_leave();
	if (unlikely(how != SLOW_NORMAL)) {
		count_vm_event(NESTED_FREE);
		if (!done)
			defer_free(p);
		return;
	}
	decay_tick(WEIGHT_OBJECT);
}

static void free_large(void *p)
{
	const char *why = large_check(p);
	enum slow_path how;
	bool done;

	if (unlikely(why))
		bad_free(p, why);
	if (likely(large_free_fast(p)))
		return;
	how = gate_enter();
	done = how != SLOW_BARRED && large_free(p, how == SLOW_NORMAL);
	if (how == SLOW_NORMAL)
		run_deferred();
	gate_leave();
	if (unlikely(how != SLOW_NORMAL)) {
		count_vm_event(NESTED_FREE);
		if (!done)
			defer_free(p);
		return;
	}
	decay_tick(WEIGHT_LARGE);
}

NOINLINE void free_slow(void *p)
{
	unsigned int class;

	if (!p)
		return;
	if (unlikely(!is_managed(p))) {
		if (memblock_owns(p))
			memblock_free(p);
		else
			foreign_free(p);
		return;
	}
	class = span.page_class[addr_to_pfn(p)];
	if (unlikely(class == PAGE_CLASS_NONE))
		bad_free(p, "nothing is allocated there (freed already?)");
	if (class == PAGE_CLASS_ASK)
		free_large(p);
	else
		free_object(p, class);
}

/* Is @p an object, by its address alone? Then *ret_class is its class. */
static ALWAYS_INLINE bool is_object(const void *p, uintptr_t *ret_class)
{
	if (unlikely((uintptr_t)p - fast.span_base >= fast.span_size))
		return false;
	*ret_class = fast_class(p);
	return likely(class_check_ok(*ret_class, p));
}

static ALWAYS_INLINE void release(void *p)
{
	uintptr_t class;

	if (likely(is_object(p, &class)) && likely(rseq_push(class, p)))
		return;
	free_slow(p);
}

FAST_EXPORT void free(void *p)
{
	release(p);
}

/* Not in this libc's headers. */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);
void cfree(void *p);

/* C23. The sizes are hints that the page class makes unnecessary. */
EXPORT void free_sized(void *p, size_t size)
{
	(void)size;
	release(p);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	(void)align;
	(void)size;
	release(p);
}

EXPORT void cfree(void *p)
{
	release(p);
}

/* --- usable size and realloc --- */

NOINLINE size_t usable_size(void *p, const char *caller)
{
	const char *why;
	unsigned int class;

	if (unlikely(!is_managed(p)))
		return memblock_owns(p) ? memblock_usable_size(p) :
					  foreign_usable_size(p);
	class = span.page_class[addr_to_pfn(p)];
	if (unlikely(class == PAGE_CLASS_NONE))
		bug("%s of %p: invalid pointer: nothing is allocated there",
		    caller, p);
	if (class == PAGE_CLASS_ASK) {
		why = large_check(p);
		if (unlikely(why))
			bug("%s of %p: invalid pointer: %s", caller, p, why);
		return large_usable_size(p);
	}
	why = check_object(class, p);
	if (unlikely(why))
		bug("%s of %p: invalid pointer: cache %s: %s", caller, p,
		    control.caches[class].name, why);
	return object_room(&kmem_caches[class]);
}

/* Redis asks for the size of all it allocates and frees. */
FAST_EXPORT size_t malloc_usable_size(void *p)
{
	uintptr_t class;

	if (likely(is_object(p, &class)))
		return kmem_caches[class].size;
	return p ? usable_size(p, "malloc_usable_size") : 0;
}

static void *resize_large(void *p, size_t size)
{
	enum slow_path how = gate_enter();
	void *q = NULL;

	if (how != SLOW_BARRED)
		q = large_realloc(p, size, how == SLOW_NORMAL);
	gate_leave();
	return q;
}

/* Is a block of @old bytes not worth moving if @size are asked for? */
static ALWAYS_INLINE bool may_stay(size_t old, size_t size)
{
	return old - size <= old / 2;
}

static ALWAYS_INLINE void *move(void *p, size_t old, size_t size, bool large)
{
	void *q = alloc(size);

	if (unlikely(!q)) {
		/* A block that only had to shrink is good as it is. */
		return size <= old ? p : NULL;
	}
	if (large)
		ahead_copy(q, p, old, size);
	memcpy(q, p, min_size(old, size));
	return q;
}

/* From one cache to another; what free() checks of @p is known. */
static NOINLINE void *move_object(void *p, unsigned int class, size_t size)
{
	void *q = move(p, kmem_caches[class].size, size, false);

	if (q && q != p && unlikely(!rseq_push(class, p)))
		free_slow(p);
	return q;
}

static void *resize(void *p, size_t size)
{
	size_t old;
	void *q;

	if (unlikely(size > PTRDIFF_MAX))
		return out_of_memory();
	if (unlikely(!is_managed(p) && !memblock_owns(p)))
		return foreign_realloc(p, size);
	old = usable_size(p, "realloc");
	if (is_managed(p) && span.page_class[addr_to_pfn(p)] == PAGE_CLASS_ASK) {
		q = size > KMALLOC_MAX ? resize_large(p, size) : NULL;
		if (q)
			return q;
	} else if (may_stay(old, size)) {
		return p;
	}
	q = move(p, old, size, size > KMALLOC_MAX);
	if (q && q != p)
		release(p);
	return q;
}

static NOINLINE void *realloc_slow(void *p, size_t size)
{
	if (!p)
		return alloc(size);
	/* A buffer that is appended to is asked for many times before it moves. */
	if (large_may_stay(p, size))
		return p;
	if (!size) {
		release(p);
		return NULL;
	}
	return resize(p, size);
}

FAST_EXPORT void *realloc(void *p, size_t size)
{
	uintptr_t class;

	if (likely(is_object(p, &class))) {
		/* Not for size 0, which frees. */
		if (may_stay(kmem_caches[class].size, size))
			return p;
		if (likely(size - 1 < fast.alloc_below - 1))
			return move_object(p, (unsigned int)class, size);
	}
	return realloc_slow(p, size);
}

EXPORT void *reallocarray(void *p, size_t nmemb, size_t size)
{
	size_t bytes;

	if (unlikely(__builtin_mul_overflow(nmemb, size, &bytes)))
		return out_of_memory();
	return realloc(p, bytes);
}

/* --- aligned --- */

static void *alloc_aligned_large(size_t align, size_t size)
{
	void *p = large_alloc_fast(size, align);

	if (unlikely((uintptr_t)p & (align - 1))) {
		release(p);
		p = NULL;
	}
	return p;
}

static NOINLINE void *alloc_aligned_slow(size_t align, size_t size)
{
	enum slow_path how;
	void *p;

	if (unlikely(size > PTRDIFF_MAX || align > PTRDIFF_MAX - size))
		return out_of_memory();
	if (size > KMALLOC_MAX) {
		p = alloc_aligned_large(align, size);
		if (likely(p))
			return p;
	}
	if (unlikely(!malloc_start()))
		return boot_alloc(align, size);
	how = gate_enter();
	p = alloc_somewhere(size, align, false, how);
	return leave_slow_path(p, how, align, size);
}

static ALWAYS_INLINE void *alloc_aligned_fast(size_t align, size_t size)
{
	if (likely(size < fast.alloc_below) && suits_kmalloc(size, align))
		return rseq_pop(kmalloc_aligned_class(size, align));
	return NULL;
}

void *alloc_aligned(size_t align, size_t size)
{
	void *p = alloc_aligned_fast(align, size);

	return likely(p) ? p : alloc_aligned_slow(align, size);
}

/* glibc's memalign: other alignments are rounded up to a power of two. */
static COLD void *memalign_odd(size_t align, size_t size)
{
	if (align > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	align = (size_t)1 << ilog2_up(max_size(align, 1));
	return alloc_aligned(align, size);
}

static ALWAYS_INLINE void *memalign_any(size_t align, size_t size)
{
	void *p;

	if (unlikely(!is_power_of_2(align)))
		return memalign_odd(align, size);
	p = alloc_aligned_fast(align, size);
	return likely(p) ? p : alloc_aligned_slow(align, size);
}

EXPORT void *memalign(size_t align, size_t size)
{
	return memalign_any(align, size);
}

/* glibc 2.36 makes no difference between the two. */
EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return memalign_any(align, size);
}

static NOINLINE int posix_memalign_slow(void **ret, size_t align, size_t size)
{
	int saved = errno;
	void *p = alloc_aligned_slow(align, size);

	errno = saved;
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	void *p;

	if (unlikely(align % sizeof(void *) || !is_power_of_2(align)))
		return EINVAL;
	p = alloc_aligned_fast(align, size);
	if (unlikely(!p))
		return posix_memalign_slow(ret, align, size);
	*ret = p;
	return 0;
}

EXPORT void *valloc(size_t size)
{
	return alloc_aligned(PAGE_SIZE, size);
}

EXPORT void *pvalloc(size_t size)
{
	size_t rounded = align_up(size, PAGE_SIZE);

	if (unlikely(rounded < size))
		return out_of_memory();
	return alloc_aligned(PAGE_SIZE, rounded);
}

/* --- glibc's own names, which some of its callers use --- */

#if __has_attribute(copy)
#define COPY(target) __attribute__((copy(target)))
#else
#define COPY(target)
#endif
#define ALIAS(name, target) \
	extern __typeof__(target) name EXPORT COPY(target) \
		__attribute__((alias(#target)))

ALIAS(__libc_malloc, malloc);
ALIAS(__libc_free, free);
ALIAS(__libc_calloc, calloc);
ALIAS(__libc_realloc, realloc);
ALIAS(__libc_memalign, memalign);
ALIAS(__libc_valloc, valloc);
ALIAS(__libc_pvalloc, pvalloc);
ALIAS(__posix_memalign, posix_memalign);
