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
 *				the memory of old ones; in malloc_trim for all
 *	at each tick		for those that rested since the last one, a few
 *
 * Slabs are off the lists meanwhile, so that no object of theirs is handed out. Not
 * where a huge page would be split, nor of caches whose free objects have to stay
 * as they are.
 */
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "slab/internal.h"

/* Slabs: so many while others wait for the cache's lock, and so many a tick, which
 * looks at each twice and then makes a system call or two. */
enum { LOOKS_AT_ONCE = 2048, TICK_LOOKS = 4096 };

_Static_assert(MAX_SLAB_ORDER <= 5, "a slab's holes are bits of 32");

static bool may_hollow(const struct kmem_cache *c)
{
	return has_slabs(c) && c->order && !c->ctor && !is_checked(c) &&
	       !(c->flags & SLAB_TYPESAFE) && params.thp != TRI_ON;
}

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
static size_t hollow(struct kmem_cache *c, unsigned int node,
		     unsigned int bucket, bool resting, size_t looks)
{
	struct hlist_head isolated = { 0 };
	size_t looked = slab_isolate_sparse(c, node, bucket, resting, looks,
					    &isolated);

	purge_isolated(&isolated);
	slab_put_back(c, node, &isolated);
	return looked;
}

static void hollow_node(struct kmem_cache *c, unsigned int node, size_t looks)
{
	size_t most = min_size(load_relaxed(&cache_stat(c)->nr_slabs), looks);
	unsigned int b = NR_BUCKETS;

	while (b-- && bucket_is_sparse(c, b))
		for (size_t looked = 0; looked < most; looked += LOOKS_AT_ONCE)
			if (hollow(c, node, b, false, LOOKS_AT_ONCE) <
			    LOOKS_AT_ONCE)
				break;
}

void hollow_out(struct kmem_cache *c, unsigned int looks)
{
	for (unsigned int node = 0; may_hollow(c) && node < nr_nodes(); node++)
		hollow_node(c, node, looks);
}

/* Half of the looks for each bucket, so that long ones are not all there is. */
static size_t hollow_resting(struct kmem_cache *c, unsigned int node,
			     size_t looks)
{
	unsigned int b = NR_BUCKETS;
	size_t left = looks;

	while (b-- && left && bucket_is_sparse(c, b))
		left -= hollow(c, node, b, true, (left + 1) / 2);
	return looks - left;
}

void hollow_decay(unsigned int ticks)
{
	static unsigned int next; /* Atomic: whose turn it is */
	unsigned int ids = nr_cache_ids() - 1;
	size_t left = (size_t)TICK_LOOKS * ticks;

	for (unsigned int i = 0; i < ids && left; i++) {
		unsigned int id = 1 + fetch_add_relaxed(&next, 1) % ids;
		struct kmem_cache *c = &kmem_caches[id];

		if (!control.caches[id].size || !may_hollow(c))
			continue;
		for (unsigned int node = 0; node < nr_nodes(); node++)
			left -= hollow_resting(c, node,
					       min_size(left, LOOKS_AT_ONCE));
	}
}
