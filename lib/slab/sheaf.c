/* SPDX-License-Identifier: MIT */
/*
 * sheaf.c - what happens when a CPU's sheaf runs empty or full.
 *
 * Empty: take a full sheaf from the barn, or a batch from the slabs, and put
 * what is not needed at once on the CPU's sheaf. Full: move a batch from the
 * CPU's sheaf to the barn, or to the slabs when the barn holds enough, or when
 * the objects are small and there is only one thread. A batch is at most half
 * of what the sheaf can hold, so that the next call of the other kind finds
 * objects, or room.
 *
 * Capacities adapt. A class starts on a CPU with the few slots of its nursery,
 * which for all classes together are two pages, and doubles with every miss up
 * to its maximum, as long as all sheaves of the CPU together stay within
 * percpu_budget, or a share of the heap. Then it takes capacity from other
 * classes, in turn, down to a floor that every class keeps.
 *
 * Every step may find that the thread is on another CPU by now, or that a
 * sequence was aborted: then less was moved than hoped for, nothing is wrong,
 * and what is left over goes one layer down.
 */
#include <string.h>

#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "slab/internal.h"

/* Memory that every class may cache on a CPU whatever the budget; the part of the
 * heap that all CPUs together may. */
enum { FLOOR_BYTES = 16384, SHEAVES_RATIO = 8 };

/* Once the budget is spent, a class asks others for room at every so many misses:
 * the walk costs more than a miss, and where all are busy it only goes round. */
enum { PATIENCE = 16 };

/*
 * While much of the heap is free, the slots of a class, and the objects it keeps or
 * fetches: few, so that a program that does little from now on misses again, which
 * drives the decay clock.
 */
enum { CALM_SLOTS = 128, CALM_OBJECTS = 16 };

/* --- capacity --- */

static size_t capacity(union sheaf_header h)
{
	return (size_t)(h.end - h.begin);
}

/* Caches with slabs share one budget, those of page blocks another. */
struct budget {
	size_t bytes;
	unsigned int first, end; /* ids; those of the other kind are passed over */
};

static size_t nr_cpus(void)
{
	return max_size(load_relaxed(&control.percpu.online), 1);
}

/* One CPU's part of what all may cache of the heap. */
static size_t heap_share(void)
{
	size_t pages = 0;

	for (unsigned int n = 0; n < nr_nodes(); n++)
		pages += load_relaxed(&control.zones[n][ZONE_NORMAL].present);
	return (pages << PAGE_SHIFT) / SHEAVES_RATIO / nr_cpus();
}

/*
 * In a large heap more: where many sizes are in use and none may keep enough, misses
 * become many times as frequent.
 */
static size_t slab_budget(void)
{
	return max_size(load_relaxed(&params.percpu_budget) << 10,
			heap_share());
}

/*
 * Where there are threads, each CPU's sheaves keep blocks, and only for that CPU:
 * all together as much as barns keep for all of them, or a share of the heap.
 */
static size_t block_budget(void)
{
	size_t most = blocks_limit();
	size_t all = (size_t)load_relaxed(&params.block_budget) << 10;
	size_t least = max_size(all / nr_cpus(), MiB(1));

	if (!gate_saw_threads())
		return most;
	return min_size(most, max_size(least, heap_share()));
}

static struct budget budget_of(const struct kmem_cache *c)
{
	if (has_slabs(c))
		return (struct budget){ slab_budget(), 1, nr_cache_ids() };
	return (struct budget){ block_budget(), FIRST_BLOCK_CACHE,
				LAST_BLOCK_CACHE + 1 };
}

/* Bytes that the sheaves of this CPU that share @c's budget may hold. */
static size_t committed_bytes(const struct kmem_cache *c, struct budget budget)
{
	const union sheaf_header *h = percpu_headers();
	size_t bytes = 0;

	for (unsigned int id = budget.first; id < budget.end; id++) {
		union sheaf_header copy = { .word = load_relaxed(&h[id].word) };

		if (has_slabs(&kmem_caches[id]) == has_slabs(c))
			bytes += capacity(copy) * kmem_caches[id].size;
	}
	return bytes;
}

/* What a class may always keep on a CPU: less would miss all the time. */
static size_t floor_capacity(const struct kmem_cache *c)
{
	if (!has_slabs(c))
		return 0;
	return min_size(max_size(FLOOR_BYTES / c->size, 2), NURSERY_SLOTS);
}

static union sheaf_header larger(const struct kmem_cache *c,
				 union sheaf_header old, size_t cap)
{
	uint16_t begin = c->sheaf_begin;

	if (cap <= INFANT_SLOTS && c->id < FIRST_NAMED_CACHE)
		begin = percpu_nursery(c->id, cap);
	return (union sheaf_header){
		.begin = begin,
		.cur = begin + (old.cur - old.begin),
		.end = (uint16_t)(begin + cap),
	};
}

static void put_batch(struct kmem_cache *c, struct sheaf *s, bool nested);

/* Move @n objects off the sheaf. Return: whether that could be tried. */
static bool flush_objects(struct kmem_cache *c, size_t n, bool nested)
{
	struct sheaf *s = barn_get_empty();

	if (!s)
		return false;
	s->nr = percpu_popn(c->id, s->objs,
			    (unsigned int)min_size(n, MAX_BATCH), nested);
	if (s->nr)
		put_batch(c, s, nested);
	else
		barn_put_empty(s);
	return true;
}

/* Halve the capacity of a class that is not @c's, if it is above its floor. */
static size_t steal_from(unsigned int id, bool nested)
{
	struct kmem_cache *victim = &kmem_caches[id];
	union sheaf_header old = percpu_header(id);
	size_t cap = capacity(old);
	union sheaf_header new;
	size_t keep;

	/* Ids between the kmalloc and the named caches have no size. */
	if (!cap || !victim->size)
		return 0;
	keep = max_size(cap / 2, floor_capacity(victim));
	if (cap <= keep)
		return 0;
	if ((size_t)(old.cur - old.begin) > keep) {
		flush_objects(victim, cap - keep, nested);
		old = percpu_header(id);
	}
	if (capacity(old) != cap || (size_t)(old.cur - old.begin) > keep)
		return 0;
	new = old;
	new.end = (uint16_t)(old.begin + keep);
	if (!percpu_resize(id, old, new, nested))
		return 0;
	return (cap - keep) * victim->size;
}

static bool steal_capacity(const struct kmem_cache *c, struct budget budget,
			   size_t need, bool nested)
{
	static unsigned int next; /* Atomic: where to look first */
	unsigned int nr = budget.end - budget.first;
	size_t got = 0;

	for (unsigned int i = 0; i < nr && got < need; i++) {
		unsigned int id = budget.first +
				  fetch_add_relaxed(&next, 1) % nr;

		if (id != c->id && has_slabs(&kmem_caches[id]) == has_slabs(c))
			got += steal_from(id, nested);
	}
	return got >= need;
}

/* Misses that count for patience: those at which it may ask. */
static uint8_t nr_misses(const struct kmem_cache *c)
{
	const struct control_cache *st = cache_stat(c);
	uint64_t misses = load_relaxed(&st->flushes);

	if (has_slabs(c))
		misses += load_relaxed(&st->refills);
	return (uint8_t)misses;
}

static bool must_wait(const struct kmem_cache *c)
{
	return load_relaxed(&c->starved) &&
	       (int8_t)(nr_misses(c) - load_relaxed(&c->patient_until)) < 0;
}

static void set_starved(struct kmem_cache *c, bool starved)
{
	if (load_relaxed(&c->starved) != starved)
		store_relaxed(&c->starved, starved);
	if (starved)
		store_relaxed(&c->patient_until,
			      (uint8_t)(nr_misses(c) + PATIENCE));
}

/*
 * A miss: give the class more room on this CPU. Return: its capacity now, as a
 * measure of how much to fetch.
 */
static size_t grow_sheaf(struct kmem_cache *c, bool nested)
{
	union sheaf_header old = percpu_header(c->id);
	struct budget budget;
	size_t cap = capacity(old);
	size_t want = has_slabs(c) ? max_size(cap * 2, floor_capacity(c)) :
				     cap + 1;
	size_t used, more;

	want = min_size(want, c->sheaf_max);
	if (want <= cap || (cap >= floor_capacity(c) && must_wait(c)))
		return cap;
	if (!cap && percpu_online() < 0)
		return 0;
	if (!has_slabs(c))
		cache_show(c);
	budget = budget_of(c);
	more = (want - cap) * c->size;
	/* The floor is for free. */
	used = want > floor_capacity(c) ? committed_bytes(c, budget) : 0;
	set_starved(c, used + more > budget.bytes);
	if (used + more > budget.bytes) {
		if (more > budget.bytes ||
		    !steal_capacity(c, budget, used + more - budget.bytes,
				    nested))
			return cap;
	}
	if (percpu_resize(c->id, old, larger(c, old, want), nested))
		return want;
	return cap;
}

/* --- alloc --- */

static void set_young(struct kmem_cache *c)
{
	if (load_relaxed(&c->age))
		store_relaxed(&c->age, 0);
}

/* Put @n objects on the sheaf; what does not fit goes back to the slabs. */
static void stow(struct kmem_cache *c, void **objs, unsigned int n,
		 bool nested)
{
	unsigned int done = percpu_pushn(c->id, objs, n, nested);

	if (done == n)
		return;
	done += cache_give(c, objs + done, n - done, nested);
	if (done < n) {
		/* Nested, and the cache is locked: the barn never is. */
		struct sheaf *s = barn_get_empty();

		if (!s) {
			count_vm_events(NESTED_DEFER, n - done);
			return;
		}
		s->nr = n - done;
		for (unsigned int i = 0; i < s->nr; i++)
			s->objs[i] = objs[done + i];
		barn_put(c, numa_node(), s);
	}
}

/*
 * Up to @n objects of a full sheaf to @objs, the others to this CPU, what does
 * not fit there back to the barn. Return: how many.
 */
static unsigned int refill_from_barn(struct kmem_cache *c, struct sheaf *s,
				     void **objs, size_t n, unsigned int node,
				     bool nested)
{
	unsigned int got = (unsigned int)min_size(n, s->nr);
	unsigned int rest = s->nr - got;
	unsigned int fit;

	memcpy(objs, s->objs + rest, got * sizeof(*objs));
	fit = rest ? percpu_pushn(c->id, s->objs, rest, nested) : 0;
	if (fit == rest) {
		barn_put_empty(s);
		return got;
	}
	s->nr = rest - fit;
	memmove(s->objs, s->objs + fit, s->nr * sizeof(*s->objs));
	barn_put(c, node, s);
	return got;
}

/* A program that allocates much has misses at any time. */
static bool first_in_a_while(void)
{
	static uint64_t last; /* ms. Atomic */
	uint64_t before = load_relaxed(&last);
	uint64_t now = os_now_ms();

	store_relaxed(&last, now);
	return now - before > 1;
}

/* A program that does little now, and once had a much larger heap or just gave much
 * of it back. */
static bool is_calm(void)
{
	return (page_alloc_much_free() || page_alloc_shrunk()) &&
	       first_in_a_while();
}

void *kmem_cache_alloc_slow(struct kmem_cache *c, enum slow_path how)
{
	bool nested = how != SLOW_NORMAL;
	unsigned int node = numa_node();
	void *objs[MAX_BATCH];
	struct sheaf *s;
	uint64_t misses;
	unsigned int n;
	size_t cap;
	bool calm;

	if (how == SLOW_BARRED)
		return NULL;
	if (is_checked(c))
		return debug_alloc(c, node, nested);
	/* The sequence may only have been aborted. */
	if (percpu_popn(c->id, objs, 1, nested))
		return objs[0];
	if (!has_slabs(c)) {
		objs[0] = block_pop_larger(c, nested);
		if (objs[0])
			return objs[0];
	}
	/* A sheaf of blocks only needs room for what is freed. */
	cap = has_slabs(c) ? grow_sheaf(c, nested) : 0;
	misses = fetch_add_relaxed(&cache_stat(c)->refills, 1) + 1;
	if (!has_slabs(c))
		block_note_miss(misses);
	set_young(c);
	calm = !nested && is_calm();
	s = calm ? NULL : barn_get(c, node);
	if (s) {
		refill_from_barn(c, s, objs, 1, node, nested);
		return objs[0];
	}
	n = (unsigned int)min_size(cap / 2 + 1,
				   calm ? CALM_OBJECTS : c->batch);
	/*
	 * Many a program has one buffer of such a size, again and again. With another
	 * below it that was never touched, rseq_pop() would fetch that one ahead, and
	 * the CPU walk the page tables for it in vain each time: 15 ns where a
	 * hypervisor keeps them.
	 */
	if (c->size >= PAGE_SIZE && misses == 1)
		n = 1;
	n = cache_take(c, node, objs, n, nested);
	if (!n)
		return NULL;
	n--;
	if (n)
		stow(c, objs, n, nested);
	return objs[n];
}

/* More than a sheaf has would be of no use. */
static unsigned int one_move(size_t n)
{
	return (unsigned int)min_size(n, UINT16_MAX);
}

/* One brings as many with it as the sheaf has room for. */
static size_t alloc_few(struct kmem_cache *c, void **objs, size_t n,
			enum slow_path how)
{
	size_t got = 0;

	while (got < n) {
		objs[got] = kmem_cache_alloc_slow(c, how);
		if (!objs[got])
			break;
		got++;
		got += percpu_popn(c->id, objs + got, one_move(n - got),
				   how != SLOW_NORMAL);
	}
	return got;
}

size_t kmem_cache_alloc_bulk_slow(struct kmem_cache *c, void **objs, size_t n,
				  enum slow_path how)
{
	bool nested = how != SLOW_NORMAL;
	unsigned int node = numa_node();
	size_t got;

	if (how == SLOW_BARRED || is_checked(c))
		return alloc_few(c, objs, n, how);
	got = percpu_popn(c->id, objs, one_move(n), nested);
	/* For a few more the sheaf is filled, too. */
	if (n - got <= NURSERY_SLOTS)
		return got + alloc_few(c, objs + got, n - got, how);
	fetch_add_relaxed(&cache_stat(c)->refills, 1);
	set_young(c);
	grow_sheaf(c, nested);
	while (got < n) {
		struct sheaf *s = barn_get(c, node);
		unsigned int k = one_move(n - got);

		k = s ? refill_from_barn(c, s, objs + got, k, node, nested) :
			slab_take(c, node, objs + got, k, nested);
		if (!k)
			break;
		got += k;
	}
	return got;
}

/* --- free --- */

/*
 * What the sheaf holds beyond @keep goes down, and its room to @cap: other classes
 * may need the budget more. A class in use has it back after a few misses.
 */
static void trim_to(struct kmem_cache *c, size_t keep, size_t cap)
{
	size_t cached = sheaf_cached(c);
	union sheaf_header old, new;
	void *objs[MAX_BATCH];

	while (cached > keep) {
		unsigned int n = percpu_popn(
			c->id, objs,
			(unsigned int)min_size(cached - keep, MAX_BATCH),
			false);

		if (!n)
			break;
		cache_give(c, objs, n, false);
		cached -= n;
	}
	old = new = percpu_header(c->id);
	new.end = (uint16_t)(old.begin + cap);
	if (capacity(old) > cap && old.cur <= new.end)
		percpu_resize(c->id, old, new, false);
}

/*
 * Small objects of a single thread go back to their slabs, which hand them out in
 * order again, and its blocks are in its sheaves. Many threads would stand in line
 * for the lock there.
 */
static bool may_wait_in_barn(const struct kmem_cache *c)
{
	return gate_saw_threads() ||
	       (has_slabs(c) && c->size >= ORDERED_BELOW);
}

static void put_batch(struct kmem_cache *c, struct sheaf *s, bool nested)
{
	unsigned int node = numa_node();
	bool calm = !nested && has_slabs(c) && is_calm();

	barn_note_full(c, node);
	/* The barn has no lock that a nested call could find held. */
	if (nested || (!calm && !is_idle(c) && may_wait_in_barn(c) &&
		       barn_has_room(c, node, s))) {
		barn_put(c, node, s);
		return;
	}
	cache_give(c, s->objs, s->nr, false);
	barn_put_empty(s);
	if (calm && !(c->flags & SLAB_TYPESAFE))
		slab_free_empty(c, node);
}

bool kmem_cache_free_slow(struct kmem_cache *c, void *obj, enum slow_path how)
{
	bool nested = how != SLOW_NORMAL;
	struct sheaf *s;
	unsigned int n;
	uint64_t misses;
	size_t cap;
	bool calm;

	if (how == SLOW_BARRED)
		return false;
	if (is_checked(c))
		return debug_free(c, obj, nested);
	/* The fast path also gives up when the object is on top already. */
	if (percpu_is_top(c->id, obj, nested))
		bug("double free of %p: cache %s", obj, cache_stat(c)->name);
	if (percpu_pushn(c->id, &obj, 1, nested))
		return true;
	cap = capacity(percpu_header(c->id));
	calm = cap >= CALM_SLOTS && page_alloc_much_free();
	/* The floor is for every class: one by one would cost a miss each. */
	if (cap < floor_capacity(c) || (!calm && !is_idle(c))) {
		bool first = has_slabs(c) && !cap;

		cap = grow_sheaf(c, nested);
		/* It was allocated on another CPU, which may use its cache line. */
		if (first && cache_give(c, &obj, 1, nested))
			return true;
	}
	if (percpu_pushn(c->id, &obj, 1, nested))
		return true;
	misses = fetch_add_relaxed(&cache_stat(c)->flushes, 1) + 1;
	if (!has_slabs(c))
		block_note_miss(misses);
	s = barn_get_empty();
	/* Without a sheaf to carry a batch: one by one. */
	if (!s)
		return cache_give(c, &obj, 1, nested) == 1;
	n = (unsigned int)min_size(cap / 2, c->batch - 1u);
	s->nr = percpu_popn(c->id, s->objs, n, nested);
	s->objs[s->nr++] = obj;
	put_batch(c, s, nested);
	if (calm && !nested)
		trim_to(c, CALM_OBJECTS, CALM_SLOTS);
	return true;
}

/* Behind one whose batch went down there is room for others. */
static size_t free_few(struct kmem_cache *c, void *const *objs, size_t n,
		       enum slow_path how)
{
	size_t done = 0;

	while (done < n && kmem_cache_free_slow(c, objs[done], how)) {
		done++;
		/* Not a single one, which may be on top already. */
		if (n - done > 1)
			done += percpu_pushn(c->id, objs + done,
					     one_move(n - done),
					     how != SLOW_NORMAL);
	}
	return done;
}

size_t kmem_cache_free_bulk_slow(struct kmem_cache *c, void *const *objs,
				 size_t n, enum slow_path how)
{
	bool nested = how != SLOW_NORMAL;
	size_t done;

	if (how == SLOW_BARRED || is_checked(c))
		return free_few(c, objs, n, how);
	done = percpu_pushn(c->id, objs, one_move(n), nested);
	if (n - done <= NURSERY_SLOTS)
		return done + free_few(c, objs + done, n - done, how);
	fetch_add_relaxed(&cache_stat(c)->flushes, 1);
	if (!is_idle(c))
		grow_sheaf(c, nested);
	while (done < n) {
		struct sheaf *s;
		unsigned int k;

		done += percpu_pushn(c->id, objs + done, one_move(n - done),
				     nested);
		k = (unsigned int)min_size(n - done, c->batch);
		s = k ? barn_get_empty() : NULL;
		if (s) {
			memcpy(s->objs, objs + done, k * sizeof(*objs));
			s->nr = k;
			put_batch(c, s, nested);
		} else {
			k = slab_give(c, objs + done, k, nested);
		}
		if (!k)
			break;
		done += k;
	}
	return done;
}

/* --- trim and drain --- */

size_t sheaf_cached(const struct kmem_cache *c)
{
	union sheaf_header h = percpu_header(c->id);

	return (size_t)(h.cur - h.begin);
}

void sheaf_trim(struct kmem_cache *c)
{
	uint8_t age = load_relaxed(&c->age);

	if (age < UINT8_MAX)
		store_relaxed(&c->age, (uint8_t)(age + 1));
	trim_to(c, floor_capacity(c), floor_capacity(c));
}

void sheaf_drain_stopped(struct kmem_cache *c)
{
	for (unsigned int slot = 0; slot < percpu.nr; slot++) {
		union sheaf_header *h = percpu_header_of(slot, c->id);
		void **slots = percpu_slots_of(slot);

		if (!h->begin || h->cur == h->begin)
			continue;
		cache_give(c, slots + h->begin,
			  (unsigned int)(h->cur - h->begin), false);
		h->cur = h->begin;
	}
}
