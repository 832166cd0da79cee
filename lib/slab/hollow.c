/* SPDX-License-Identifier: MIT */
/*
 * hollow.c - pages of slabs that no object in use lies in go back to the kernel.
 *
 * When most objects of a cache have died the survivors keep nearly every slab. No
 * other cache can have what is free in them, but whole pages of it need not cost
 * memory: what they hold is of no use to anyone, and the next object there finds
 * a new page. That is done
 *
 *	before a zone grows	for slabs with few objects, so that new sizes take
 *				the memory of old ones, unless old ones take it back
 *				soon; in malloc_trim for all
 *	at each tick		for those that rested since the last one, a few
 *
 * Slabs are off the lists meanwhile, so that no object of theirs is handed out. Not
 * where a huge page would be split, nor of caches whose free objects have to stay
 * as they are.
 */
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "slab/lists.h"

/* Slabs: so many while others wait for the group's lock, and so many a tick, which
 * looks at each twice and then makes a system call or two. */
enum { LOOKS_AT_ONCE = 2048, TICK_LOOKS = 4096 };

_Static_assert(MAX_SLAB_ORDER <= 5, "a slab's holes are bits of 32");

static bool may_hollow(const struct kmem_cache *c)
{
	return has_slabs(c) && c->order && !c->ctor && !is_checked(c) &&
	       !(c->flags & SLAB_TYPESAFE) && params.thp != TRI_ON;
}

/* --- what becomes of holes --- */

/*
 * Pages, lately. A hole that is filled again has cost a system call and a page fault for
 * nothing: where that becomes of a half of them, zones grow instead. Of fewer than ENOUGH
 * nobody can tell. Atomic.
 */
enum { ENOUGH = 64, FILLED_RATIO = 2 };

static struct {
	size_t made;
	size_t filled;
} recent CACHELINE_ALIGNED;

bool hollow_pays(void)
{
	size_t made = load_relaxed(&recent.made);

	return made < ENOUGH ||
	       load_relaxed(&recent.filled) * FILLED_RATIO < made;
}

void hollow_note_filled(const struct kmem_cache *c, struct page *slab)
{
	uint32_t filled = slab->holes & ~slab_find_holes(c, slab);

	if (!filled)
		return;
	fetch_add_relaxed(&recent.filled, (size_t)__builtin_popcount(filled));
	set_holes(slab, slab->holes & ~filled);
}

/* --- slabs with few objects --- */

/* Objects of a slab, if there are no more, may well leave pages without any. */
static unsigned int few_objects(const struct kmem_cache *c)
{
	return 2u << c->order;
}

static bool is_huge(const struct page *slab)
{
	return load_relaxed(&pfn_to_pageblock(page_to_pfn(slab))->huge);
}

/* Is there something to be had of @slab, now? Then slab->holes says what. */
static bool may_isolate(const struct kmem_cache *c, struct page *slab,
			bool resting)
{
	uint32_t holes;

	if (slab->cold == SLAB_HOLLOWED ||
	    (unsigned int)(c->objs - slab->nr_free) > few_objects(c))
		return false;
	if (resting && slab->cold == SLAB_ACTIVE) {
		slab->cold = SLAB_RESTING;
		return false;
	}
	slab->cold = SLAB_HOLLOWED;
	holes = slab_find_holes(c, slab);
	if (holes == slab->holes || is_huge(slab))
		return false;
	set_holes(slab, holes);
	return true;
}

/* May there be slabs with few objects in it? */
static bool bucket_is_sparse(const struct kmem_cache *c, unsigned int bucket)
{
	unsigned int objs = c->objs;

	return objs - (bucket + 1) * objs / NR_BUCKETS <= few_objects(c);
}

/*
 * Look at up to @looks slabs of a bucket, and take those off the list that have few
 * objects and pages without any. They take objects back, but hand none out. @resting:
 * only those that rested since the tick before; the others are marked. Return: how
 * many it looked at; fewer than @looks: all there are.
 */
static size_t isolate_sparse(struct kmem_cache *c, unsigned int group,
			     unsigned int bucket, bool resting, size_t looks,
			     struct hlist_head *isolated)
{
	struct slab_lists *l = lists_of(c, group);
	struct list_head *list = &l->partial[bucket];
	struct page *first = NULL; /* of those that were moved to the end */
	size_t looked = 0;

	if (!has_partial(l, bucket))
		return 0;
	lists_lock(l, false);
	for (; looked < looks && !list_empty(list); looked++) {
		struct page *slab = list_first_entry(list, struct page, lru);

		if (slab == first)
			break;
		if (may_isolate(c, slab, resting)) {
			del_slab(c, slab);
			slab->bucket = BUCKET_ISOLATED;
			hlist_add_head(&slab->buddy, isolated);
			continue;
		}
		move_to_end(c, slab);
		if (!first)
			first = slab;
	}
	lists_unlock(c, group);
	return looked;
}

/* To the lists that suit; what was in their holes is gone. */
static void put_back(struct kmem_cache *c, unsigned int group,
		     struct hlist_head *isolated)
{
	const struct geometry g = geometry_of(c);

	if (hlist_empty(isolated))
		return;
	lists_lock(lists_of(c, group), false);
	while (!hlist_empty(isolated)) {
		struct page *slab =
			hlist_entry(isolated->first, struct page, buddy);

		hlist_del(&slab->buddy);
		add_slab(c, slab, bucket_of(g, slab->nr_free));
		if (slab->bucket != BUCKET_EMPTY)
			move_to_end(c, slab);
	}
	lists_unlock(c, group);
}

/* --- their memory --- */

/* Return: false if the memory is locked. */
static bool purge_holes(const struct page *slab)
{
	char *addr = page_address(slab);
	uint32_t holes = slab->holes;

	while (holes) {
		unsigned int first = (unsigned int)__builtin_ctz(holes);
		uint32_t from = holes >> first;
		/* ~from is 0 only where it would be all of 32 pages, which no
		 * slab with an object lacks. */
		unsigned int nr = (unsigned int)__builtin_ctz(~from);

		count_vm_event(PURGE_CALLS);
		if (os_purge(addr + ((size_t)first << PAGE_SHIFT),
			     (size_t)nr << PAGE_SHIFT) < 0)
			return false;
		count_vm_events(SLAB_HOLLOW, nr);
		fetch_add_relaxed(&recent.made, nr);
		count_vm_events(PGPURGE, nr);
		holes &= ~(((1u << nr) - 1) << first);
	}
	return true;
}

static void purge_isolated(struct hlist_head *isolated)
{
	bool failed = false;

	for (struct hlist_node *i = isolated->first; i; i = i->next) {
		struct page *slab = hlist_entry(i, struct page, buddy);

		/* Locked memory stays, and so will the next. */
		failed = failed || !purge_holes(slab);
		if (failed)
			set_holes(slab, 0);
	}
}

/* Return: how many slabs of the bucket it looked at. */
static size_t hollow(struct kmem_cache *c, unsigned int group,
		     unsigned int bucket, bool resting, size_t looks)
{
	struct hlist_head isolated = { 0 };
	size_t looked = isolate_sparse(c, group, bucket, resting, looks,
				       &isolated);

	purge_isolated(&isolated);
	put_back(c, group, &isolated);
	return looked;
}

static void hollow_group(struct kmem_cache *c, unsigned int group, size_t most)
{
	unsigned int b = NR_BUCKETS;

	while (b-- && bucket_is_sparse(c, b))
		for (size_t left = most; left;) {
			size_t looks = min_size(left, LOOKS_AT_ONCE);

			left -= looks;
			if (hollow(c, group, b, false, looks) < looks)
				break;
		}
}

void hollow_out(struct kmem_cache *c, unsigned int looks)
{
	uint32_t rest = groups_in_use();
	size_t share = looks / (unsigned int)__builtin_popcount(rest | 1);

	if (!may_hollow(c))
		return;
	share = min_size(load_relaxed(&cache_stat(c)->nr_slabs), share);
	while (rest)
		hollow_group(c, first_of(&rest), share);
}

/* Half of the looks for each bucket, so that long ones are not all there is. */
static size_t hollow_resting(struct kmem_cache *c, unsigned int group,
			     size_t looks)
{
	unsigned int b = NR_BUCKETS;
	size_t left = looks;

	while (b-- && left && bucket_is_sparse(c, b))
		left -= hollow(c, group, b, true, (left + 1) / 2);
	return looks - left;
}

void hollow_decay(unsigned int ticks)
{
	static unsigned int next; /* Atomic: whose turn it is */
	unsigned int ids = nr_cache_ids() - 1;
	size_t left = (size_t)TICK_LOOKS * ticks;

	store_relaxed(&recent.made, decayed(load_relaxed(&recent.made), ticks));
	store_relaxed(&recent.filled, decayed(load_relaxed(&recent.filled), ticks));
	for (unsigned int i = 0; i < ids && left; i++) {
		unsigned int id = 1 + fetch_add_relaxed(&next, 1) % ids;
		struct kmem_cache *c = &kmem_caches[id];

		if (!control.caches[id].size || !may_hollow(c))
			continue;
		for (uint32_t rest = groups_in_use(); rest;)
			left -= hollow_resting(c, first_of(&rest),
					       min_size(left, LOOKS_AT_ONCE));
	}
}
