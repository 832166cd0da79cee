/* SPDX-License-Identifier: MIT */
/* lists.c - see lists.h. */
#include "slab/lists.h"

struct slab_lists slab_lists[MAX_GROUPS][NR_CLASSES] SPARSE_TABLE;
struct empty_pages empty_pages[MAX_GROUPS];
struct groups groups;

void lists_unlock(struct kmem_cache *c, unsigned int group)
{
	struct slab_lists *l = lists_of(c, group);
	uint64_t more = (uint64_t)l->nr_empty - l->told_empty;

	if (more) {
		fetch_add_relaxed(&cache_stat(c)->nr_empty_slabs, more);
		fetch_add_relaxed(&empty_pages[group].nr, more << c->order);
		l->told_empty = l->nr_empty;
	}
	lock_release(&l->lock);
}

static void add_partial(struct slab_lists *l, struct page *slab,
			unsigned int bucket)
{
	if (unlikely(!l->partial[0].next))
		for (unsigned int b = 0; b < NR_BUCKETS; b++)
			INIT_LIST_HEAD(&l->partial[b]);
	list_add(&slab->lru, &l->partial[bucket]);
	store_relaxed(&l->buckets, (uint16_t)(l->buckets | 1u << bucket));
}

void add_slab(struct kmem_cache *c, struct page *slab, unsigned int bucket)
{
	struct slab_lists *l = lists_of(c, slab->group);

	slab->bucket = (uint8_t)bucket;
	if (bucket == BUCKET_EMPTY) {
		hlist_add_head(&slab->buddy, &l->empty);
		store_relaxed(&l->nr_empty, l->nr_empty + 1);
	} else if (bucket != BUCKET_FULL) {
		add_partial(l, slab, bucket);
	}
}

void del_slab(struct kmem_cache *c, struct page *slab)
{
	struct slab_lists *l = lists_of(c, slab->group);
	unsigned int bucket = slab->bucket;

	if (bucket == BUCKET_FULL)
		return;
	if (bucket == BUCKET_EMPTY) {
		hlist_del(&slab->buddy);
		store_relaxed(&l->nr_empty, l->nr_empty - 1);
		return;
	}
	list_del(&slab->lru);
	if (list_empty(&l->partial[bucket]))
		store_relaxed(&l->buckets,
			      (uint16_t)(l->buckets & ~(1u << bucket)));
}

void move_to_end(const struct kmem_cache *c, struct page *slab)
{
	list_del(&slab->lru);
	list_add_tail(&slab->lru,
		      &lists_of(c, slab->group)->partial[slab->bucket]);
}

static struct page *fullest(const struct slab_lists *l)
{
	return list_first_entry(&l->partial[__builtin_ctz(l->buckets)],
				struct page, lru);
}

static struct page *first_empty(const struct slab_lists *l)
{
	return l->nr_empty ? hlist_entry(l->empty.first, struct page, buddy) :
			     NULL;
}

struct page *choose_slab(const struct slab_lists *l)
{
	if (l->buckets)
		return fullest(l);
	return first_empty(l);
}

/* Nobody else looks at @slab, which is the last to be done under the old lock. */
static void set_group(struct page *slab, unsigned int group)
{
	/* Pairs with enter_slab() and belongs_to() in give.c. */
	store_release(&slab->group, (uint8_t)group);
}

/* From one group, only @empty ones or any. Return: how many objects they have. */
static unsigned int adopt_from(struct kmem_cache *c, unsigned int from,
			       bool empty, unsigned int group, unsigned int n,
			       struct list_head *adopted)
{
	struct slab_lists *l = lists_of(c, from);
	unsigned int got = 0;

	if (!load_relaxed(&l->nr_empty) && (empty || !load_relaxed(&l->buckets)))
		return 0;
	lists_lock(l, false);
	while (got < n) {
		struct page *slab = empty ? first_empty(l) : choose_slab(l);

		if (!slab)
			break;
		got += slab->nr_free;
		del_slab(c, slab);
		slab->bucket = BUCKET_ISOLATED;
		list_add_tail(&slab->lru, adopted);
		set_group(slab, group);
	}
	lists_unlock(c, from);
	return got;
}

void adopt_slabs(struct kmem_cache *c, unsigned int group, unsigned int n,
		 struct list_head *adopted)
{
	unsigned int got = 0;

	for (int empty = 1; empty >= 0; empty--)
		for (uint32_t rest = other_groups(group); rest && got < n;)
			got += adopt_from(c, first_of(&rest), empty, group,
					  n - got, adopted);
}
