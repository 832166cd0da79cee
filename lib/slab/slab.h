/* SPDX-License-Identifier: MIT */
/*
 * slab.h - object caches: kmem_cache, the kmalloc size classes, and the
 * exchange of objects between CPUs' sheaves, barns and slabs.
 *
 * An object is at any time in exactly one of: the program's hands, a CPU's
 * sheaf (percpu/percpu.h), a full sheaf in a barn (barn.c), the free bitmap of
 * its slab (slab.c).
 */
#ifndef PAGODA_SLAB_SLAB_H
#define PAGODA_SLAB_SLAB_H

#include "base/compiler.h"
#include "base/control.h"
#include "page_alloc/page.h"
#include "percpu/gate.h"

enum {
	KMALLOC_MAX = 32768,
	NR_KMALLOC = 43,
	KMALLOC_MIN = 16,
	FIRST_BLOCK_CACHE = NR_KMALLOC + 1,
	NR_BLOCK_CACHES = 24,
	LAST_BLOCK_CACHE = FIRST_BLOCK_CACHE + NR_BLOCK_CACHES - 1,
	BLOCK_MAX_PAGES = 512,
	FIRST_NAMED_CACHE = FIRST_BLOCK_CACHE + NR_BLOCK_CACHES,
	LAST_NAMED_CACHE = 254,
	MAX_BATCH = 250,
};

/* What programs may ask for has the numbers of PAGODA_SLAB_*. */
enum kmem_flags {
	SLAB_HWCACHE_ALIGN = 1 << 0, /* objects do not share cache lines */
	SLAB_RECLAIM_ACCOUNT = 1 << 1, /* slabs in MIGRATE_RECLAIMABLE */
	SLAB_POISON = 1 << 2, /* debug.c */
	SLAB_RED_ZONE = 1 << 3, /* debug.c */
	SLAB_TYPESAFE = 1 << 4, /* slabs stay while the cache lives */
	SLAB_PANIC = 1 << 5, /* lib/malloc/kmem.c */
	SLAB_PAGE_BLOCKS = 1 << 6, /* no slabs: a cache of block.c */
};

/*
 * What free() checks of a pointer without touching a slab's descriptor: with
 * magic = 2^32 / size, rounded up, (p & mask) * magic < magic (modulo 2^32) iff
 * p is a multiple of the object's size into its slab. (Lemire, "Faster
 * remainder by direct computation": exact here, for a slab has at most 2^17
 * bytes and an object 2^15.) Coloured caches turn the check off with a magic of
 * all ones; those of debug.c fail it with a magic of 0, so that what is freed is
 * looked at closely.
 */
struct class_check {
	union {
		struct {
			uint32_t magic;
			uint32_t mask; /* slab size - 1 */
		};
		uint64_t both; /* one load instead of two */
	};
};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "mask is on top");

/* A line; what fast paths read is in its second half, since objects begin where
 * lines do: a load waits for a store of the same offset in another page. */
struct kmem_cache {
	/* Const between create and destroy but for `age`, `starved` and `patient_until`,
	 * which are seldom written: every miss on every CPU reads this line. */
	uint64_t magic; /* 2^32 / size, rounded up */
	void (*ctor)(void *obj);
	uint16_t objs; /* per slab */
	uint16_t batch; /* objects in one exchange */
	uint16_t sheaf_begin; /* where its slots are once it needs many */
	uint16_t sheaf_max; /* most objects in one CPU's sheaf */
	uint16_t colour_step; /* 0: slabs are not coloured */
	uint16_t colours;
	uint16_t align;
	uint8_t order; /* of its slabs */
	uint8_t age; /* Atomic: trims since a sheaf of it was found empty */
	uint32_t flags; /* enum kmem_flags */
	uint32_t object_size;
	uint32_t bucket_scale; /* 2^16 * NR_BUCKETS / objs, rounded up */
	uint32_t size; /* bytes from one object to the next */
	struct class_check check; /* as in class_checks[] */
	uint8_t id; /* class in page_class[], index in kmem_caches[] */
	/* Its class for who uses the sequences directly; 0: there is none to use,
	 * for want of rseq or because the objects are to be checked. */
	uint8_t fast_class;
	bool starved; /* Atomic: the budget was spent when it asked for more room */
	uint8_t patient_until; /* Atomic: ... and how many misses to wait for */
	uint32_t fast_gfp; /* ... with a gfp below this. Set by malloc/kmem.c */
} CACHELINE_ALIGNED;
_Static_assert(sizeof(struct kmem_cache) == CACHELINE, "one line each");

extern struct kmem_cache kmem_caches[NR_CLASSES] INTERNAL;
extern struct class_check class_checks[NR_CLASSES] INTERNAL;
/* Size class of (size + 15) / 16. */
extern const uint8_t kmalloc_classes[KMALLOC_MAX / 16 + 1] INTERNAL;

static ALWAYS_INLINE unsigned int kmalloc_class(size_t size)
{
	return kmalloc_classes[(size + 15) >> 4];
}

/* The block cache for @nr pages, more than KMALLOC_MAX; 0 if there is none. */
static inline unsigned int block_class(size_t nr)
{
	unsigned int log = ilog2(nr - 1);

	if (nr > BLOCK_MAX_PAGES)
		return 0;
	return FIRST_BLOCK_CACHE + (log - ilog2(KMALLOC_MAX / PAGE_SIZE)) * 4 +
	       (unsigned int)((nr - 1) >> (log - 2)) - 4;
}

/*
 * kmalloc_lodging() - the class that serves a request of @class which found no
 * object cached: for the first few requests the next power of two, after that
 * @class itself. Most sizes are asked for only a few times in a small program,
 * and would take a page each.
 */
unsigned int kmalloc_lodging(unsigned int class);

static ALWAYS_INLINE bool is_multiple(const struct class_check *c,
				      const void *p)
{
	uint64_t both = c->both;
	uint32_t magic = (uint32_t)both;

	return ((uint32_t)(uintptr_t)p & (uint32_t)(both >> 32)) * magic < magic;
}

static ALWAYS_INLINE bool class_check_ok(uintptr_t class, const void *p)
{
	return is_multiple(&class_checks[class], p);
}

/* Bit i: the size of class i, above 1 KiB, is no quarter of a power of two. */
static const uint64_t kmalloc_odd_classes =
#define SIZE_CLASS(i, prev, s, o, b, max) \
	((uint64_t)((s) > 1024 && (s) % 256) << (i)) |
#include "slab/size_classes.def"
#undef SIZE_CLASS
	0;

/*
 * A class of at least @size whose objects are aligned to @align, that is,
 * whose size is a multiple of it, the smallest but for odd ones: objects start at
 * multiples of their size in a block that is aligned to its own. Classes go by
 * quarters of a power of two, so the class of the next multiple of @align is such a
 * multiple, too, or an odd one below it.
 * @size: up to KMALLOC_MAX, as is @align, a power of two.
 */
static ALWAYS_INLINE unsigned int kmalloc_aligned_class(size_t size,
							 size_t align)
{
	unsigned int class = kmalloc_class(align_up(size + !size, align));

	return class + (align > KMALLOC_MIN &&
			kmalloc_odd_classes >> class & 1);
}

/*
 * slab_init() - reserve what barns need. Return: 0 or -ENOMEM (then there are
 * no barns, which costs speed only).
 */
MUST_CHECK int slab_init(void);

/* --- the slow halves of alloc and free; the fast ones are percpu's --- */

/*
 * kmem_cache_alloc_slow() - an object when the sheaf has none.
 * kmem_cache_free_slow() - take @obj back when the sheaf has no room. Stops the
 * program on a double free.
 * @how: what gate_enter() said.
 * Return: NULL when out of memory; false if a nested call found no way (the
 * caller puts the free off).
 */
void *kmem_cache_alloc_slow(struct kmem_cache *c, enum slow_path how);
bool kmem_cache_free_slow(struct kmem_cache *c, void *obj, enum slow_path how);

/*
 * The same for several objects. kmem_cache_alloc_bulk_slow(): how many, fewer
 * than @n if out of memory or, nested, for want of a lock.
 * kmem_cache_free_bulk_slow(): how many of them it took; fewer than @n only if
 * nested.
 */
size_t kmem_cache_alloc_bulk_slow(struct kmem_cache *c, void **objs, size_t n,
				  enum slow_path how);
size_t kmem_cache_free_bulk_slow(struct kmem_cache *c, void *const *objs,
				 size_t n, enum slow_path how);

/* Is @p, in a slab, the start of an object that is handed out, as far as that
 * can be told without asking the sheaves? Otherwise why not. */
const char *slab_check_object(const void *p);

/* The same, quick where the address alone tells. */
static inline const char *check_object(uintptr_t class, const void *p)
{
	return likely(class_check_ok(class, p)) ? NULL : slab_check_object(p);
}

/* Bytes of an object that are its user's. */
static inline size_t object_room(const struct kmem_cache *c)
{
	return c->flags & SLAB_RED_ZONE ? c->object_size : c->size;
}

/* --- caches by name --- */

/*
 * kmem_cache_create() - a cache of objects of one type.
 * @name: copied, cut to CACHE_NAME_LEN - 1, blanks become '_'.
 * @align: a power of two up to the page size; 0: 16 bytes.
 * @flags: enum kmem_flags but for SLAB_PAGE_BLOCKS.
 * @ctor: run once for every object's memory when its slab is made; or NULL.
 *
 * Return: 0, -EINVAL (the arguments make no sense), -EEXIST (the name),
 * -ENOSPC (no id is left), -EDEADLK (called inside a slow path).
 * Context: takes LOCK_CACHE_CHAIN.
 */
MUST_CHECK int kmem_cache_create(struct kmem_cache **ret_cache,
				 const char *name, size_t size, size_t align,
				 unsigned int flags, void (*ctor)(void *obj));

/*
 * kmem_cache_destroy() - end a cache that nobody uses any more.
 * Return: how many objects are still handed out, which are listed on standard
 * error; the cache is gone only if that is 0.
 * Context: closes the gate, so not from inside a slow path.
 */
size_t kmem_cache_destroy(struct kmem_cache *c);

void *kmem_cache_alloc(struct kmem_cache *c);
void kmem_cache_free(struct kmem_cache *c, void *obj);

/*
 * Give empty slabs back to the page allocator, also those that only the sheaves
 * and barns keep. Return: pages given back.
 */
size_t kmem_cache_shrink(struct kmem_cache *c);

/* --- all caches --- */

/* @ticks of the decay clock: what barns and empty slabs held without use. */
void slab_decay(unsigned int ticks);

/* Memory is short: empty barns and free empty slabs. */
void slab_reap(void);

/* Bytes that lie in barns and empty slabs, and in slabs that cached objects may be
 * all that keeps. */
size_t slab_reclaimable(void);

/* The same, and the sheaves of all CPUs too if they can be stopped. */
void slab_drain(void);

/* Check a cache's lists, bitmaps and counters. For tests. */
void kmem_cache_validate(struct kmem_cache *c);

#endif
