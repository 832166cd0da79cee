/* SPDX-License-Identifier: MIT */
/*
 * kmem.c - the functions of include/pagoda/kmem.h.
 *
 * A handle is the address of the kmem_cache, which stays in its table after the
 * cache is destroyed, with a size of zero. The fast paths are those of malloc and
 * free but for where the class comes from: fast_class of the cache, which is zero
 * whenever they cannot be taken. What they do not find in order goes to the slow
 * halves, which look closely.
 */
#include <pagoda/kmem.h>
#include <string.h>

#include "base/bug.h"
#include "base/host.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "percpu/fastpath.h"
#include "percpu/gate.h"
#include "slab/slab.h"

_Static_assert((int)PAGODA_SLAB_HWCACHE_ALIGN == (int)SLAB_HWCACHE_ALIGN &&
		       (int)PAGODA_SLAB_RECLAIM_ACCOUNT ==
			       (int)SLAB_RECLAIM_ACCOUNT &&
		       (int)PAGODA_SLAB_POISON == (int)SLAB_POISON &&
		       (int)PAGODA_SLAB_RED_ZONE == (int)SLAB_RED_ZONE &&
		       (int)PAGODA_SLAB_TYPESAFE == (int)SLAB_TYPESAFE &&
		       (int)PAGODA_SLAB_PANIC == (int)SLAB_PANIC,
	       "flags need no translation");

static ALWAYS_INLINE struct kmem_cache *
from_handle(struct pagoda_kmem_cache *handle)
{
	return (struct kmem_cache *)handle;
}

/* Is it one, still? */
static struct kmem_cache *check_cache(struct pagoda_kmem_cache *handle,
				      const char *caller)
{
	struct kmem_cache *c = from_handle(handle);
	size_t offset = (uintptr_t)c - (uintptr_t)kmem_caches;

	if (unlikely(offset / sizeof(*c) < FIRST_NAMED_CACHE ||
		     offset / sizeof(*c) > LAST_NAMED_CACHE ||
		     offset % sizeof(*c) || !c->size))
		bug("%s: invalid cache %p (destroyed already?)", caller,
		    (void *)handle);
	return c;
}

static const char *name_of(const struct kmem_cache *c)
{
	return control.caches[c->id].name;
}

/* --- create and destroy --- */

static COLD void *create_failed(const char *name, unsigned int flags, int error)
{
	if (flags & PAGODA_SLAB_PANIC)
		bug("cache %s cannot be created: errno %d", name, error);
	errno = error;
	return NULL;
}

EXPORT struct pagoda_kmem_cache *
pagoda_kmem_cache_create(const char *name, size_t size, size_t align,
			 unsigned int flags, void (*ctor)(void *obj))
{
	struct kmem_cache *c;
	int err = -ENOMEM;

	if (likely(malloc_start()))
		err = kmem_cache_create(&c, name, size, align, flags, ctor);
	if (unlikely(err))
		return create_failed(name, flags, -err);
	if (c->fast_class)
		c->fast_gfp = PAGODA_GFP_ATOMIC + 1;
	return (struct pagoda_kmem_cache *)c;
}

EXPORT int pagoda_kmem_cache_destroy(struct pagoda_kmem_cache *handle)
{
	struct kmem_cache *c;

	if (!handle)
		return 0;
	c = check_cache(handle, "pagoda_kmem_cache_destroy");
	if (thread_word.depth) {
		errno = EDEADLK;
		return -1;
	}
	/* Objects that a handler freed are not in use. */
	gate_enter();
	run_deferred();
	gate_leave();
	if (kmem_cache_destroy(c)) {
		errno = EBUSY;
		return -1;
	}
	return 0;
}

/* --- alloc --- */

static bool gfp_is_good(const struct kmem_cache *c, unsigned int gfp)
{
	const unsigned int known = PAGODA_GFP_ATOMIC | PAGODA_GFP_ZERO;

	return !(gfp & ~known) && !(gfp & PAGODA_GFP_ZERO && c->ctor);
}

static COLD void refused(const struct kmem_cache *c, enum slow_path how)
{
	count_vm_event(OOM);
	PROBE(oom, c->size);
	if (c->flags & SLAB_PANIC && how == SLOW_NORMAL)
		bug("out of memory: cache %s", name_of(c));
	errno = ENOMEM;
}

/*
 * Up to @nr objects, through the gate. A handler that interrupted the allocator
 * may find the cache locked by another thread, which soon lets go.
 */
static size_t take(struct kmem_cache *c, unsigned int gfp, void **objs,
		   size_t nr, enum slow_path *ret_how)
{
	int tries = gfp & PAGODA_GFP_ATOMIC ? 1 : 64;
	enum slow_path how = gate_enter();
	size_t got = 0;

	while (got < nr) {
		got += kmem_cache_alloc_bulk_slow(c, objs + got, nr - got, how);
		if (likely(how == SLOW_NORMAL) || how == SLOW_BARRED || !--tries)
			break;
		if (got < nr)
			host_yield();
	}
	if (likely(how == SLOW_NORMAL))
		run_deferred();
	else
		count_vm_event(NESTED_ALLOC);
	gate_leave();
	*ret_how = how;
	return got;
}

static NOINLINE size_t alloc_slow(struct pagoda_kmem_cache *handle,
				  unsigned int gfp, void **objs, size_t nr)
{
	struct kmem_cache *c = check_cache(handle, "pagoda_kmem_cache_alloc");
	unsigned int round = 0;
	enum slow_path how;
	size_t got = 0;

	if (unlikely(!gfp_is_good(c, gfp))) {
		errno = EINVAL;
		return 0;
	}
	if (gfp & PAGODA_GFP_ATOMIC) {
		gate_never_wait();
		got = take(c, gfp, objs, nr, &how);
		gate_may_wait();
	} else {
		do
			got += take(c, gfp, objs + got, nr - got, &how);
		while (unlikely(got < nr) && shrink_for_memory(&round));
	}
	if (likely(how == SLOW_NORMAL))
		decay_tick(WEIGHT_OBJECT);
	if (unlikely(got < nr))
		refused(c, how);
	if (gfp & PAGODA_GFP_ZERO)
		for (size_t i = 0; i < got; i++)
			memset(objs[i], 0, c->object_size);
	return got;
}

static NOINLINE void *alloc_one_slow(struct pagoda_kmem_cache *handle,
				     unsigned int gfp)
{
	struct kmem_cache *c = from_handle(handle);
	void *p = NULL;

	if (gfp == PAGODA_GFP_ZERO && c->fast_class && !c->ctor)
		p = rseq_pop(c->fast_class);
	if (p)
		return memset(p, 0, c->object_size);
	return alloc_slow(handle, gfp, &p, 1) ? p : NULL;
}

FAST_EXPORT void *pagoda_kmem_cache_alloc(struct pagoda_kmem_cache *handle,
					  unsigned int gfp)
{
	const struct kmem_cache *c = from_handle(handle);

	if (likely(gfp < c->fast_gfp)) {
		void *p = rseq_pop(c->fast_class);

		if (likely(p))
			return p;
	}
	return alloc_one_slow(handle, gfp);
}

/* How many objects; an aborted sequence moved none. */
static ALWAYS_INLINE size_t moved(int result)
{
	return likely(result >= 0) ? (size_t)result : 0;
}

static NOINLINE size_t alloc_bulk_slow(struct pagoda_kmem_cache *handle,
				       unsigned int gfp, size_t nr, void **objs,
				       size_t got)
{
	got += alloc_slow(handle, gfp, objs + got, nr - got);
	if (likely(got == nr))
		return nr;
	/* None, with the reason in errno. */
	pagoda_kmem_cache_free_bulk(handle, got, objs);
	return 0;
}

EXPORT size_t pagoda_kmem_cache_alloc_bulk(struct pagoda_kmem_cache *handle,
					   unsigned int gfp, size_t nr,
					   void **objs)
{
	const struct kmem_cache *c = from_handle(handle);
	size_t got = 0;

	if (likely(gfp < c->fast_gfp)) {
		got = moved(rseq_popn(c->fast_class, objs, nr));
		if (likely(got == nr))
			return nr;
	}
	return alloc_bulk_slow(handle, gfp, nr, objs, got);
}

/* --- free --- */

const char *whose(const void *obj)
{
	unsigned int class;

	if (!is_managed(obj))
		return "not a pointer of this allocator";
	class = span.page_class[addr_to_pfn(obj)];
	if (class == PAGE_CLASS_NONE)
		return "nothing is allocated there (freed already?)";
	if (class == PAGE_CLASS_ASK)
		return "it lies in a large block";
	return control.caches[class].name;
}

/* Stops the program unless @obj is an object of @c. */
static void check_owner(const struct kmem_cache *c, const void *obj)
{
	const char *why;

	if (unlikely(!is_managed(obj) ||
		     span.page_class[addr_to_pfn(obj)] != c->id))
		bug("invalid free of %p: cache %s: not its object: %s", obj,
		    name_of(c), whose(obj));
	why = check_object(c->id, obj);
	if (unlikely(why))
		bug("invalid free of %p: cache %s: %s", obj, name_of(c), why);
}

static NOINLINE void free_one_slow(struct pagoda_kmem_cache *handle, void *obj)
{
	check_owner(check_cache(handle, "pagoda_kmem_cache_free"), obj);
	free_slow(obj);
}

/* What free() would find to be an object of @c, without a look at its slab. */
static ALWAYS_INLINE bool is_of_cache(const void *obj,
				      const struct kmem_cache *c,
				      uintptr_t class)
{
	return likely((uintptr_t)obj - fast.span_base < fast.span_size) &&
	       likely(fast_class(obj) == (uint8_t)class) &&
	       likely(is_multiple(&c->check, obj));
}

FAST_EXPORT void pagoda_kmem_cache_free(struct pagoda_kmem_cache *handle,
					void *obj)
{
	const struct kmem_cache *c = from_handle(handle);
	uintptr_t class = c->fast_class;

	if (likely(is_of_cache(obj, c, class)) && likely(rseq_push(class, obj)))
		return;
	free_one_slow(handle, obj);
}

static COLD NOINLINE void check_owners(const struct kmem_cache *c,
				       void *const *objs, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		check_owner(c, objs[i]);
}

/* The first @done of them are in a sheaf by now, the first @good are @handle's. */
static NOINLINE void free_bulk_slow(struct pagoda_kmem_cache *handle, size_t nr,
				    void *const *objs, size_t done,
				    size_t good)
{
	struct kmem_cache *c =
		check_cache(handle, "pagoda_kmem_cache_free_bulk");
	enum slow_path how;

	if (good < nr)
		check_owners(c, objs + good, nr - good);
	how = gate_enter();
	done += kmem_cache_free_bulk_slow(c, objs + done, nr - done, how);
	if (likely(how == SLOW_NORMAL))
		run_deferred();
	else
		count_vm_event(NESTED_FREE);
	gate_leave();
	for (; done < nr; done++)
		defer_free(objs[done]);
	if (likely(how == SLOW_NORMAL))
		decay_tick(WEIGHT_OBJECT);
}

/* How many of @objs, from the first on, is_of_cache() would know. */
static ALWAYS_INLINE size_t count_good(const struct kmem_cache *c,
				       uintptr_t class, size_t nr,
				       void *const *objs)
{
	size_t i = 0;

	/* Two at a time: a fifth of the work is the loop's own. */
	for (; i + 1 < nr; i += 2)
		if (unlikely(!is_of_cache(objs[i], c, class) ||
			     !is_of_cache(objs[i + 1], c, class)))
			break;
	while (i < nr && is_of_cache(objs[i], c, class))
		i++;
	return i;
}

EXPORT void pagoda_kmem_cache_free_bulk(struct pagoda_kmem_cache *handle,
					size_t nr, void *const *objs)
{
	const struct kmem_cache *c = from_handle(handle);
	uintptr_t class = c->fast_class;
	size_t good = count_good(c, class, nr, objs);
	size_t done = 0;

	/* Not a single one, which may be on top of the sheaf already. */
	if (likely(good == nr && nr > 1)) {
		done = moved(rseq_pushn(class, objs, nr));
		if (likely(done == nr))
			return;
	}
	free_bulk_slow(handle, nr, objs, done, good);
}

/* --- the rest --- */

EXPORT size_t pagoda_kmem_cache_shrink(struct pagoda_kmem_cache *handle)
{
	return kmem_cache_shrink(check_cache(handle,
					     "pagoda_kmem_cache_shrink"))
	       << PAGE_SHIFT;
}

EXPORT size_t pagoda_kmem_cache_size(struct pagoda_kmem_cache *handle)
{
	return check_cache(handle, "pagoda_kmem_cache_size")->object_size;
}

EXPORT const char *pagoda_kmem_cache_name(struct pagoda_kmem_cache *handle)
{
	return name_of(check_cache(handle, "pagoda_kmem_cache_name"));
}
