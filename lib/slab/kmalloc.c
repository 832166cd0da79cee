/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - the size classes of malloc as compile-time tables: no start-up
 * work, no memory but what is read.
 */
#include "percpu/percpu.h"
#include "slab/internal.h"

#define SLAB_BYTES(order) ((size_t)PAGE_SIZE << (order))
#define MAGIC(size) (UINT64_MAX / (size) + 1)

/* Where each class keeps its slots; one slot stays zero before each run. */
enum {
	KMALLOC_SLOTS = NURSERIES_END,
#define SIZE_CLASS(id, prev, size, order, batch, max) \
	SLOTS_##size##_BEGIN,                         \
	SLOTS_##size##_LAST = SLOTS_##size##_BEGIN + (max) - 1, \
	SLOTS_##size##_GUARD,
#include "slab/size_classes.def"
#undef SIZE_CLASS
	KMALLOC_SLOTS_END,
};

_Static_assert((int)KMALLOC_SLOTS_END < (int)NAMED_SLOTS_BEGIN,
	       "the slots of kmalloc end where those of named caches begin");
_Static_assert(NAMED_SLOTS_BEGIN + (LAST_NAMED_CACHE - FIRST_NAMED_CACHE + 1) *
			       (NAMED_SHEAF_MAX + 1) <= PERCPU_WORDS,
	       "all slots fit a region");

struct kmem_cache kmem_caches[NR_CLASSES] = {
#define SIZE_CLASS(i, prev, s, o, b, max)                                 \
	[i] = { .size = s, .id = i, .order = o,                           \
		.objs = (uint16_t)(SLAB_BYTES(o) / (s)),                  \
		.batch = b, .sheaf_begin = SLOTS_##s##_BEGIN,             \
		.sheaf_max = max, .align = 16, .object_size = s,          \
		.magic = MAGIC(s) },
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

struct class_check class_checks[NR_CLASSES] = {
#define SIZE_CLASS(i, prev, s, o, b, max) \
	[i] = { .magic = UINT32_MAX / (s) + 1, .mask = SLAB_BYTES(o) - 1 },
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

const uint8_t kmalloc_classes[KMALLOC_MAX / 16 + 1] = {
	[0] = 1,
#define SIZE_CLASS(i, prev, s, o, b, max) [(prev) / 16 + 1 ...(s) / 16] = i,
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

#define SIZE_CLASS(i, prev, s, o, b, max)                                \
	_Static_assert((s) % 16 == 0 && (s) > (prev), "sizes go up by 16"); \
	_Static_assert(SLAB_BYTES(o) / (s) <= MAX_OBJS_PER_SLAB &&        \
			       (o) >= 1,                                  \
		       "the second struct page holds the bitmap");        \
	_Static_assert((b) <= MAX_BATCH && (b) <= SLAB_BYTES(o) * 4 / (s), \
		       "a batch fits a sheaf");
#include "slab/size_classes.def"
#undef SIZE_CLASS
_Static_assert(NR_KMALLOC < FIRST_NAMED_CACHE &&
		       (int)FIRST_NAMED_CACHE <= (int)NURSERY_CLASSES,
	       "ids do not overlap, and kmalloc's have nurseries");

/*
 * Objects start at multiples of their size in a block that is aligned to its
 * own size, so they are aligned to the largest power of two that divides it.
 */
unsigned int kmalloc_aligned_class(size_t size, size_t align)
{
	if (size > KMALLOC_MAX)
		return 0;
	for (unsigned int c = kmalloc_class(size); c <= NR_KMALLOC; c++)
		if (kmem_caches[c].size % align == 0)
			return c;
	return 0;
}
