/* SPDX-License-Identifier: MIT */
/*
 * lists.h - where slabs wait: by how much of them is free, and for whom.
 *
 * The CPUs of a node form groups. A slab belongs to the group that took objects from
 * it last, which looks among its own first: what threads on different CPUs write to
 * should not lie in the same cache lines. Empty slabs belong to all; and before a new
 * slab is made, those of other groups are used.
 *
 * States of a slab, by nr_free:
 *
 *	0               on no list                     BUCKET_FULL
 *	1 .. objs - 1   a partial list of its group    bucket = nr_free * 8 / objs
 *	objs            node->empty                    BUCKET_EMPTY
 *	any             those of hollow.c              BUCKET_ISOLATED
 *
 * Lock: node->lock, for everything here.
 */
#ifndef PAGODA_SLAB_LISTS_H
#define PAGODA_SLAB_LISTS_H

#include "slab/geometry.h"
#include "slab/internal.h"

/* Of a cache, for a group of CPUs. All zero until it is first used. */
struct slab_lists {
	/* By how much is free: partial[0] are the fullest. In each, those last that
	 * hollow.c looked at last. */
	struct list_head partial[NR_BUCKETS];
	uint16_t buckets; /* bit k: partial[k] is not empty. Atomic, for hints */
};

extern struct slab_lists slab_lists[MAX_GROUPS][NR_CLASSES] INTERNAL;
/* Pages of all empty slabs. Atomic; alone in its line. */
extern struct empty_pages {
	uint64_t nr;
} CACHELINE_ALIGNED empty_pages INTERNAL;

static inline bool node_lock(struct kmem_cache_node *n, bool nested)
{
	/* Zero is a free lock; only the checker needs the class. */
	lock_set_class(&n->lock, LOCK_CACHE_NODE);
	return lock_acquire_unless(&n->lock, nested);
}

static inline struct slab_lists *lists_of(const struct kmem_cache *c,
					  unsigned int group)
{
	return &slab_lists[group][c->id];
}

/* Without the lock: a hint. */
static inline bool has_partial(const struct slab_lists *l, unsigned int bucket)
{
	return load_relaxed(&l->buckets) >> bucket & 1;
}

/* Of a slab that has objects free. All of them: a number that no bucket has. */
static ALWAYS_INLINE unsigned int partial_bucket(struct geometry g,
						  unsigned int nr_free)
{
	return nr_free * g.bucket_scale >> 16;
}

static ALWAYS_INLINE unsigned int bucket_of(struct geometry g,
					     unsigned int nr_free)
{
	if (!nr_free)
		return BUCKET_FULL;
	if (nr_free == g.objs)
		return BUCKET_EMPTY;
	return partial_bucket(g, nr_free);
}

/* @slab to the list that suits @bucket, and its group. */
void add_slab(struct kmem_cache *c, struct kmem_cache_node *n,
	      struct page *slab, unsigned int bucket);
void del_slab(struct kmem_cache *c, struct kmem_cache_node *n,
	      struct page *slab);

/* @slab has @nr_free objects now: to the list that suits. */
static ALWAYS_INLINE void move_slab(struct kmem_cache *c, struct geometry g,
				    struct kmem_cache_node *n,
				    struct page *slab, unsigned int nr_free)
{
	unsigned int bucket = bucket_of(g, nr_free);

	slab->nr_free = (uint16_t)nr_free;
	if (bucket == slab->bucket || slab->bucket == BUCKET_ISOLATED)
		return;
	del_slab(c, n, slab);
	add_slab(c, n, slab, bucket);
}

/* Behind all others of its bucket. */
void move_to_end(const struct kmem_cache *c, struct page *slab);

/* Whence @group should take objects. NULL: there is none with free ones. */
struct page *choose_slab(const struct kmem_cache *c,
			 const struct kmem_cache_node *n, unsigned int group);

#endif
