/* SPDX-License-Identifier: MIT */
/*
 * lists.h - where slabs wait: by how much of them is free, and for whom.
 *
 * The CPUs of a node form groups. A slab belongs to the group that took objects from
 * it last, which looks among its own first: what threads on different CPUs write to
 * should not lie in the same cache lines, and a slab that is empty lies in the caches
 * of who filled it. But before a new one is made, those of other groups are used.
 *
 * States of a slab, by nr_free:
 *
 *	0               on no list                     BUCKET_FULL
 *	1 .. objs - 1   a partial list of its group    bucket = nr_free * 8 / objs
 *	objs            its group's list of empty ones BUCKET_EMPTY
 *	any             on no list, whoever looks      BUCKET_ISOLATED: new ones, those
 *			at it puts it on one           of hollow.c and adopted ones
 *
 * Lock: that of a group's lists, for these and for what they say of their slabs: bitmap,
 * nr_free, bucket. Whoever changes a slab's group holds the lock of the old one, and
 * changes nothing of it afterwards; so who has locked a group and then finds that the
 * slab belongs to it may go on.
 */
#ifndef PAGODA_SLAB_LISTS_H
#define PAGODA_SLAB_LISTS_H

#include "slab/geometry.h"
#include "slab/internal.h"

/* Of a cache, for a group of CPUs. All zero until it is first used. */
struct slab_lists {
	struct lock lock;
	uint32_t nr_empty; /* Atomic: read without the lock, as a hint */
	uint32_t told_empty; /* what nr_empty was when it was counted for all */
	uint16_t buckets; /* bit k: partial[k] is not empty. Atomic, for hints */
	uint16_t next_colour; /* Atomic */
	struct hlist_head empty;
	/* By how much is free: partial[0] are the fullest. In each, those last that
	 * hollow.c looked at last. */
	struct list_head partial[NR_BUCKETS];
};

extern struct slab_lists slab_lists[MAX_GROUPS][NR_CLASSES] INTERNAL;

/* Pages of a group's empty slabs. Atomic; each alone in its line. */
extern struct empty_pages {
	uint64_t nr;
} CACHELINE_ALIGNED empty_pages[MAX_GROUPS] INTERNAL;

static inline struct slab_lists *lists_of(const struct kmem_cache *c,
					  unsigned int group)
{
	return &slab_lists[group][c->id];
}

static inline bool lists_lock(struct slab_lists *l, bool nested)
{
	/* Zero is a free lock; only the checker needs the class. */
	lock_set_class(&l->lock, LOCK_SLAB_LISTS);
	return lock_acquire_unless(&l->lock, nested);
}

/* Of @c and @group. Counts how many are empty now. */
void lists_unlock(struct kmem_cache *c, unsigned int group);

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

/* @slab to the list that suits @bucket, and its group; and off the one it is on. */
void add_slab(struct kmem_cache *c, struct page *slab, unsigned int bucket);
void del_slab(struct kmem_cache *c, struct page *slab);

/* @slab has @nr_free objects now: to the list that suits. */
static ALWAYS_INLINE void move_slab(struct kmem_cache *c, struct geometry g,
				    struct page *slab, unsigned int nr_free)
{
	unsigned int bucket = bucket_of(g, nr_free);

	slab->nr_free = (uint16_t)nr_free;
	if (bucket == slab->bucket || slab->bucket == BUCKET_ISOLATED)
		return;
	del_slab(c, slab);
	add_slab(c, slab, bucket);
}

/* Behind all others of its bucket. */
void move_to_end(const struct kmem_cache *c, struct page *slab);

/*
 * free_slabs() - to the page allocator with empty slabs that are on no list but this one,
 * threaded through the links they had. Return: pages. Context: no lock is held.
 */
size_t free_slabs(struct kmem_cache *c, struct hlist_head *freed);

/* Whence the group should take objects first. NULL: none of its slabs has free ones. */
struct page *choose_slab(const struct slab_lists *l);

/*
 * Slabs of other groups with about @n free objects become @group's, isolated, at the end
 * of @adopted. Context: no lock of lists is held.
 */
void adopt_slabs(struct kmem_cache *c, unsigned int group, unsigned int n,
		 struct list_head *adopted);

#endif
