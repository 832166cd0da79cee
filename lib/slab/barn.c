/* SPDX-License-Identifier: MIT */
/*
 * barn.c - a depot of full sheaves for every cache and node, and one of empty
 * sheaves: stacks without locks.
 *
 * Objects freed on one CPU and allocated on another pass through here, a batch
 * at a time. A lock would cost 4-8 times as much as soon as threads outnumber
 * CPUs (its holder is preempted), so the stacks are Treiber stacks of indices:
 * a head is {tag, index} in 64 bits, and the tag changes with every operation,
 * which makes a recycled index harmless. A popper may read the `next` of a
 * sheaf that someone else has just taken: the memory stays mapped, and the
 * compare-and-swap then fails.
 *
 * What barns may hold is limited for each cache (barn_limit) and for all of them
 * together: that much, or an eighth of the heap if that is more.
 *
 * Sheaves are cells of one reservation, brought online in steps, never
 * returned. Index 0 is "none".
 */
#include "base/atomic.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "slab/internal.h"

enum { MAX_SHEAVES = 65536, SHEAVES_STEP = 32 };

_Static_assert(sizeof(struct sheaf) == 2048, "two to a page");
_Static_assert(MAX_BATCH <= 255, "a batch fits");

struct stack {
	uint64_t head; /* Atomic: tag << 32 | index */
	uint32_t count; /* Atomic, may lag */
	uint32_t least; /* Atomic: least count since barn_idle() */
} CACHELINE_ALIGNED;

static struct stack full[MAX_NODES][NR_CLASSES] SPARSE_TABLE;
static struct stack empty;

/* Bytes in all barns. Atomic; alone in its line. */
static struct {
	uint64_t bytes;
} total CACHELINE_ALIGNED;

static struct sheaf *sheaves; /* Const after init */
static uint32_t nr_sheaves; /* Const after init */
static uint32_t next_sheaf = 1; /* Atomic: first index never used */
static uint32_t online; /* Atomic: indices below are online */

int barn_init(void)
{
	size_t left = os_address_space_left();
	size_t size = min_size(MAX_SHEAVES * sizeof(struct sheaf), left / 64);

	size = align_down(size, SHEAVES_STEP * sizeof(struct sheaf));
	sheaves = os_reserve(size, true);
	if (!sheaves)
		return -1;
	nr_sheaves = (uint32_t)(size / sizeof(struct sheaf));
	return 0;
}

/* --- stacks --- */

static void push(struct stack *st, uint32_t index)
{
	uint64_t old = load_relaxed(&st->head);
	uint64_t new;

	do {
		store_relaxed(&sheaves[index].next, (uint32_t)old);
		new = ((old >> 32) + 1) << 32 | index;
		/* Pairs with the acquire in pop(): the objects are visible. */
	} while (!cas_weak_release(&st->head, &old, new));
	fetch_add_relaxed(&st->count, 1);
}

static uint32_t pop(struct stack *st)
{
	uint64_t old = load_acquire(&st->head);
	uint64_t new;
	uint32_t index, count;

	do {
		index = (uint32_t)old;
		if (!index)
			return 0;
		new = ((old >> 32) + 1) << 32 |
		      load_relaxed(&sheaves[index].next);
	} while (!cas_weak_acq_rel(&st->head, &old, new));
	count = fetch_sub_relaxed(&st->count, 1) - 1;
	if (count < load_relaxed(&st->least))
		store_relaxed(&st->least, count);
	return index;
}

/* --- full sheaves --- */

struct sheaf *barn_get(struct kmem_cache *c, unsigned int node)
{
	uint32_t index = pop(&full[node][c->id]);
	struct sheaf *s;

	if (!index)
		return NULL;
	s = &sheaves[index];
	fetch_sub_relaxed(&cache_stat(c)->nr_barn, s->nr);
	fetch_sub_relaxed(&total.bytes, (uint64_t)s->nr * c->size);
	count_vm_event(BARN_GET);
	return s;
}

void barn_put(struct kmem_cache *c, unsigned int node, struct sheaf *s)
{
	fetch_add_relaxed(&cache_stat(c)->nr_barn, s->nr);
	fetch_add_relaxed(&total.bytes, (uint64_t)s->nr * c->size);
	count_vm_event(BARN_PUT);
	push(&full[node][c->id], (uint32_t)(s - sheaves));
}

bool barn_has_room(const struct kmem_cache *c)
{
	uint64_t objs = load_relaxed(&cache_stat(c)->nr_barn) + c->batch;
	uint64_t limit = params.barn_limit << 10;
	uint64_t share = control.zones[0][ZONE_NORMAL].present * PAGE_SIZE / 8;

	return objs * c->size <= limit &&
	       load_relaxed(&total.bytes) <= max_size(limit, share);
}

uint32_t barn_idle(const struct kmem_cache *c, unsigned int node)
{
	struct stack *st = &full[node][c->id];
	uint32_t count = load_relaxed(&st->count);
	uint32_t least = load_relaxed(&st->least);

	store_relaxed(&st->least, count);
	return least < count ? least : count;
}

/* --- empty sheaves --- */

static bool bring_online(uint32_t index)
{
	uint32_t end = index - index % SHEAVES_STEP + SHEAVES_STEP;
	uint32_t seen = load_relaxed(&online);

	if (index < seen)
		return true;
	/* All up to there: what `online` says must hold for every index. Twice
	 * by two threads does no harm. */
	if (os_commit(&sheaves[seen], (end - seen) * sizeof(struct sheaf)) < 0)
		return false;
	while (seen < end && !cas_relaxed(&online, &seen, end))
		;
	return true;
}

struct sheaf *barn_get_empty(void)
{
	uint32_t index = pop(&empty);

	if (index)
		return &sheaves[index];
	index = load_relaxed(&next_sheaf);
	do {
		if (index >= nr_sheaves || !bring_online(index))
			return NULL;
	} while (!cas_relaxed(&next_sheaf, &index, index + 1));
	return &sheaves[index];
}

void barn_put_empty(struct sheaf *s)
{
	push(&empty, (uint32_t)(s - sheaves));
}
