/* SPDX-License-Identifier: MIT */
/* lists.c - see lists.h. */
#include "slab/lists.h"

struct slab_lists slab_lists[MAX_GROUPS][NR_CLASSES] SPARSE_TABLE;
struct empty_pages empty_pages;
struct groups groups;

static void add_partial(struct kmem_cache *c, struct page *slab,
			unsigned int bucket)
{
	struct slab_lists *l = lists_of(c, slab->group);

	if (unlikely(!l->partial[0].next))
		for (unsigned int b = 0; b < NR_BUCKETS; b++)
			INIT_LIST_HEAD(&l->partial[b]);
	list_add(&slab->lru, &l->partial[bucket]);
	store_relaxed(&l->buckets, (uint16_t)(l->buckets | 1u << bucket));
}

void add_slab(struct kmem_cache *c, struct kmem_cache_node *n,
	      struct page *slab, unsigned int bucket)
{
	slab->bucket = (uint8_t)bucket;
	if (bucket == BUCKET_EMPTY) {
		hlist_add_head(&slab->buddy, &n->empty);
		n->nr_empty++;
		fetch_add_relaxed(&cache_stat(c)->nr_empty_slabs, 1);
		fetch_add_relaxed(&empty_pages.nr, 1ull << c->order);
	} else if (bucket != BUCKET_FULL) {
		add_partial(c, slab, bucket);
	}
}

void del_slab(struct kmem_cache *c, struct kmem_cache_node *n,
	      struct page *slab)
{
	struct slab_lists *l = lists_of(c, slab->group);
	unsigned int bucket = slab->bucket;

	if (bucket == BUCKET_FULL)
		return;
	if (bucket == BUCKET_EMPTY) {
		hlist_del(&slab->buddy);
		n->nr_empty--;
		fetch_sub_relaxed(&cache_stat(c)->nr_empty_slabs, 1);
		fetch_sub_relaxed(&empty_pages.nr, 1ull << c->order);
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

struct page *choose_slab(const struct kmem_cache *c,
			 const struct kmem_cache_node *n, unsigned int group)
{
	if (lists_of(c, group)->buckets)
		return fullest(lists_of(c, group));
	if (!hlist_empty(&n->empty))
		return hlist_entry(n->empty.first, struct page, buddy);
	for (uint32_t rest = other_groups(group); rest;) {
		const struct slab_lists *l = lists_of(c, first_of(&rest));

		if (l->buckets)
			return fullest(l);
	}
	return NULL;
}
