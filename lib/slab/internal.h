/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of slab/ share. */
#ifndef PAGODA_SLAB_INTERNAL_H
#define PAGODA_SLAB_INTERNAL_H

#include "base/lock.h"
#include "page_alloc/page_alloc.h"
#include "percpu/percpu.h"
#include "slab/barn.h"
#include "slab/slab.h"

/* Slots of named caches in a CPU's region, behind those of kmalloc. */
enum { NAMED_SLOTS_BEGIN = 28420, NAMED_SHEAF_MAX = 194 };

/* Bytes. Of smaller objects several share a page, and what is made of them is followed
 * from one to the next: barns take few of them, since slabs put them in order. */
enum { ORDERED_BELOW = 1024 };

enum { MAX_SLAB_ORDER = 5 };

enum {
	NR_BUCKETS = 8,
	BUCKET_ISOLATED = 253,
	BUCKET_FULL = 254,
	BUCKET_EMPTY = 255,
};

/* slab->cold. Lock: that of its lists */
enum slab_rest {
	SLAB_ACTIVE,
	SLAB_RESTING, /* no object was taken since a tick saw it */
	SLAB_HOLLOWED, /* nor given back since its free pages were */
};

/*
 * Groups of CPUs that have sheaves in barns, and slabs, of their own. Those of a node
 * have groups_per_node() numbers, a power of two, from first_group() on.
 */
static inline unsigned int groups_per_node(void)
{
	return MAX_GROUPS >> ilog2_up(nr_nodes());
}

static inline unsigned int first_group(unsigned int node)
{
	return node * groups_per_node();
}

static inline unsigned int node_of_group(unsigned int group)
{
	return group / groups_per_node();
}

/* Read in every miss, so alone in its line. */
extern struct groups {
	uint32_t seen; /* Atomic: bit g: a CPU of group g was here */
} CACHELINE_ALIGNED groups INTERNAL;

/* Tables of the others were never touched. */
static inline uint32_t groups_in_use(void)
{
	return load_relaxed(&groups.seen);
}

/* The lowest of these groups, which it leaves. */
static inline unsigned int first_of(uint32_t *rest)
{
	unsigned int group = (unsigned int)__builtin_ctz(*rest);

	*rest &= *rest - 1;
	return group;
}

/* Those of the same node, without @group. */
static inline uint32_t other_groups(unsigned int group)
{
	unsigned int nr = groups_per_node();
	uint32_t of_node = ((1u << nr) - 1) << align_down(group, nr);

	return groups_in_use() & of_node & ~(1u << group);
}

static inline unsigned int my_group(unsigned int node)
{
	unsigned int group = first_group(node) +
			     percpu_slot() % groups_per_node();

	if (unlikely(!(groups_in_use() >> group & 1)))
		fetch_or_relaxed(&groups.seen, 1u << group);
	return group;
}

static inline struct control_cache *cache_stat(const struct kmem_cache *c)
{
	return &control.caches[c->id];
}

/*
 * Nobody asked for its objects in all the time between two trims. What is freed
 * goes to the slabs at once: it would wait in vain for its next use and keep
 * slabs, of which it may be the last objects, from being given back.
 */
static inline bool is_idle(const struct kmem_cache *c)
{
	return load_relaxed(&c->age) >= 2;
}

/* --- slab.c, give.c --- */

/*
 * slab_take() - up to @n objects of @c from slabs of @node, fullest first,
 * new slabs if need be. Return: how many.
 * slab_give() - take @n objects back. Return: how many; fewer than @n only if
 * @nested and a lock is not free.
 */
unsigned int slab_take(struct kmem_cache *c, unsigned int node, void **objs,
		       unsigned int n, bool nested);
unsigned int slab_give(struct kmem_cache *c, void *const *objs,
		       unsigned int n, bool nested);
/* Pages of @slab that no object in use lies in. Lock: that of its lists */
uint32_t slab_find_holes(const struct kmem_cache *c, const struct page *slab);
/* Free all empty slabs of @node. Return: pages. */
size_t slab_free_empty(struct kmem_cache *c, unsigned int node);

/* Bit k of @holes: page k of @slab holds no memory. Lock: that of its lists,
 * unless the slab is off the lists. */
static inline void set_holes(struct page *slab, uint32_t holes)
{
	uint64_t *pages = &control.zones[slab->node][slab->zone].slab_hollow;
	int more = __builtin_popcount(holes) - __builtin_popcount(slab->holes);

	slab->holes = holes;
	fetch_add_relaxed(pages, (uint64_t)(int64_t)more);
}

/*
 * slab_for_each_live() - call @fn for the first @max objects of @c that are
 * handed out. Context: the gate is closed, and the sheaves are empty.
 */
void slab_for_each_live(struct kmem_cache *c, size_t max,
			void (*fn)(struct kmem_cache *c, void *obj));

/* --- hollow.c --- */

/* Slabs of a bucket looked at before a zone grows: an allocation waits meanwhile. */
enum { REAP_LOOKS = 2048 };

/*
 * hollow_out() - give pages that lie between @c's objects, in slabs with few of
 * them, back to the kernel; look at about @looks slabs of a bucket at most, at others
 * the next time. hollow_decay() - of all caches, but only where no object
 * was taken since the last tick, and not many at once.
 */
void hollow_out(struct kmem_cache *c, unsigned int looks);
void hollow_decay(unsigned int ticks);

/* Have most of the pages that lately went that way stayed away? */
bool hollow_pays(void);

/* Objects were taken of a slab that has holes. Context: its lists are locked. */
void hollow_note_filled(const struct kmem_cache *c, struct page *slab);

/* --- debug.c: caches with SLAB_POISON or SLAB_RED_ZONE --- */

static inline bool is_checked(const struct kmem_cache *c)
{
	return unlikely(c->flags & (SLAB_POISON | SLAB_RED_ZONE));
}

/* The bytes that SLAB_RED_ZONE needs behind an object. */
enum { RED_ZONE_MIN = 8 };

/*
 * debug_alloc(), debug_free() - instead of those of sheaf.c: nothing waits in
 * sheaves, every object is checked.
 * debug_new_object() - @obj is in a new slab. debug_check_free() - it is not
 * handed out and must look like it.
 * All stop the program when they find that someone else wrote there.
 */
void *debug_alloc(struct kmem_cache *c, unsigned int node, bool nested);
bool debug_free(struct kmem_cache *c, void *obj, bool nested);
void debug_new_object(const struct kmem_cache *c, void *obj);
void debug_check_free(const struct kmem_cache *c, void *obj);

/* --- block.c --- */

void block_init(void);
/*
 * block_take() - a new block, PAGE_LARGE. NULL: out of memory.
 * block_give() - give PAGE_CACHED blocks back. Return: how many; fewer than @n
 * only if @nested and a lock is not free.
 */
void *block_take(struct kmem_cache *c, bool nested);
unsigned int block_give(struct kmem_cache *c, void *const *blocks,
			unsigned int n, bool nested);
/* One of a larger size, PAGE_CACHED, from this CPU's sheaves, or NULL. */
void *block_pop_larger(const struct kmem_cache *c, bool nested);
/* One of @nr misses of its kind so far in a cache of blocks: that is how block.c knows
 * how often they come and go. */
void block_note_miss(uint64_t nr);
/* Bytes of free blocks that all CPUs together may keep now. */
uint64_t blocks_limit(void);

/* --- what is behind the sheaves of any cache --- */

static inline bool has_slabs(const struct kmem_cache *c)
{
	return !(c->flags & SLAB_PAGE_BLOCKS);
}

static inline unsigned int cache_take(struct kmem_cache *c, unsigned int node,
				      void **objs, unsigned int n, bool nested)
{
	if (has_slabs(c))
		return slab_take(c, node, objs, n, nested);
	objs[0] = block_take(c, nested);
	return objs[0] != NULL;
}

static inline unsigned int cache_give(struct kmem_cache *c, void *const *objs,
				      unsigned int n, bool nested)
{
	return has_slabs(c) ? slab_give(c, objs, n, nested) :
			      block_give(c, objs, n, nested);
}

/* --- barn.c --- */

int barn_init(void);
/* A full sheaf of @c, or NULL: one that this CPU put, before those of others. A sheaf
 * of this CPU ran empty. */
struct sheaf *barn_get(struct kmem_cache *c, unsigned int node);
void barn_put(struct kmem_cache *c, unsigned int node, struct sheaf *s);
/* A sheaf of this CPU ran full: it does not need what others free. */
void barn_note_full(const struct kmem_cache *c, unsigned int node);
/* Bytes that all barns together may hold, and empty slabs beside them. */
uint64_t barns_limit(void);
/* Would @s, too, stay under the limit? */
bool barn_has_room(const struct kmem_cache *c, unsigned int node,
		   const struct sheaf *s);
/* A sheaf without objects; NULL when there are no more. */
struct sheaf *barn_get_empty(void);
void barn_put_empty(struct sheaf *s);
/*
 * For those that go through all of them, by their groups of CPUs: barn_idle() - how
 * many sheaves lay unused since the last call. barn_take() - one of them, or NULL.
 */
uint32_t barn_idle(const struct kmem_cache *c, unsigned int group);
struct sheaf *barn_take(struct kmem_cache *c, unsigned int group);
/*
 * barn_decay() - give the memory of empty sheaves that lay unused since the last
 * call back to the kernel, half of it a tick. barn_trim() - of all of them.
 */
void barn_decay(unsigned int ticks);
void barn_trim(void);

/* --- sheaf.c --- */

/* Objects in @c's sheaf on this CPU: a hint. */
size_t sheaf_cached(const struct kmem_cache *c);
/*
 * sheaf_trim() - what @c's sheaf on this CPU holds beyond its floor goes back to
 * the slabs: a few hundred idle objects can keep as many slabs from being freed.
 * And a program that goes on with little work misses again before long, without
 * which no decay clock would tick.
 */
void sheaf_trim(struct kmem_cache *c);
/* Empty the sheaves of @c on all CPUs; the regions are stopped. */
void sheaf_drain_stopped(struct kmem_cache *c);

/* --- kmalloc.c --- */

void kmalloc_init(void);

/* --- kmem_cache.c --- */

/*
 * What makes divisions by an object's size and free()'s check fast, from
 * size, order and colour_step.
 */
void set_magic(struct kmem_cache *c);

/* The first id that was never used. */
unsigned int nr_cache_ids(void);
/*
 * Fill in what the stats show of @c once it is in use, which makes it one of
 * those that are trimmed and drained. For a cache of page blocks that may be when
 * a block is freed: one that grew in place to its size.
 */
void cache_show(const struct kmem_cache *c);

#endif
