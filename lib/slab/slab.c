/* SPDX-License-Identifier: MIT */
/*
 * slab.c - slabs: naturally aligned page blocks cut into objects of one cache.
 *
 * All there is to know of a slab is in the struct page of its first page: one
 * cache line. Nothing is kept in the objects themselves. Taking objects scans words of the
 * bitmap; giving them back is in give.c.
 *
 * Allocation takes from the lowest bucket, the fullest slabs, so that sparse
 * ones run empty and go back to the page allocator. A few empty slabs are kept.
 *
 * Locks: that of its lists (lists.h) for a slab's bitmap and counters. Slabs are made
 * and freed without it.
 */
#include <string.h>

#include "base/bug.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "page_alloc/ahead.h"
#include "slab/lists.h"

/* --- making and freeing slabs --- */

static void construct_objects(const struct kmem_cache *c, struct page *slab)
{
	char *obj = slab_first(slab);

	for (unsigned int i = 0; i < c->objs; i++, obj += c->size) {
		if (is_checked(c))
			debug_new_object(c, obj);
		if (c->ctor)
			c->ctor(obj);
	}
}

/* The slab is empty and goes. */
static void check_objects(const struct kmem_cache *c, const struct page *slab)
{
	char *obj = slab_first(slab);

	for (unsigned int i = 0; i < c->objs; i++, obj += c->size)
		debug_check_free(c, obj);
}

static struct page *make_slab(struct kmem_cache *c, unsigned int node,
			      unsigned int group, bool nested)
{
	/* Of larger objects some pages may never be touched. */
	gfp_t dense = c->size <= PAGE_SIZE ? GFPF_DENSE : 0;
	gfp_t gfp = dense | (nested ? GFP_ATOMIC : GFP_KERNEL);
	struct page *slab;

	if (c->flags & SLAB_RECLAIM_ACCOUNT)
		gfp |= GFPF_RECLAIMABLE;
	slab = alloc_pages_node(node, gfp, c->order);
	if (!slab)
		return NULL;
	if (slab->cold && !dense && !nested)
		ahead_slab(c->id, page_address(slab), (size_t)1 << c->order);
	for (unsigned int i = 0; i < ARRAY_SIZE(slab->bitmap); i++) {
		unsigned int bits = c->objs > i * 64 ? c->objs - i * 64 : 0;

		slab->bitmap[i] = bits >= 64 ? ~0ull : (1ull << bits) - 1;
	}
	slab->order = c->order;
	slab->cache = c->id;
	slab->nr_free = c->objs;
	slab->group = (uint8_t)group;
	slab->cold = SLAB_ACTIVE;
	slab->holes = 0;
	slab->colour = 0;
	if (c->colour_step)
		slab->colour = (uint16_t)(
			fetch_add_relaxed(&lists_of(c, group)->next_colour, 1) %
			c->colours * c->colour_step);
	slab->bucket = BUCKET_ISOLATED;
	slab->type = PAGE_SLAB;
	memset(&span.page_class[page_to_pfn(slab)], c->id, 1ul << c->order);
	if (c->ctor || is_checked(c))
		construct_objects(c, slab);
	fetch_add_relaxed(&control.zones[slab->node][slab->zone].slab,
			  1ull << c->order);
	cache_show(c);
	PROBE(slab_grow, cache_stat(c)->name, c->order);
	return slab;
}

/* @nr slabs are new. */
static void account_slabs(struct kmem_cache *c, unsigned int nr)
{
	struct control_cache *st = cache_stat(c);

	fetch_add_relaxed(&st->nr_slabs, nr);
	fetch_add_relaxed(&st->grown, nr);
	fetch_add_relaxed(&st->nr_free, (uint64_t)nr * c->objs);
}

/*
 * Up to @nr new slabs to the end of @made; all of their objects are free, but they are
 * on no list yet. Without a lock. Return: how many.
 */
static unsigned int make_slabs(struct kmem_cache *c, unsigned int node,
			       unsigned int group, unsigned int nr,
			       struct list_head *made)
{
	unsigned int done;

	for (done = 0; done < nr; done++) {
		struct page *slab = make_slab(c, node, group, false);

		if (!slab)
			break;
		list_add_tail(&slab->lru, made);
	}
	if (done)
		account_slabs(c, done);
	return done;
}

size_t free_slabs(struct kmem_cache *c, struct hlist_head *freed)
{
	struct control_cache *st = cache_stat(c);
	size_t pages = 0, nr;

	while (!hlist_empty(freed)) {
		struct page *slab =
			hlist_entry(freed->first, struct page, buddy);
		uint32_t holes = slab->holes;

		hlist_del(&slab->buddy);
		PROBE(slab_reap, st->name, c->order);
		if (is_checked(c))
			check_objects(c, slab);
		memset(&span.page_class[page_to_pfn(slab)], PAGE_CLASS_NONE,
		       1ul << c->order);
		fetch_sub_relaxed(&control.zones[slab->node][slab->zone].slab,
				  1ull << c->order);
		if (unlikely(holes))
			set_holes(slab, 0);
		slab->type = PAGE_ALLOC;
		if (unlikely(holes))
			free_pages_absent(slab, c->order, holes);
		else
			free_pages(slab, c->order, true);
		pages += 1ul << c->order;
	}
	nr = pages >> c->order;
	if (nr) {
		fetch_sub_relaxed(&st->nr_slabs, nr);
		fetch_add_relaxed(&st->reaped, nr);
		fetch_sub_relaxed(&st->nr_free, nr * c->objs);
	}
	return pages;
}

static size_t free_empty_of(struct kmem_cache *c, unsigned int group)
{
	struct slab_lists *l = lists_of(c, group);
	struct hlist_head freed = { 0 };

	if (!load_relaxed(&l->nr_empty))
		return 0;
	lists_lock(l, false);
	while (l->nr_empty) {
		struct page *slab =
			hlist_entry(l->empty.first, struct page, buddy);

		del_slab(c, slab);
		hlist_add_head(&slab->buddy, &freed);
	}
	lists_unlock(c, group);
	return free_slabs(c, &freed);
}

size_t slab_free_empty(struct kmem_cache *c, unsigned int node)
{
	unsigned int group = first_group(node);
	size_t pages = 0;

	for (uint32_t rest = other_groups(group) | 1u << group; rest;)
		pages += free_empty_of(c, first_of(&rest));
	return pages;
}

/* --- objects --- */

/*
 * The last word of the bitmap from which on @n objects are free: in slabs of other
 * groups, which use the lowest ones, so that both do not write to the same lines.
 */
static unsigned int last_word_with(const struct page *slab, unsigned int n)
{
	unsigned int w = ARRAY_SIZE(slab->bitmap);
	unsigned int seen = 0;

	while (seen < n)
		seen += (unsigned int)__builtin_popcountll(slab->bitmap[--w]);
	return w;
}

/*
 * Take @n objects of @slab, from @word of the bitmap on, the lowest last: sheaves are
 * stacks, so it is handed out first. Programs walk through what they made in the
 * order in which they made it, and the hardware fetches ahead best upwards.
 */
static void take_from_slab(struct kmem_cache *c, struct page *slab,
			   unsigned int word, void **objs, unsigned int n)
{
	char *first = slab_first(slab);
	size_t size = c->size;
	unsigned int left = n;

	for (unsigned int w = word; left; w++) {
		uint64_t bits = slab->bitmap[w];

		if (bits == ~0ull && left >= 64) {
			char *obj = first + w * 64u * size;

			for (unsigned int i = 0; i < 64; i++, obj += size)
				objs[--left] = obj;
			bits = 0;
		}
		while (bits && left) {
			size_t i = w * 64u + (unsigned int)__builtin_ctzll(bits);

			objs[--left] = first + i * size;
			bits &= bits - 1;
		}
		slab->bitmap[w] = bits;
	}
}

/*
 * A nested call that finds the cache locked, or without a slab, makes one of its
 * own: with no object free it is on no list, so it needs no lock. What is not asked
 * for waits in the barn, which has none either.
 */
static unsigned int take_all_of_new(struct kmem_cache *c, unsigned int node,
				    void **objs, unsigned int n)
{
	struct sheaf *s = barn_get_empty();
	struct page *slab = s ? make_slab(c, node, my_group(node), true) : NULL;

	if (!slab) {
		if (s)
			barn_put_empty(s);
		return 0;
	}
	account_slabs(c, 1);
	n = n < c->objs ? n : c->objs;
	s->nr = c->objs - n;
	take_from_slab(c, slab, 0, objs, n);
	take_from_slab(c, slab, 0, s->objs, s->nr);
	slab->nr_free = 0;
	slab->bucket = BUCKET_FULL;
	fetch_sub_relaxed(&cache_stat(c)->nr_free, c->objs);
	if (s->nr)
		barn_put(c, node, s);
	else
		barn_put_empty(s);
	return n;
}

_Static_assert(MAX_OBJS_PER_SLAB - 1 <= ARRAY_SIZE(((struct sheaf *)0)->objs),
	       "a sheaf holds a slab but for one object");

uint32_t slab_find_holes(const struct kmem_cache *c, const struct page *slab)
{
	uint32_t used = 0;

	for (unsigned int w = 0; w * 64 < c->objs; w++) {
		unsigned int rest = c->objs - w * 64;
		uint64_t live = ~slab->bitmap[w];

		if (rest < 64)
			live &= (1ull << rest) - 1;
		for (; live; live &= live - 1) {
			unsigned int i = w * 64 +
					 (unsigned int)__builtin_ctzll(live);
			size_t first = slab->colour + (size_t)i * c->size;
			size_t last = first + c->size - 1;

			used |= (2u << (last >> PAGE_SHIFT)) -
				(1u << (first >> PAGE_SHIFT));
		}
	}
	return ~used & (uint32_t)((1ull << (1u << c->order)) - 1);
}

static struct page *pop_slab(struct list_head *list)
{
	struct page *slab;

	if (list_empty(list))
		return NULL;
	slab = list_first_entry(list, struct page, lru);
	list_del(&slab->lru);
	return slab;
}

/* Take @n objects of @slab, whose lists are locked, from @word of the bitmap on. */
static unsigned int take_some(struct kmem_cache *c, struct geometry g,
			      struct page *slab, unsigned int word, void **end,
			      unsigned int n)
{
	take_from_slab(c, slab, word, end - n, n);
	slab->cold = SLAB_ACTIVE;
	if (unlikely(slab->holes))
		hollow_note_filled(c, slab);
	if (slab->bucket == BUCKET_ISOLATED)
		slab->bucket = BUCKET_FULL;
	move_slab(c, g, slab, slab->nr_free - n);
	return n;
}

/* Slabs that a group has at hand when its lists have none. */
struct supply {
	struct list_head adopted, made;
};

/* Up to @n objects of the next of them, which are the first to be used. */
static unsigned int take_supply(struct kmem_cache *c, struct geometry g,
				struct supply *s, void **end, unsigned int n)
{
	struct page *slab = pop_slab(&s->adopted);
	bool adopted = slab;

	if (!slab)
		slab = pop_slab(&s->made);
	if (!slab)
		return 0;
	n = n < slab->nr_free ? n : slab->nr_free;
	/* Whose it was may still write to its lower end. */
	return take_some(c, g, slab, adopted ? last_word_with(slab, n) : 0, end,
			 n);
}

/* Without a lock: slabs of others, else new ones. @n, @most: objects that are needed at
 * least, and at most. Return: whether there are some now. */
static bool find_supply(struct kmem_cache *c, unsigned int group, int n,
			unsigned int most, struct supply *s)
{
	adopt_slabs(c, group, most, &s->adopted);
	if (!list_empty(&s->adopted))
		return true;
	return n > 0 && make_slabs(c, node_of_group(group), group,
				   ((unsigned int)n + c->objs - 1) / c->objs,
				   &s->made);
}

/* Objects came back to adopted slabs meanwhile, so not all of them were needed. */
static void put_away(struct kmem_cache *c, struct geometry g,
		     struct list_head *adopted)
{
	struct page *slab;

	while ((slab = pop_slab(adopted))) {
		slab->bucket = BUCKET_FULL;
		move_slab(c, g, slab, slab->nr_free);
	}
}

unsigned int slab_take(struct kmem_cache *c, unsigned int node, void **objs,
		       unsigned int n, bool nested)
{
	const struct geometry g = geometry_of(c);
	const unsigned int group = my_group(node);
	struct slab_lists *l = lists_of(c, group);
	/* Half of new objects will do; the next miss makes more. */
	const int enough = (int)(n / 2) + 1;
	unsigned int got = 0, of_new = 0;
	void **end = objs + n;
	struct supply supply;

	if (!lists_lock(l, nested))
		return take_all_of_new(c, node, objs, n);
	INIT_LIST_HEAD(&supply.adopted);
	INIT_LIST_HEAD(&supply.made);
	while (got < n) {
		unsigned int k = take_supply(c, g, &supply, end - got, n - got);
		struct page *slab = k ? NULL : choose_slab(l);

		if (slab) {
			k = n - got < slab->nr_free ? n - got : slab->nr_free;
			take_some(c, g, slab, 0, end - got, k);
		}
		got += k;
		if (k)
			continue;
		lists_unlock(c, group);
		if (nested) {
			of_new = take_all_of_new(c, node, objs, n - got);
			goto out;
		}
		if (!find_supply(c, group, enough - (int)got, n - got, &supply))
			goto out;
		lists_lock(l, false);
	}
	put_away(c, g, &supply.adopted);
	lists_unlock(c, group);
out:
	if (got + of_new < n)
		memmove(objs + of_new, end - got, got * sizeof(*objs));
	fetch_sub_relaxed(&cache_stat(c)->nr_free, got);
	return got + of_new;
}

/* --- checking --- */

static unsigned int count_bits(struct page *slab)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(slab->bitmap); i++)
		bits += (unsigned int)__builtin_popcountll(slab->bitmap[i]);
	return bits;
}

static void validate_slab(struct kmem_cache *c, struct page *slab,
			  unsigned int bucket)
{
	BUG_ON(slab->type != PAGE_SLAB || slab->cache != c->id);
	BUG_ON(slab->bucket != bucket);
	BUG_ON(bucket_of(geometry_of(c), slab->nr_free) != bucket);
	BUG_ON(count_bits(slab) != slab->nr_free);
}

/* Return: how many slabs of the group are empty. */
static size_t validate_lists(struct kmem_cache *c, unsigned int group)
{
	const struct slab_lists *l = lists_of(c, group);
	size_t nr_empty = 0;

	for (unsigned int b = 0; b < NR_BUCKETS; b++) {
		const struct list_head *list = &l->partial[b];
		struct list_head *i, *next;

		/* Zero: never used. */
		BUG_ON(list->next && list_empty(list) == has_partial(l, b));
		if (!has_partial(l, b))
			continue;
		list_for_each_safe(i, next, list) {
			struct page *slab = list_entry(i, struct page, lru);

			validate_slab(c, slab, b);
			BUG_ON(slab->group != group);
		}
	}
	for (struct hlist_node *i = l->empty.first; i; i = i->next) {
		struct page *slab = hlist_entry(i, struct page, buddy);

		validate_slab(c, slab, BUCKET_EMPTY);
		BUG_ON(slab->group != group);
		nr_empty++;
	}
	return nr_empty;
}

void kmem_cache_validate(struct kmem_cache *c)
{
	for (unsigned int group = 0; group < MAX_GROUPS; group++) {
		struct slab_lists *l = lists_of(c, group);

		lists_lock(l, false);
		BUG_ON(validate_lists(c, group) != l->nr_empty);
		lists_unlock(c, group);
	}
}
