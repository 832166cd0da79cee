/* SPDX-License-Identifier: MIT */
/*
 * barn.c - a depot of full sheaves for every cache and node, and one of empty
 * sheaves: stacks without locks.
 *
 * Objects freed on one CPU and allocated on another pass through here, a batch
 * at a time. Each group of CPUs has a stack and takes what it put there itself
 * first: its caches may still hold the lines. A lock would cost 4-8 times as much
 * as soon as threads outnumber CPUs (its holder is preempted), so they are those
 * of base/stack.h. What is below a sheaf stands in next[], not in the sheaf, whose
 * memory may be gone.
 *
 * What barns may hold is limited for each cache (barn_limit) and for all of them
 * together: that much, or an eighth of the heap if that is more. Small objects get
 * little of it, and in programs without threads nothing. They are used in the order in
 * which they are handed out, often until the end of the program: from those that were
 * freed in some random order, lists and trees are made that no prefetcher can follow,
 * while their slabs hand them out in order again. Not only those that come in disorder:
 * that would leave nothing but holes to the slabs. Blocks of pages, one to a sheaf, are
 * limited by themselves (blocks_limit() in block.c); without threads there are none.
 *
 * Sheaves are cells of one reservation, two to a page, brought online in steps.
 * The decay clock gives the pages of idle empty cells back to the kernel:
 *
 *	spare	one cell of each stripe; taken first
 *	empty	single cells that may be resident; taken next
 *	bare	pages of two cells, by the even one's index, that are not
 *
 * A page moves to `bare` when both its cells lie idle in `empty`, and back when
 * one of them is needed; so none is given back twice without use in between.
 * To find them one thread takes the whole `empty` stack (others see it empty
 * for so long), marks its idle end in next[], where nobody else looks as long as
 * the cells are on no stack, and puts the rest back in one piece.
 *
 * Index 0 is "none", so the first page has one cell, and is kept.
 */
#include "base/atomic.h"
#include "base/params.h"
#include "base/stack.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "percpu/thread.h"
#include "slab/internal.h"

enum {
	SHEAVES_STEP = 32,
	CELLS_PER_PAGE = 2,
	BARE_CALLS = 64, /* runs of pages given back, a tick */
	SMALL_RATIO = 16, /* part of a cache's limit for small objects in sheaves */
	FREED_MAX = 1024, /* batches freed that count; then it may do something else */
};

/* In next[] of a cell that barn_decay() holds. */
enum { NEXT_INDEX = (1 << 24) - 1, NEXT_IDLE = 1 << 24, NEXT_GONE = 1 << 25 };

_Static_assert(sizeof(struct sheaf) == 2048, "two to a page");
_Static_assert(MAX_BATCH <= 255, "a batch fits");

/* Of a group. Stacks share lines: other groups come here only when they have none. */
static struct barn_stack full[MAX_GROUPS][NR_CLASSES] SPARSE_TABLE;
static struct barn_stack empty CACHELINE_ALIGNED, bare CACHELINE_ALIGNED;

/* What is counted, and limited, by itself. */
enum barn_kind { BARN_OBJECTS, BARN_BLOCKS, NR_BARN_KINDS };

/* Bytes in all barns, but for what stripes have not told yet. Atomic; each alone in
 * its line. */
static struct {
	int64_t bytes;
} CACHELINE_ALIGNED totals[NR_BARN_KINDS];

/*
 * What threads of the same stripe do without a line that all CPUs write: count bytes,
 * until they are worth telling, and keep one empty sheaf at hand. With more stripes
 * each would have to tell sooner.
 */
enum { NR_STRIPES = 16 };

static struct stripe {
	int64_t bytes[NR_BARN_KINDS]; /* Atomic */
	uint32_t spare; /* Atomic: index of an empty sheaf, or 0 */
} CACHELINE_ALIGNED stripes[NR_STRIPES];

/* What is below each cell in its stack. Atomic */
static uint32_t next[MAX_SHEAVES] SPARSE_TABLE;

static struct sheaf *sheaves; /* Const after init */
static uint32_t nr_sheaves; /* Const after init */
static uint32_t next_sheaf = 1; /* Atomic: first index never used */
static uint32_t online; /* Atomic: indices below are online */

/* Not const: what is read-only after relocation is not searched for it. */
static struct barn_map barn_map __attribute__((used)) = {
	.magic = BARN_MAGIC,
	.full = full[0],
	.next = next,
	.sheaves = &sheaves,
};

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

static void push(struct barn_stack *st, uint32_t index)
{
	stack_push(&st->head, index, &next[index]);
	fetch_add_relaxed(&st->count, 1);
}

static ALWAYS_INLINE uint32_t *next_of(void *unused, uint32_t index)
{
	(void)unused;
	return &next[index];
}

static uint32_t pop(struct barn_stack *st)
{
	uint32_t index = stack_pop(&st->head, next_of, NULL);
	uint32_t count;

	if (!index)
		return 0;
	count = fetch_sub_relaxed(&st->count, 1) - 1;
	if (count < load_relaxed(&st->least))
		store_relaxed(&st->least, count);
	return index;
}

/* How many were never taken since the last call. */
static uint32_t stack_idle(struct barn_stack *st)
{
	uint32_t count = load_relaxed(&st->count);
	uint32_t least = load_relaxed(&st->least);

	store_relaxed(&st->least, count);
	return least < count ? least : count;
}

/* --- full sheaves --- */

/* NULL: this thread has not passed the gate. */
static struct stripe *my_stripe(void)
{
	unsigned int stripe = thread_word.stripe;

	return likely(stripe) ? &stripes[stripe % NR_STRIPES] : NULL;
}

static enum barn_kind kind_of(const struct kmem_cache *c)
{
	return has_slabs(c) ? BARN_OBJECTS : BARN_BLOCKS;
}

/* Of one size class, and of all in a small heap. */
static uint64_t limit_of(enum barn_kind kind)
{
	return kind == BARN_OBJECTS ?
		       (uint64_t)load_relaxed(&params.barn_limit) << 10 :
		       blocks_limit();
}

/* All stripes together are at most half of the limit off. */
static void add_bytes(enum barn_kind kind, int64_t bytes)
{
	struct stripe *s = my_stripe();

	if (s) {
		int64_t most = (int64_t)limit_of(kind) / 2 / NR_STRIPES;
		int64_t sum = fetch_add_relaxed(&s->bytes[kind], bytes) + bytes;

		if (sum <= most && sum >= -most)
			return;
		bytes = exchange_relaxed(&s->bytes[kind], 0);
	}
	fetch_add_relaxed(&totals[kind].bytes, bytes);
}

struct sheaf *barn_take(struct kmem_cache *c, unsigned int group)
{
	uint32_t index = pop(&full[group][c->id]);
	struct sheaf *s;

	if (!index)
		return NULL;
	s = &sheaves[index];
	fetch_sub_relaxed(&cache_stat(c)->nr_barn, s->nr);
	add_bytes(kind_of(c), -(int64_t)s->nr * c->size);
	count_vm_event(BARN_GET);
	return s;
}

void barn_note_full(const struct kmem_cache *c, unsigned int node)
{
	uint32_t *freed = &full[my_group(node)][c->id].freed;
	uint32_t n = load_relaxed(freed);

	if (n < FREED_MAX)
		store_relaxed(freed, n + 1);
}

/*
 * What other CPUs put. Not of small objects, whose neighbours those CPUs still write
 * to, if this group freed as many as it took: those are in its own slabs.
 */
static bool may_take_others(const struct kmem_cache *c, unsigned int group)
{
	uint32_t *freed = &full[group][c->id].freed;
	uint32_t n = load_relaxed(freed);

	if (n)
		store_relaxed(freed, n - 1);
	return (!n || c->size >= ORDERED_BELOW) &&
	       load_relaxed(&cache_stat(c)->nr_barn);
}

struct sheaf *barn_get(struct kmem_cache *c, unsigned int node)
{
	unsigned int group = my_group(node);
	bool others = may_take_others(c, group);
	struct sheaf *s = barn_take(c, group);

	if (s || !others)
		return s;
	for (uint32_t rest = other_groups(group); rest && !s;)
		s = barn_take(c, first_of(&rest));
	return s;
}

void barn_put(struct kmem_cache *c, unsigned int node, struct sheaf *s)
{
	fetch_add_relaxed(&cache_stat(c)->nr_barn, s->nr);
	add_bytes(kind_of(c), (int64_t)s->nr * c->size);
	count_vm_event(BARN_PUT);
	push(&full[my_group(node)][c->id], (uint32_t)(s - sheaves));
}

uint64_t barns_limit(void)
{
	uint64_t share = load_relaxed(&control.zones[0][ZONE_NORMAL].present) *
			 PAGE_SIZE / 8;

	return max_size(limit_of(BARN_OBJECTS), share);
}

bool barn_has_room(const struct kmem_cache *c, unsigned int node,
		   const struct sheaf *s)
{
	uint64_t objs = load_relaxed(&cache_stat(c)->nr_barn) + s->nr;
	/* Small objects in sheaves with few of them: the sheaf is what costs. Of
	 * those of other CPUs only the objects count. */
	uint64_t cells = load_relaxed(&full[my_group(node)][c->id].count) + 1;
	uint64_t bytes = max_size(objs * c->size, cells * sizeof(*s));
	enum barn_kind kind = kind_of(c);
	uint64_t limit = limit_of(kind);
	uint64_t all = kind == BARN_OBJECTS ? barns_limit() : limit;

	return bytes <= (c->size < ORDERED_BELOW ? limit / SMALL_RATIO : limit) &&
	       load_relaxed(&totals[kind].bytes) <= (int64_t)all;
}

uint32_t barn_idle(const struct kmem_cache *c, unsigned int group)
{
	return stack_idle(&full[group][c->id]);
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
	struct stripe *stripe = my_stripe();
	uint32_t index = stripe ? exchange_acquire(&stripe->spare, 0) : 0;

	if (!index)
		index = pop(&empty);
	if (index)
		return &sheaves[index];
	index = pop(&bare);
	if (index) {
		push(&empty, index + 1);
		return &sheaves[index];
	}
	index = load_relaxed(&next_sheaf);
	do {
		if (index >= nr_sheaves || !bring_online(index))
			return NULL;
	} while (!cas_relaxed(&next_sheaf, &index, index + 1));
	return &sheaves[index];
}

void barn_put_empty(struct sheaf *s)
{
	struct stripe *stripe = my_stripe();
	uint32_t none = 0;

	if (!stripe ||
	    !cas_release(&stripe->spare, &none, (uint32_t)(s - sheaves)))
		push(&empty, (uint32_t)(s - sheaves));
}

/* Spare ones count as idle as any. */
static void give_up_spares(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(stripes); i++) {
		uint32_t index = exchange_acquire(&stripes[i].spare, 0);

		if (index)
			push(&empty, index);
	}
}

/* --- empty sheaves back to the kernel --- */

/* Mark what is below the first @keep cells of the chain at @first. */
static void mark_idle(uint32_t first, uint32_t keep)
{
	uint32_t below;

	for (uint32_t i = first; i; i = below) {
		below = load_relaxed(&next[i]);
		if (keep)
			keep--;
		else
			store_relaxed(&next[i], below | NEXT_IDLE);
	}
}

/* Both cells of the page of the even @index. */
static bool is_page_idle(uint32_t index)
{
	return load_relaxed(&next[index]) & load_relaxed(&next[index + 1]) &
	       NEXT_IDLE;
}

static bool give_back_run(uint32_t start, uint32_t end)
{
	count_vm_event(PURGE_CALLS);
	if (os_purge(&sheaves[start], (end - start) * sizeof(struct sheaf)) < 0)
		return false;
	for (uint32_t i = start; i < end; i++)
		store_relaxed(&next[i], load_relaxed(&next[i]) | NEXT_GONE);
	return true;
}

/* Up to @pages, neighbouring ones in one call, in at most @calls of them. */
static void give_back_marked(uint32_t pages, unsigned int calls)
{
	uint32_t end = load_relaxed(&next_sheaf) & ~1u;

	for (uint32_t i = CELLS_PER_PAGE; pages && i < end; i += CELLS_PER_PAGE) {
		uint32_t start = i;

		for (; pages && i < end && is_page_idle(i); pages--)
			i += CELLS_PER_PAGE;
		/* Locked memory stays. */
		if (i > start && (!calls-- || !give_back_run(start, i)))
			return;
	}
}

/* The cells of the chain at @first to the stacks where they belong now. */
static void sort_out(uint32_t first)
{
	uint32_t kept = 0, last = 0, gone = 0, nr_gone = 0;

	for (uint32_t i = first; i;) {
		uint32_t word = load_relaxed(&next[i]);

		store_relaxed(&next[i], 0);
		if (word & NEXT_GONE) {
			nr_gone++;
			if (i % CELLS_PER_PAGE == 0) {
				store_relaxed(&next[i], gone);
				gone = i;
			}
		} else {
			if (last)
				store_relaxed(&next[last], i);
			else
				kept = i;
			last = i;
		}
		i = word & NEXT_INDEX;
	}
	fetch_sub_relaxed(&empty.count, nr_gone);
	store_relaxed(&empty.least, load_relaxed(&empty.count));
	if (kept)
		stack_push(&empty.head, kept, &next[last]);
	while (gone) {
		uint32_t below = load_relaxed(&next[gone]);

		push(&bare, gone);
		gone = below;
	}
}

/* Up to @pages of the @nr_idle cells at the end of the stack. */
static void give_back(uint32_t nr_idle, uint32_t pages, unsigned int calls)
{
	/* The count stays as it is. */
	uint32_t first = stack_detach(&empty.head);
	uint32_t nr = 0;

	for (uint32_t i = first; i; i = load_relaxed(&next[i]))
		nr++;
	mark_idle(first, nr > nr_idle ? nr - nr_idle : 0);
	give_back_marked(pages, calls);
	sort_out(first);
}

/* One at a time: marks of two would be taken for each other's. Atomic */
static bool giving_back;

void barn_decay(unsigned int ticks)
{
	uint32_t idle, pages;

	if (exchange_acquire(&giving_back, true))
		return;
	give_up_spares();
	idle = stack_idle(&empty);
	pages = (idle - (uint32_t)decayed(idle, ticks)) / CELLS_PER_PAGE;
	/* Of all that are idle: the cells of a page may be far from each other. */
	if (pages)
		give_back(idle, pages, BARE_CALLS * ticks);
	store_release(&giving_back, false);
}

void barn_trim(void)
{
	if (exchange_acquire(&giving_back, true))
		return;
	give_up_spares();
	give_back(UINT32_MAX, UINT32_MAX, UINT32_MAX);
	store_release(&giving_back, false);
}
