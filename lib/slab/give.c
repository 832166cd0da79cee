/* SPDX-License-Identifier: MIT */
/*
 * give.c - objects go back to their slabs.
 *
 * An object's number is its distance from the first one times the cache's magic, whose
 * upper half is the quotient and whose lower half tells whether the division is exact.
 * Giving it back sets its bit; a bit that is set already is a double free. Most of what
 * comes at once was allocated at once, so it is looked for objects that are in the same
 * slab, or even side by side in it.
 *
 * Locks: that of the lists of a slab's group (lists.h).
 */
#include "base/bug.h"
#include "base/params.h"
#include "slab/lists.h"

/*
 * Empty slabs that a group keeps of a cache: as many as fit here, at least one; and of
 * small objects, which do not wait in barns, those that barns leave room for. Where there
 * are threads, what goes back to the page allocator is the next for another CPU, which
 * does not have it in its caches: so all of them together may be as much as is in use,
 * and as caches hold.
 */
enum { KEEP_PAGES = 16, CACHES_HOLD = MiB(32) >> PAGE_SHIFT };

static COLD NORETURN void bad_object(const struct kmem_cache *c,
				     const void *obj, const char *what)
{
	bug("%s of %p: cache %s", what, obj, cache_stat(c)->name);
}

static COLD NORETURN void bad_index(const struct kmem_cache *c,
				    const struct page *slab, size_t index)
{
	bad_object(c, slab_first(slab) + index * c->size, "double free");
}

/* @nr objects from @index on are free now. */
static ALWAYS_INLINE void mark_free(const struct kmem_cache *c,
				    struct page *slab, unsigned int index,
				    unsigned int nr)
{
	while (nr) {
		uint64_t *word = &slab->bitmap[index / 64];
		unsigned int bit = index % 64;
		unsigned int n = nr < 64 - bit ? nr : 64 - bit;
		uint64_t bits = ~0ull >> (64 - n) << bit;

		if (unlikely(*word & bits))
			bad_index(c, slab, index - bit +
				  (unsigned int)__builtin_ctzll(*word & bits));
		*word |= bits;
		index += n;
		nr -= n;
	}
}

/*
 * Objects come back in any order: the struct page of one so far ahead is fetched.
 * And often several of a slab in some order, of which none is a run: what comes in
 * twos and threes is as quick one by one.
 */
enum { FETCH_AHEAD = 32, RUN_MIN = 4, NO_GROUP = UINT8_MAX };

_Static_assert((int)MAX_GROUPS <= (int)NO_GROUP, "no group has that number");

/* From one object of a run to the next: the size of one, up or down. 0: no run. */
static ALWAYS_INLINE uintptr_t run_step(void *const *objs, unsigned int n,
					size_t size)
{
	const uintptr_t first = (uintptr_t)objs[0];
	uintptr_t down, step;

	if (n < RUN_MIN)
		return 0;
	down = -(uintptr_t)((uintptr_t)objs[1] < first);
	step = (size ^ down) - down;
	/* One branch: any of them may be the one that is elsewhere. */
	if (((uintptr_t)objs[1] ^ (first + step)) |
	    ((uintptr_t)objs[2] ^ (first + 2 * step)) |
	    ((uintptr_t)objs[3] ^ (first + 3 * step)))
		return 0;
	return step;
}

/*
 * @objs begin with a run; they are free now, but for what lies in the next slab.
 * Return: how many.
 */
static NOINLINE unsigned int give_run(const struct kmem_cache *c,
				      struct page *slab, void *const *objs,
				      unsigned int n, uintptr_t step)
{
	unsigned int index = slab_index(geometry_of(c), slab, objs[0]);
	bool up = step == c->size;
	unsigned int room = up ? c->objs - index : index + 1;
	uintptr_t next = (uintptr_t)objs[0];
	unsigned int nr;

	if (unlikely(index == NO_INDEX))
		bad_object(c, objs[0], "invalid free");
	n = n < room ? n : room;
	for (nr = 0; nr < n && (uintptr_t)objs[nr] == next; nr++)
		next += step;
	mark_free(c, slab, up ? index : index + 1 - nr, nr);
	return nr;
}

/*
 * @obj, which lies @offset bytes behind the first object of @slab, is free now. The
 * caller knows that this is less than g.extent.
 */
static ALWAYS_INLINE void give_one(const struct kmem_cache *c,
				   struct geometry g, struct page *slab,
				   const void *obj, uintptr_t offset)
{
	uint64_t quotient = offset * g.magic;
	uint64_t index = quotient >> 32;
	uint64_t *word = &slab->bitmap[index / 64];
	uint64_t bit = 1ull << index % 64;

	if (unlikely((uint32_t)quotient >= g.magic))
		bad_object(c, obj, "invalid free");
	if (unlikely(*word & bit))
		bad_index(c, slab, (unsigned int)index);
	*word |= bit;
}

/*
 * The objects of @slab that @objs begin with, at least two, are free now. Return: how
 * many.
 */
static NOINLINE unsigned int give_several(const struct kmem_cache *c,
					  struct page *slab, void *const *objs,
					  unsigned int n)
{
	const struct geometry g = geometry_of(c);
	const uintptr_t first = first_in(g, slab, objs[0]);
	uintptr_t step = run_step(objs, n, c->size);
	uintptr_t offset = (uintptr_t)objs[0] - first;
	unsigned int i = 0;

	if (step)
		return give_run(c, slab, objs, n, step);
	do {
		give_one(c, g, slab, objs[i], offset);
		if (++i == n)
			break;
		offset = (uintptr_t)objs[i] - first;
	} while (offset < g.extent);
	return i;
}

/* The same for one or more. */
static ALWAYS_INLINE unsigned int give_to(const struct kmem_cache *c,
					  struct geometry g, struct page *slab,
					  void *const *objs, unsigned int n)
{
	const uintptr_t first = first_in(g, slab, objs[0]);
	uintptr_t offset = (uintptr_t)objs[0] - first;

	if (unlikely(offset >= g.extent))
		bad_object(c, objs[0], "invalid free");
	/* In random order hardly any two are in the same slab. */
	if (n > 1 && (uintptr_t)objs[1] - first < g.extent)
		return give_several(c, slab, objs, n);
	give_one(c, g, slab, objs[0], offset);
	return 1;
}

/* Pages of empty slabs of all caches that a group may keep. */
static size_t empty_pages_limit(void)
{
	size_t pages = barns_limit() >> PAGE_SHIFT;

	if (gate_saw_threads())
		pages = max_size(pages, min_size(page_alloc_in_use(),
						 CACHES_HOLD));
	return pages / (unsigned int)__builtin_popcount(groups_in_use() | 1);
}

/* How many empty slabs of @c @group may keep now. */
static size_t empty_to_keep(const struct kmem_cache *c, unsigned int group)
{
	size_t limit, more = 0;

	if (c->flags & SLAB_TYPESAFE)
		return SIZE_MAX;
	if (c->size < ORDERED_BELOW && !is_idle(c)) {
		limit = empty_pages_limit();
		if (load_relaxed(&empty_pages[group].nr) <= limit)
			more = gate_saw_threads() ?
				       limit :
				       load_relaxed(&params.barn_limit) >>
					       (PAGE_SHIFT - 10);
	}
	return max_size((KEEP_PAGES + more) >> c->order, 1);
}

/* Is @slab one of that cache, and of @group, whose lists are locked? Then it stays so. */
static ALWAYS_INLINE bool belongs_to(const struct page *slab, unsigned int group,
				     unsigned int class)
{
	/* Pairs with set_group() in lists.c. */
	return load_acquire(&slab->group) == group && slab->cache == class &&
	       slab->type == PAGE_SLAB;
}

/*
 * @slab, in which @obj lies, is not of the group whose lists are locked, *group if it is
 * one. Return: whether those of its own are now; if not, none are, and @nested.
 */
static NOINLINE bool enter_slab(struct kmem_cache *c, const struct page *slab,
				const void *obj, unsigned int *group,
				bool nested)
{
	if (slab->type != PAGE_SLAB || slab->cache != c->id)
		bad_object(c, obj, "double free");
	do {
		if (*group != NO_GROUP)
			lists_unlock(c, *group);
		*group = load_acquire(&slab->group);
		if (!lists_lock(lists_of(c, *group), nested)) {
			*group = NO_GROUP;
			return false;
		}
		/* It may have been adopted meanwhile. */
	} while (load_acquire(&slab->group) != *group);
	return true;
}

/* What will be written to is on its way when it is needed. Return: how far. */
static ALWAYS_INLINE unsigned int fetch_slabs(struct geometry g,
					      void *const *objs,
					      unsigned int from, unsigned int n)
{
	unsigned int end = n - from < FETCH_AHEAD ? n : from + FETCH_AHEAD;

	for (unsigned int i = from; i < end; i++)
		__builtin_prefetch(slab_in_span(g, objs[i]), 1);
	return end;
}

/*
 * @objs of the group of the first one are free now. Others are left to @later, of which
 * there are *nr_later then; it may be @objs itself. Without @later, all are free.
 * Return: how many.
 */
static unsigned int give_group(struct kmem_cache *c, void *const *objs,
			       unsigned int n, bool nested, void **later,
			       unsigned int *nr_later)
{
	const struct geometry g = geometry_of(c);
	unsigned int group = NO_GROUP, at = 0, fetched = 0, left = 0;
	struct hlist_head freed = { 0 };
	size_t keep = 0;

	while (at < n) {
		unsigned int nr_free;
		struct page *slab;

		if (at >= fetched)
			fetched = fetch_slabs(g, objs, at, n);
		slab = slab_around(g, objs[at]);
		if (unlikely(!belongs_to(slab, group, c->id))) {
			if (later && group != NO_GROUP) {
				later[left++] = objs[at++];
				continue;
			}
			if (!enter_slab(c, slab, objs[at], &group, nested))
				break;
			keep = empty_to_keep(c, group);
		}
		/* With one object less hollow.c may find more. */
		if (unlikely(slab->cold == SLAB_HOLLOWED))
			slab->cold = SLAB_RESTING;
		nr_free = give_to(c, g, slab, objs + at, n - at);
		at += nr_free;
		nr_free += slab->nr_free;
		if (likely(partial_bucket(g, nr_free) == slab->bucket)) {
			slab->nr_free = (uint16_t)nr_free;
			continue;
		}
		/* A nested call must not wait for the page allocator. */
		if (nr_free == c->objs && !nested &&
		    slab->bucket != BUCKET_ISOLATED &&
		    lists_of(c, group)->nr_empty >= keep) {
			slab->nr_free = (uint16_t)nr_free;
			del_slab(c, slab);
			hlist_add_head(&slab->buddy, &freed);
		} else {
			move_slab(c, g, slab, nr_free);
		}
	}
	fetch_add_relaxed(&cache_stat(c)->nr_free, at - left);
	if (group != NO_GROUP)
		lists_unlock(c, group);
	free_slabs(c, &freed);
	*nr_later = left;
	return at - left;
}

/* What several threads freed may be of all groups in turn: one after another. */
static void give_by_group(struct kmem_cache *c, void *const *objs, unsigned int n)
{
	void *later[MAX_BATCH];

	give_group(c, objs, n, false, later, &n);
	while (n)
		give_group(c, later, n, false, later, &n);
}

unsigned int slab_give(struct kmem_cache *c, void *const *objs,
		       unsigned int n, bool nested)
{
	unsigned int none, k;

	/* What cannot be given is the end of @objs. */
	if (nested)
		return give_group(c, objs, n, true, NULL, &none);
	for (unsigned int done = 0; done < n; done += k) {
		k = n - done < MAX_BATCH ? n - done : MAX_BATCH;
		give_by_group(c, objs + done, k);
	}
	return n;
}
