/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - the size classes of malloc: their caches, which need no more than
 * tables in the library's data, and which class serves a size.
 */
#include "percpu/percpu.h"
#include "slab/internal.h"

#define SLAB_BYTES(order) ((size_t)PAGE_SIZE << (order))

/* Where each class keeps its slots; the slot before each run is for its guard. */
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
			       (NAMED_SHEAF_MAX + 1) < PERCPU_WORDS,
	       "all slots fit a region, whose last word stays zero");

/* Not initialised in the file: only the pages in use cost memory. */
struct kmem_cache kmem_caches[NR_CLASSES] SPARSE_TABLE;
struct class_check class_checks[NR_CLASSES] CACHELINE_ALIGNED;

static const struct layout {
	uint16_t size, slots, max;
	uint8_t order, batch;
} layouts[NR_KMALLOC + 1] = {
#define SIZE_CLASS(i, prev, s, o, b, m)                              \
	[i] = { .size = s, .slots = SLOTS_##s##_BEGIN, .max = m,     \
		.order = o, .batch = b },
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

const uint8_t kmalloc_classes[KMALLOC_MAX / 16 + 1] = {
	[0] = 1,
#define SIZE_CLASS(i, prev, s, o, b, max) [(prev) / 16 + 1 ...(s) / 16] = i,
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

_Static_assert(NR_KMALLOC < 64, "a bit for each");

#define SIZE_CLASS(i, prev, s, o, b, max)                                \
	_Static_assert((s) % 16 == 0 && (s) > (prev), "sizes go up by 16"); \
	_Static_assert(SLAB_BYTES(o) / (s) <= MAX_OBJS_PER_SLAB,          \
		       "struct page holds the bitmap");                   \
	_Static_assert((b) >= 2 && (b) <= MAX_BATCH && (b) <= (max) / 2 + 1, \
		       "a batch is at most half of a sheaf");
#include "slab/size_classes.def"
#undef SIZE_CLASS
_Static_assert(NR_KMALLOC < FIRST_NAMED_CACHE &&
		       (int)FIRST_NAMED_CACHE <= (int)NURSERY_CLASSES,
	       "ids do not overlap, and kmalloc's have nurseries");

void kmalloc_init(void)
{
	for (unsigned int id = 1; id <= NR_KMALLOC; id++) {
		const struct layout *l = &layouts[id];
		struct kmem_cache *c = &kmem_caches[id];

		c->id = (uint8_t)id;
		c->order = l->order;
		c->objs = (uint16_t)(SLAB_BYTES(l->order) / l->size);
		c->batch = l->batch;
		c->sheaf_begin = l->slots;
		c->sheaf_max = l->max;
		c->align = KMALLOC_MIN;
		c->object_size = l->size;
		c->size = l->size;
		set_magic(c);
	}
}

/* Requests of a class that are served by a larger one. */
enum { LODGERS = 8 };

unsigned int kmalloc_lodging(unsigned int class)
{
	static uint8_t lodgers[NR_KMALLOC + 1]; /* Atomic: so far, by class */
	unsigned int host = class;

	if (likely(load_relaxed(&lodgers[class]) == LODGERS))
		return class;
	while (!is_power_of_2(kmem_caches[host].size))
		host++;
	if (host == class || fetch_add_relaxed(&lodgers[class], 1) >= LODGERS) {
		store_relaxed(&lodgers[class], LODGERS);
		return class;
	}
	return host;
}
