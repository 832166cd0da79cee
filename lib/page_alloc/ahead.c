/* SPDX-License-Identifier: MIT */
/*
 * ahead.c - fault-ahead: memory made whole because what came before it was used whole.
 *
 * Of a block, an area or a mapping nobody knows how much will be used. But programs do
 * the same again and again: the arenas of a compiler or of Python, the buffers of a
 * server. So where page faults are dear (faultin.c) one of each kind is a witness: a few
 * of its pages, the canaries, were left for the program to touch, and if they have been
 * written to, the next of the kind is made whole but for its canaries. It becomes the
 * witness; so the first that is not used up is the last that is made. There is one in
 * the last eighth, for buffers are seldom quite full, and one in the first, for stacks
 * are used downwards; in slabs, which are used upwards, the last will do.
 *
 * Who allocates several before using them has their first as witness meanwhile, for
 * PATIENCE of them; and if the one before was used, the first TRUST_MAX of them are
 * made. Kinds that are never used whole are asked ever more rarely. A witness may have
 * been freed, and may be protected or gone: a wrong answer costs memory or faults,
 * nothing else.
 *
 * No lock: threads that meet at one witness may lose what it knows.
 */
#include "page_alloc/ahead.h"

#include "base/atomic.h"
#include "os/os.h"
#include "page_alloc/faultin.h"
#include "page_alloc/page.h"
#include "page_alloc/thp.h"

/* All in pages, but for the counts at the end. */
enum {
	/* A fault or two are left, and three calls and more are made. */
	AHEAD_MIN = 8,
	AHEAD_MAX = MiB(32) >> PAGE_SHIFT,
	/* What doubles is three quarters full at its end. */
	GROWTH_RATIO = 4,
	GROWTH_MAX = MiB(2) >> PAGE_SHIFT,
	COPY_MIN = 16,
	/* An area of which some may be touched to find out what faults cost. */
	MEASURE_MIN = MiB(1) >> PAGE_SHIFT,
	/* From here on there are four canaries, one of which may be left alone. */
	FOUR_FROM = 64,
	TRUST_MAX = KiB(512) >> PAGE_SHIFT,
	/* Questions to a witness in vain before there is another. */
	PATIENCE = 8,
	LITTLE_PATIENCE = 2, /* with more than TRUST_MAX */
	/* Of a kind that are passed over after that: 0, 1, 3, 7 and so on. */
	WAIT_MAX = 127,
	SAMPLES = 8, /* words of a canary */
	BLOCK_KINDS = 128, /* four sizes a doubling */
	MAPPING_KINDS = 64, /* by exact size, the last ones */
};

/* Objects are handed out upwards; of blocks and of mappings nobody knows. */
enum use { OBJECTS, BLOCK, MAPPING };

struct witness {
	char *addr; /* NULL: none. Atomic */
	uint16_t nr; /* pages. Atomic */
	uint16_t asked; /* in vain. Atomic */
	bool trusted; /* the one before was used. Atomic */
	/* To be passed over without a question, after a witness that was not used; and
	 * after the next such one. Atomic */
	uint8_t wait, next_wait;
};

_Static_assert(AHEAD_MAX < 1 << 16, "pages of a witness fit");

static struct {
	struct witness slabs[PAGE_CLASS_ASK];
	struct witness blocks[BLOCK_KINDS];
	struct witness mappings[MAPPING_KINDS];
} kinds SPARSE_TABLE;

/* Which of the eighths with an odd number have a canary, and how many must have been
 * written to. */
struct canaries {
	uint8_t mask, quorum;
};

static struct canaries canaries(size_t nr, enum use use)
{
	static const struct canaries last = { 1 << 3, 1 };
	static const struct canaries ends = { 1 << 3 | 1 << 0, 2 };
	static const struct canaries four = { 0xf, 3 };

	if (use == OBJECTS)
		return last;
	return nr < FOUR_FROM ? ends : four;
}

static size_t canary_at(size_t nr, unsigned int i)
{
	return nr * (2 * i + 1) / 8;
}

/* A few words tell, at ever different places in whatever structures are there. */
static bool is_written(const char *page)
{
	enum { STRIDE = PAGE_SIZE / SAMPLES / 16 * 16 + 8 };

	_Static_assert((SAMPLES - 1) * STRIDE < PAGE_SIZE, "all lie in it");

	for (size_t i = 0; i < SAMPLES; i++)
		if (os_holds_data((const uint32_t *)(page + i * STRIDE)))
			return true;
	return false;
}

static bool was_used(const struct witness *w, enum use use)
{
	const char *addr = load_relaxed(&w->addr);
	size_t nr = load_relaxed(&w->nr);
	struct canaries c = canaries(nr, use);
	int spare = __builtin_popcount(c.mask) - c.quorum;

	for (unsigned int left = c.mask; left && spare >= 0; left &= left - 1) {
		size_t at = canary_at(nr, (unsigned int)__builtin_ctz(left));

		if (!is_written(addr + (at << PAGE_SHIFT)))
			spare--;
	}
	return spare >= 0;
}

/* Pages from @from on and below @to. */
struct pages {
	size_t from, to;
};

/*
 * Of a mapping, which is new: where a zone or an area was used before, page tables are
 * in the way, and there are reasons of their own for huge pages. Canaries are among
 * them; what they tell is what they hold.
 */
static struct pages make_huge(char *addr, size_t nr)
{
	uintptr_t first = align_up((uintptr_t)addr, PAGEBLOCK_PAGES << PAGE_SHIFT);
	size_t from = (first - (uintptr_t)addr) >> PAGE_SHIFT;
	size_t done = thp_make(addr, nr, from);

	return done ? (struct pages){ from, from + done } :
		      (struct pages){ 0, 0 };
}

static void make_pages(char *addr, size_t from, size_t to)
{
	if (from < to)
		faultin(addr + (from << PAGE_SHIFT), to - from, to - from);
}

static void make_all_but_canaries(char *addr, size_t nr, enum use use)
{
	struct pages huge = { 0, 0 };
	size_t from = 0, to;

	if (use == MAPPING)
		huge = make_huge(addr, nr);
	for (unsigned int left = canaries(nr, use).mask; from < nr; left &= left - 1) {
		to = left ? canary_at(nr, (unsigned int)__builtin_ctz(left)) : nr;
		make_pages(addr, from, min_size(to, huge.from));
		make_pages(addr, max_size(from, huge.to), to);
		from = to + 1;
	}
}

static bool is_used(struct witness *w, enum use use)
{
	uint16_t asked = load_relaxed(&w->asked);

	if (was_used(w, use)) {
		store_relaxed(&w->asked, 0);
		store_relaxed(&w->next_wait, 0);
		store_relaxed(&w->trusted, true);
		return true;
	}
	store_relaxed(&w->asked, (uint16_t)(asked + 1));
	if ((asked + 1u) * load_relaxed(&w->nr) > TRUST_MAX)
		store_relaxed(&w->trusted, false);
	return false;
}

/* @addr is the next witness; the last one, if there was one, was used or not. */
static void replace(struct witness *w, char *addr, size_t nr, bool used)
{
	size_t wait = load_relaxed(&w->next_wait);

	if (load_relaxed(&w->addr) && !used) {
		store_relaxed(&w->trusted, false);
		store_relaxed(&w->wait, (uint8_t)wait);
		store_relaxed(&w->next_wait,
			      (uint8_t)min_size(2 * wait + 1, WAIT_MAX));
	}
	store_relaxed(&w->addr, addr);
	store_relaxed(&w->nr, (uint16_t)nr);
	store_relaxed(&w->asked, 0);
}

static void fill(struct witness *w, char *addr, size_t nr, enum use use)
{
	uint16_t patience = nr > TRUST_MAX ? LITTLE_PATIENCE : PATIENCE;
	uint8_t wait = load_relaxed(&w->wait);
	bool used;

	if (wait) {
		store_relaxed(&w->wait, (uint8_t)(wait - 1));
		return;
	}
	used = load_relaxed(&w->addr) && is_used(w, use);
	if (load_relaxed(&w->trusted))
		make_all_but_canaries(addr, nr, use);
	if (used || !load_relaxed(&w->addr) ||
	    load_relaxed(&w->asked) >= patience)
		replace(w, addr, nr, used);
}

static bool is_worth_it(size_t nr)
{
	return faults_are_dear() && nr >= AHEAD_MIN && nr <= AHEAD_MAX;
}

void ahead_slab(unsigned int id, void *addr, size_t nr)
{
	if (is_worth_it(nr))
		fill(&kinds.slabs[id], addr, nr, OBJECTS);
}

void ahead_block(void *addr, size_t nr)
{
	unsigned int log = ilog2(nr);

	if (is_worth_it(nr))
		fill(&kinds.blocks[log * 4 + (nr >> (log - 2) & 3)], addr, nr,
		     BLOCK);
}

void ahead_mapping(void *addr, size_t nr)
{
	struct witness *w = &kinds.mappings[nr * 0x9e3779b97f4a7c15u >> 58];

	if (!is_worth_it(nr))
		return;
	if (load_relaxed(&w->nr) != nr) {
		store_relaxed(&w->trusted, false);
		store_relaxed(&w->addr, NULL);
		store_relaxed(&w->wait, 0);
		store_relaxed(&w->next_wait, 0);
	}
	fill(w, addr, nr, MAPPING);
}

void ahead_measure(void *addr, size_t nr)
{
	char *end = (char *)addr + (nr << PAGE_SHIFT);

	if (faultin_wants_pages() && nr >= MEASURE_MIN)
		faultin(end - (FAULTIN_LEAST << PAGE_SHIFT), FAULTIN_LEAST,
			FAULTIN_LEAST);
}

/* Of @more pages behind @old that were used to the end. */
static size_t growth(size_t old, size_t more)
{
	return min_size(more, min_size(old / GROWTH_RATIO, GROWTH_MAX));
}

void ahead_growth(void *area, size_t old, size_t nr)
{
	char *end = (char *)area + (old << PAGE_SHIFT);
	size_t more = nr > old ? growth(old, nr - old) : 0;

	if (more >= AHEAD_MIN && faults_are_dear() &&
	    is_written(end - PAGE_SIZE))
		faultin(end, more, more);
}

void ahead_copy(void *to, const void *from, size_t old, size_t size)
{
	uintptr_t last = align_down((uintptr_t)from + old - 1, PAGE_SIZE);
	size_t nr = min_size(old, size) >> PAGE_SHIFT;

	/* During start-up it comes from the boot arena. */
	if (nr < COPY_MIN || !faults_are_dear() || (uintptr_t)to % PAGE_SIZE)
		return;
	if (size > old && is_written((const char *)last))
		nr += growth(nr, (size - old) >> PAGE_SHIFT);
	faultin(to, nr, 0);
}
