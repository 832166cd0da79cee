/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of mmap() and its relatives, once with the preloaded library
 * and once without: the program must not see a difference. Usage:
 *
 *	mmap_sequences [N [FIRST-SEED]]
 *
 * Where a call takes long, those that fit in 20 s, but 250 at least.
 *
 * Each sequence works on a few slots, mappings of known extent. All calls stay
 * inside what the slots own, so their outcome does not depend on what else is
 * in the address space; pages are named by slot and number. What every call
 * returned and how the pages look afterwards goes to the transcript.
 *
 * What a program cannot rely on is kept out of it:
 * - Addresses the kernel chooses, and whether mremap() grew in place or moved
 *   when it was free to do either.
 * - Where the kernel's mappings begin and end. mremap() takes one mapping only,
 *   and neighbours that look alike may be one or two. So it gets ranges that
 *   are one mapping for certain, or several for certain: struct page_state.
 * - Holes. The kernel is free to give them to the next mmap(); before a call
 *   that lets it choose an address, settle() plugs those between pages of a
 *   slot and gives up those at its ends.
 * - Which pages are resident, but for those just populated, locked or given
 *   back; what is in a page after MADV_FREE; the si_code of a SIGSEGV.
 */
#include "slots.h"

#include <inttypes.h>

enum { FILE_PAGES = 40 }; /* mappings may reach beyond */

static int file_fd;   /* what file mappings map, new in each sequence */
static int source_fd; /* never changes */
static int sink_fd;   /* written from mappings */
static char *sink;    /* and looked at here */
static bool is_child; /* forked in the middle of a sequence */

/* ---- mmap, munmap ------------------------------------------------------ */

/* The common ones, and many of them so large that they are managed. */
static const struct mapping {
	const char *name;
	size_t weight;
	enum kind kind;
	int prot, flags;
	size_t least; /* pages */
} mappings[] = {
	{"anon", 12, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE, 16},
	{"small", 3, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE, 1},
	{"noreserve", 2, ANON, PROT_READ | PROT_WRITE,
	 MAP_PRIVATE | MAP_NORESERVE, 16},
	{"populate", 2, ANON, PROT_READ | PROT_WRITE,
	 MAP_PRIVATE | MAP_POPULATE, 16},
	{"locked", 1, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED,
	 16},
	{"stack", 1, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_STACK, 16},
	{"read", 1, ANON, PROT_READ, MAP_PRIVATE, 8},
	{"write", 1, ANON, PROT_WRITE, MAP_PRIVATE, 8},
	{"exec", 1, ANON, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 8},
	{"none", 2, ANON, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, 16},
	{"shared", 2, ANON_SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, 4},
	{"file", 2, FILE_PRIVATE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 4},
	{"file read", 1, FILE_PRIVATE, PROT_READ, MAP_PRIVATE, 4},
	{"file shared", 2, FILE_SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, 4},
};

static const struct mapping *pick_mapping(void)
{
	size_t i, total = 0, dice;

	for (i = 0; i < ARRAY_SIZE(mappings); i++)
		total += mappings[i].weight;
	dice = rng_below(&rng, total);
	for (i = 0; dice >= mappings[i].weight; i++)
		dice -= mappings[i].weight;
	return &mappings[i];
}

/* mmap() as @m says, at @at with @flags more; ends the line. */
static char *map(const struct mapping *m, char *at, size_t length, int flags)
{
	bool is_file = m->kind == FILE_PRIVATE || m->kind == FILE_SHARED;
	off_t offset = 0;
	char *p;

	if (is_file)
		offset = (off_t)(rng_below(&rng, 20) * page_size);
	else
		flags |= MAP_ANONYMOUS;
	calls++;
	say("%#zx, %s, %#x, %ld)", length, m->name, (unsigned int)flags,
	    (long)offset);
	if (chance(2))
		p = mmap64(at, length, m->prot, m->flags | flags,
			   is_file ? file_fd : -1, offset);
	else
		p = mmap_itself(at, length, m->prot, m->flags | flags,
				is_file ? file_fd : -1, offset);
	if (p == MAP_FAILED)
		say(" = -1 %s\n", strerrorname_np(errno));
	else if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		say(" = %s\n", p == at ? "there" : "elsewhere");
	else
		say(" = a slot\n");
	return p;
}

static void unmap_range(struct range r);

static void op_mmap(void)
{
	const struct mapping *m = pick_mapping();
	size_t pages = m->least + rng_below(&rng, MOST_PAGES - m->least + 1);
	struct slot *slot;
	char *hint = NULL, *p;

	if (!free_slot()) {
		unmap_range(whole(pick_slot()));
		return;
	}
	/* A hint that cannot be followed. */
	slot = pick_slot();
	if (slot && chance(8))
		hint = slot->base + rng_below(&rng, page_size);
	say("mmap(%s, ", hint ? "hint" : "0");
	if (chance(30)) {
		map(m, hint, chance(2) ? 0 : (size_t)-1 - page_size, 0);
		return;
	}
	p = map(m, hint, pages * page_size - rng_below(&rng, 8), 0);
	if (p == MAP_FAILED)
		return;
	slot = slot_new(p, pages);
	set_state(whole(slot), m->kind, m->prot);
	if (m->flags & MAP_LOCKED)
		set_special(whole(slot));
	if (m->flags & MAP_POPULATE)
		say_residency(p, pages);
}

/* Over pages of a slot; others than those around them, or the same. */
static void map_fixed(const char *name, int flags, struct range r)
{
	const struct mapping *m = pick_mapping();
	char *p;

	see(r);
	say("%s(%d+%zu, ", name, id(r.slot), r.first);
	p = map(m, base_of(r), r.pages * page_size, flags);
	if (p != base_of(r))
		return;
	set_state(r, m->kind, m->prot);
	if (m->flags & MAP_LOCKED)
		set_special(r);
}

static void op_mmap_fixed(void)
{
	struct range r;

	if (pick_range(&r))
		map_fixed("mmap fixed", MAP_FIXED, r);
}

/* EEXIST, but in a hole it works. */
static void op_mmap_noreplace(void)
{
	struct range r;

	if (!pick_range(&r))
		return;
	if (!chance(4))
		pick_hole(&r);
	map_fixed("mmap noreplace", MAP_FIXED_NOREPLACE, r);
}

static void unmap_range(struct range r)
{
	struct span s = span_of(r);
	int result;

	say_call("munmap", s);
	result = munmap(s.base, s.length);
	say(")");
	say_result(result);
	if (!result)
		set_state(s.range, HOLE, PROT_NONE);
}

static void op_munmap(void)
{
	struct range r;

	if (pick_range(&r))
		unmap_range(r);
}

/* ---- mprotect, madvise, locks, questions ------------------------------- */

static void op_mprotect(void)
{
	static const int prots[] = {
		PROT_NONE,
		PROT_NONE,
		PROT_READ,
		PROT_READ,
		PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE,
		PROT_WRITE,
		PROT_READ | PROT_WRITE | PROT_EXEC,
		PROT_READ | PROT_GROWSDOWN, /* no mapping here does */
		0x4000,
	};
	int prot = prots[rng_below(&rng, ARRAY_SIZE(prots))], result;
	struct range r;
	struct span s;
	size_t i;

	if (!pick_range(&r))
		return;
	s = span_of(r);
	say_call("mprotect", s);
	result = mprotect(s.base, s.length, prot);
	say(", %#x)", (unsigned int)prot);
	say_result(result);
	if (result && errno == EINVAL)
		return;
	r = up_to_hole(s.range);
	for (i = 0; i < r.pages; i++)
		state_of(r)[i].prot = (unsigned char)prot;
	cut_around(r);
}

static void fill_range(struct range r)
{
	size_t i, n = 0;

	say("fill(%d+%zu*%zu)", id(r.slot), r.first, r.pages);
	for (i = 0; i < r.pages; i++) {
		touch_key = rng_next(&rng);
		n += !guarded(touch_fill,
			      (unsigned char *)base_of(r) + i * page_size);
	}
	say_result((long)n);
	see(r);
}

static void op_fill(void)
{
	struct range r;

	if (pick_range(&r))
		fill_range(r);
}

enum advice_effect {
	NO_EFFECT,
	CHANGES, /* the mapping, which may be split */
	GIVES,	 /* pages back */
	POPULATES,
	FREES, /* some time: only where it can be overwritten at once */
};

/* Not those that poison the machine's memory: 100 and 101. */
static const struct advice {
	int value;
	enum advice_effect effect;
} advices[] = {
	{MADV_DONTNEED, GIVES},
	{MADV_DONTNEED, GIVES},
	{MADV_DONTNEED, GIVES},
	{MADV_DONTNEED, GIVES},
	{MADV_DONTNEED, GIVES},
	{MADV_FREE, FREES},
	{MADV_FREE, FREES},
	{MADV_NORMAL, CHANGES},
	{MADV_RANDOM, CHANGES},
	{MADV_SEQUENTIAL, CHANGES},
	{MADV_WILLNEED, NO_EFFECT},
	{MADV_REMOVE, NO_EFFECT},
	{MADV_DONTFORK, CHANGES},
	{MADV_DONTFORK, CHANGES},
	{MADV_DOFORK, CHANGES},
	{MADV_WIPEONFORK, CHANGES},
	{MADV_WIPEONFORK, CHANGES},
	{MADV_KEEPONFORK, CHANGES},
	{MADV_NOHUGEPAGE, CHANGES},
	{MADV_DONTDUMP, CHANGES},
	{MADV_DODUMP, CHANGES},
	{MADV_COLD, NO_EFFECT},
	{MADV_PAGEOUT, NO_EFFECT},
	{MADV_POPULATE_READ, POPULATES},
	{MADV_POPULATE_READ, POPULATES},
	{MADV_POPULATE_WRITE, POPULATES},
	{MADV_POPULATE_WRITE, POPULATES},
	{MADV_GUARD_INSTALL, CHANGES},
	{MADV_GUARD_REMOVE, CHANGES},
	{-1, NO_EFFECT},
	{7, NO_EFFECT},
	{99, NO_EFFECT},
	{0x10000, NO_EFFECT},
};

static void op_madvise(void)
{
	struct advice a = advices[rng_below(&rng, ARRAY_SIZE(advices))];
	struct range r;
	struct span s;
	int result;

	if (!pick_range(&r))
		return;
	if (a.effect == FREES && !all_are(r, ANON, PROT_READ | PROT_WRITE))
		a = (struct advice){MADV_COLD, NO_EFFECT};
	s = span_of(r);
	say_call("madvise", s);
	result = madvise(s.base, s.length, a.value);
	say(", %d)", a.value);
	say_result(result);
	if (a.effect == CHANGES)
		set_special(s.range);
	if (result)
		return;
	if (a.effect == FREES)
		fill_range(s.range);
	if (a.effect == POPULATES ||
	    (a.effect == GIVES && all_are(s.range, ANON, 0)))
		say_residency(base_of(s.range), s.range.pages);
}

/* glibc does nothing for POSIX_MADV_DONTNEED: contents must stay. */
static void op_posix_madvise(void)
{
	static const int values[] = {
		POSIX_MADV_NORMAL,
		POSIX_MADV_RANDOM,
		POSIX_MADV_SEQUENTIAL,
		POSIX_MADV_WILLNEED,
		POSIX_MADV_DONTNEED,
		POSIX_MADV_DONTNEED,
		77,
	};
	int value = values[rng_below(&rng, ARRAY_SIZE(values))], result;
	struct range r;
	struct span s;

	if (!pick_range(&r))
		return;
	s = span_of(r);
	say_call("posix_madvise", s);
	errno = 0;
	result = posix_madvise(s.base, s.length, value);
	say(", %d) = %d, %d\n", value, result, errno);
	set_special(s.range);
}

static void op_mlock(void)
{
	unsigned int flags = chance(3) ? MLOCK_ONFAULT : 0;
	bool second = chance(3);
	struct range r;
	struct span s;
	int result;

	if (!pick_range(&r))
		return;
	if (chance(20))
		flags = 0x40;
	s = span_of(r);
	if (second) {
		say_call("mlock2", s);
		result = mlock2(s.base, s.length, flags);
		say(", %#x)", flags);
	} else {
		say_call("mlock", s);
		result = mlock(s.base, s.length);
		say(")");
	}
	say_result(result);
	set_special(s.range);
	if (!result && !(second && flags))
		say_residency(base_of(s.range), s.range.pages);
}

static void op_munlock(void)
{
	struct range r;
	struct span s;
	int result;

	if (!pick_range(&r))
		return;
	s = span_of(r);
	say_call("munlock", s);
	result = munlock(s.base, s.length);
	say(")");
	say_result(result);
	set_special(s.range);
}

/* Whether it knows the pages; which are resident depends on much. */
static void op_mincore(void)
{
	static unsigned char vec[EXTENT];
	bool wrong = chance(8);
	struct range r;
	struct span s;
	int result;

	if (!pick_range(&r))
		return;
	s = span_of(r);
	say_call("mincore", s);
	result = mincore(s.base, s.length, wrong ? opaque_pointer(NULL) : vec);
	say(", %s)", wrong ? "NULL" : "vec");
	say_result(result);
}

static void op_msync(void)
{
	static const int values[] = {
		MS_SYNC,       MS_ASYNC, MS_SYNC | MS_INVALIDATE,
		MS_INVALIDATE, 0,	 MS_SYNC | MS_ASYNC,
		0x100,
	};
	int flags = values[rng_below(&rng, ARRAY_SIZE(values))], result;
	struct range r;
	struct span s;

	if (!pick_range(&r))
		return;
	s = span_of(r);
	say_call("msync", s);
	result = msync(s.base, s.length, flags);
	say(", %#x)", (unsigned int)flags);
	say_result(result);
}

/* ---- mremap ------------------------------------------------------------ */

/* Lengths in pages; @to is NULL but for MREMAP_FIXED. */
static char *remap(struct range r, size_t pages, int flags, char *to)
{
	size_t less = chance(4) ? rng_below(&rng, page_size) : 0;

	calls++;
	see(r);
	say("mremap(%d+%zu, %zu, %zu-%zu, %d)", id(r.slot), r.first, r.pages,
	    pages, less, flags);
	return mremap(base_of(r), r.pages * page_size, pages * page_size - less,
		      flags, to);
}

static void say_remapped(const char *p, const char *expected)
{
	if (p == MAP_FAILED)
		say(" = -1 %s\n", strerrorname_np(errno));
	else if (expected)
		say(" = %s\n", p == expected ? "there" : "elsewhere");
	else
		say(" = a slot\n");
}

/*
 * The pages of @from are now those of @to, as far as they reach; what is more
 * in @to is like the last one. Those of @from are holes, unless @keep.
 */
static void move_state(struct range from, struct range to, bool keep)
{
	static struct page_state moved[EXTENT];
	size_t i, n = from.pages < to.pages ? from.pages : to.pages;

	memcpy(moved, state_of(from), n * sizeof(*moved));
	for (i = n; i < to.pages; i++) {
		moved[i] = moved[n - 1];
		moved[i].cut = false;
	}
	if (keep)
		cut_around(from);
	else
		set_state(from, HOLE, PROT_NONE);
	/* What is behind a hole of @from may have been left alone. */
	for (i = 0; i < to.pages; i++)
		if (moved[i].kind != HOLE)
			state_of(to)[i] = moved[i];
		else
			state_of(to)[i].cut = true;
	cut_around(to);
	find_holes(to);
}

static void op_mremap_shrink(void)
{
	struct range r;
	char *p;
	size_t pages;

	if (!pick_range(&r))
		return;
	r = certain(r);
	pages = some(r.pages);
	p = remap(r, pages, chance(2) ? MREMAP_MAYMOVE : 0, NULL);
	say_remapped(p, base_of(r));
	if (p == MAP_FAILED)
		return;
	r.first += pages;
	r.pages -= pages;
	set_state(r, HOLE, PROT_NONE);
}

/* The next page is taken, so without MREMAP_MAYMOVE it cannot grow. */
static void op_mremap_stuck(void)
{
	struct range r;

	if (!pick_range(&r))
		return;
	r = certain(r);
	if (r.first + r.pages == r.slot->pages ||
	    r.slot->page[r.first + r.pages].kind == HOLE)
		return;
	say_remapped(remap(r, r.pages + some(8), 0, NULL), base_of(r));
}

/*
 * The pages behind are unmapped and wanted back. There is space, but nobody
 * promises that mremap() takes it: ENOMEM counts as grown, by other means.
 */
static void op_mremap_back(void)
{
	struct range r, tail;
	char *p;

	if (!pick_range(&r))
		return;
	r = one_mapping(r);
	if (r.pages < 2 || r.slot->page[r.first].kind != ANON || any_special(r))
		return;
	tail = r;
	r.pages = some(r.pages - 1);
	tail.first += r.pages;
	tail.pages -= r.pages;
	CHECK(!munmap(base_of(tail), tail.pages * page_size));
	set_state(tail, HOLE, PROT_NONE);
	p = remap(r, r.pages + tail.pages, 0, NULL);
	if (p == MAP_FAILED && errno == ENOMEM) {
		CHECK(mmap(base_of(tail), tail.pages * page_size,
			   r.slot->page[r.first].prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == base_of(tail));
		p = base_of(r);
	}
	say_remapped(p, base_of(r));
	see(tail);
	if (p == MAP_FAILED)
		return;
	set_state(tail, ANON, r.slot->page[r.first].prot);
}

/* It grows, and may move to where there is space. */
static void op_mremap_move(void)
{
	struct range r, grown;
	size_t pages;
	char *p;

	if (!free_slot() || !pick_range(&r))
		return;
	/* The end of a slot has nobody behind it, or somebody: only if all of
	 * it goes, it does not matter where. */
	if (r.first + r.pages == r.slot->pages)
		r = whole(r.slot);
	r = certain(r);
	if (!is_whole(r) && r.first + r.pages == r.slot->pages)
		return;
	pages = r.pages + rng_below(&rng, EXTENT + 1 - r.pages);
	if (pages == r.pages)
		return;
	p = remap(r, pages, MREMAP_MAYMOVE, NULL);
	say_remapped(p, NULL);
	if (p == MAP_FAILED)
		return;
	if (is_whole(r)) {
		/* The slot's number stays. */
		grown = (struct range){r.slot, r.pages, pages - r.pages};
		r.slot->base = p;
		r.slot->pages = pages;
		set_state(grown, r.slot->page[0].kind, r.slot->page[0].prot);
		if (any_special(r))
			set_special(grown);
		r.slot->page[r.pages].cut = false;
		see(grown);
		return;
	}
	grown = whole(slot_new(p, pages));
	move_state(r, grown, false);
}

/* Onto pages of a slot, its own included. */
static void op_mremap_fixed(void)
{
	struct range r, to;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED, tries = 4;
	char *p, *at;

	if (!pick_range(&r))
		return;
	r = certain(r);
	/* Seldom onto itself, which is refused. */
	do
		pick_range(&to);
	while (overlap(r, to) && --tries);
	if (chance(2) && to.pages > r.pages)
		to.pages = r.pages;
	/* Seldom a smaller one: Linux 6.18 counts what is cut off then as
	 * committed until the machine restarts. */
	if (!chance(32) && to.pages < r.pages)
		r.pages = to.pages;
	if (to.pages < r.pages && unity_of(r) != ONE)
		r = one_mapping(r);
	at = base_of(to);
	if (chance(30))
		at += some(page_size - 1);
	if (chance(30))
		flags = MREMAP_FIXED;
	say("to %d+%zu: ", id(to.slot), to.first);
	p = remap(r, to.pages, flags, at);
	say_remapped(p, base_of(to));
	see(to);
	if (p == MAP_FAILED) {
		/* By now the destination may be unmapped. */
		find_holes(r);
		find_holes(to);
		return;
	}
	move_state(r, to, false);
}

/* The pages move, and the mapping they were in stays. */
static void op_mremap_dontunmap(void)
{
	int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	struct range r, to;
	bool fixed = chance(2);
	char *p;

	if (!free_slot() || !pick_range(&r) || !pick_range(&to))
		return;
	r = one_mapping(r);
	if (any_special(r))
		return;
	if (to.pages < r.pages)
		r.pages = to.pages;
	to.pages = r.pages;
	if (fixed) {
		say("to %d+%zu: ", id(to.slot), to.first);
		p = remap(r, r.pages, flags | MREMAP_FIXED, base_of(to));
		say_remapped(p, base_of(to));
		see(to);
	} else {
		p = remap(r, r.pages, flags, NULL);
		say_remapped(p, NULL);
	}
	if (p == MAP_FAILED) {
		if (fixed)
			find_holes(to);
		return;
	}
	if (!fixed)
		to = whole(slot_new(p, r.pages));
	move_state(r, to, true);
}

/* From length 0, a second mapping of the same shared pages. */
static void op_mremap_duplicate(void)
{
	struct range r, twin;
	int tries = 4;
	size_t pages;
	char *p;

	if (!free_slot())
		return;
	/* Seldom of private pages, which is refused. */
	do
		if (!pick_range(&r))
			return;
	while (state_of(r)->kind != ANON_SHARED &&
	       state_of(r)->kind != FILE_SHARED && --tries);
	pages = r.pages;
	r.pages = 0;
	p = remap(r, pages, MREMAP_MAYMOVE, NULL);
	say_remapped(p, NULL);
	if (p == MAP_FAILED)
		return;
	twin = whole(slot_new(p, pages));
	set_state(twin, state_of(r)->kind, state_of(r)->prot);
	if (state_of(r)->special)
		set_special(twin);
}

/* Wrong, or of no effect. */
static void op_mremap_wrong(void)
{
	size_t length;
	struct range r;
	char *p, *base;
	int what = (int)rng_below(&rng, 7), flags = MREMAP_MAYMOVE;

	if (!pick_range(&r))
		return;
	r = one_mapping(r);
	base = base_of(r);
	length = r.pages * page_size;
	say("mremap wrong %d: ", what);
	calls++;
	see(r);
	switch (what) {
	case 0:
		p = mremap(base + some(page_size - 1), length, page_size,
			   flags);
		break;
	case 1:
		p = mremap(base, length, 0, flags);
		break;
	case 2:
		p = mremap(base, length, length, 0x100);
		break;
	case 3:
		p = mremap(base, length, length, MREMAP_DONTUNMAP);
		break;
	case 4:
		p = mremap(base, length, (size_t)1 << 62, flags);
		break;
	case 5:
		p = mremap(base, length, -page_size, 0);
		break;
	default:
		p = mremap(base, length, length, 0);
	}
	say_remapped(p, base);
}

/* ---- the kernel reads and writes --------------------------------------- */

static void op_pread(void)
{
	struct range r;
	off_t offset;
	ssize_t n;

	if (!pick_range(&r))
		return;
	offset = (off_t)(rng_below(&rng, 8) * page_size);
	calls++;
	see(r);
	n = pread(source_fd, base_of(r), r.pages * page_size, offset);
	say("pread(%d+%zu*%zu, %ld)", id(r.slot), r.first, r.pages,
	    (long)offset);
	say_result((long)n);
}

static void op_pwrite(void)
{
	struct range r;
	ssize_t n;

	if (!pick_range(&r))
		return;
	calls++;
	n = pwrite(sink_fd, base_of(r), r.pages * page_size, 0);
	say("pwrite(%d+%zu*%zu)", id(r.slot), r.first, r.pages);
	say_result((long)n);
	if (n > 0)
		say_pages(sink, (size_t)n / page_size, 0);
}

/* ---- sequences --------------------------------------------------------- */

static void say_slots(const char *when)
{
	struct slot *slot;

	say("%s:\n", when);
	for (slot = slots; slot < slots + SLOTS; slot++)
		if (slot->pages) {
			say("  %d:", id(slot));
			say_pages(slot->base, slot->pages, PROBE_WRITE);
		}
}

static void some_ops(size_t n);

/* The child goes on for a while; the parent must not notice. */
static void op_fork(void)
{
	struct slot *slot;
	size_t n = rng_below(&rng, 6);
	pid_t pid;

	if (is_child)
		return;
	say("fork\n");
	say_flush();
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		is_child = true;
		watchdog(60);
		for (slot = slots; slot < slots + SLOTS; slot++)
			find_holes(whole(slot));
		settle();
		say_slots("child begins");
		some_ops(n);
		say_slots("child ends");
		say_flush();
		_exit(0);
	}
	CHECK_STATUS(wait_for(pid), 0, "the child");
	say_slots("parent");
}

static const struct op {
	void (*run)(void);
	size_t weight;
	bool chooses; /* the kernel does, an address */
} ops[] = {
	{op_mmap, 18, true},
	{op_mmap_fixed, 8, false},
	{op_mmap_noreplace, 2, false},
	{op_munmap, 10, false},
	{op_mprotect, 14, false},
	{op_madvise, 18, false},
	{op_posix_madvise, 2, false},
	{op_mlock, 3, false},
	{op_munlock, 2, false},
	{op_mincore, 3, false},
	{op_msync, 3, false},
	{op_fill, 16, false},
	{op_pread, 3, false},
	{op_pwrite, 3, false},
	{op_mremap_shrink, 3, false},
	{op_mremap_stuck, 3, false},
	{op_mremap_back, 3, false},
	{op_mremap_move, 5, true},
	{op_mremap_fixed, 6, false},
	{op_mremap_dontunmap, 4, true},
	{op_mremap_duplicate, 2, true},
	{op_mremap_wrong, 2, false},
	{op_fork, 2, true},
};

static const struct op *pick_op(void)
{
	size_t i, total = 0, dice;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		total += ops[i].weight;
	dice = rng_below(&rng, total);
	for (i = 0; dice >= ops[i].weight; i++)
		dice -= ops[i].weight;
	return &ops[i];
}

/*
 * What the last call may have changed, and a page on either side. Not always,
 * and not always with writes: looking makes pages present.
 */
static void say_seen(void)
{
	unsigned int flags = chance(3) ? 0 : PROBE_WRITE;
	struct range *r;

	if (chance(4))
		return;
	for (r = seen; r < seen + 2; r++) {
		if (!r->slot || !r->slot->pages)
			continue;
		if (chance(6))
			*r = whole(r->slot);
		if (r->first) {
			r->first--;
			r->pages++;
		}
		r->pages++;
		if (r->first + r->pages > r->slot->pages)
			r->pages = r->slot->pages - r->first;
		say("  %d+%zu:", id(r->slot), r->first);
		say_pages(base_of(*r), r->pages, flags);
	}
}

static void some_ops(size_t n)
{
	const struct op *op;

	while (n--) {
		op = pick_op();
		if (op->chooses)
			settle();
		memset(seen, 0, sizeof(seen));
		op->run();
		say_seen();
	}
}

static void write_file(int fd, size_t pages, uint64_t key)
{
	static unsigned char text[EXTENT * 65536];
	size_t n = pages * page_size;

	CHECK(n <= sizeof(text));
	fill_key(text, n, key);
	CHECK(!ftruncate(fd, 0));
	CHECK(pwrite(fd, text, n, 0) == (ssize_t)n);
}

static void sequence(size_t number, uint64_t seed)
{
	struct slot *slot;
	size_t i;

	rng = (struct rng){mix64(seed)};
	say("# sequence %zu, seed %llu\n", number, (unsigned long long)seed);
	write_file(file_fd, FILE_PAGES, 1);
	for (i = 2 + rng_below(&rng, 4); i; i--) {
		op_mmap();
		op_fill();
	}
	some_ops(20 + rng_below(&rng, 21));
	say_slots("end");
	for (slot = slots; slot < slots + SLOTS; slot++)
		if (slot->pages) {
			say("munmap %d", id(slot));
			say_result(munmap(slot->base, slot->pages * page_size));
			slot->pages = 0;
		}
}

/* This process is one of the two: it writes the transcript. */
static void write_transcript(size_t n, uint64_t seed)
{
	size_t i;

	transcript_begin(600);
	mapping_begin();
	file_fd = memory_file("mapped");
	source_fd = memory_file("source");
	sink_fd = memory_file("sink");
	write_file(source_fd, MOST_PAGES, 2);
	write_file(sink_fd, EXTENT, 3);
	sink = mmap(NULL, EXTENT * page_size, PROT_READ, MAP_SHARED, sink_fd,
		    0);
	CHECK(sink != MAP_FAILED);
	for (i = 0; i < n; i++)
		sequence(i, seed + i);
	say("%zu calls\n", calls);
	say_flush();
}

/* @n of them from @seed on, plain and preloaded. */
static void compare(size_t n, uint64_t seed)
{
	char numbers[2][24], what[100];
	const char *args[] = {"transcript", numbers[0], numbers[1], NULL};

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", n);
	snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, seed);
	snprintf(what, sizeof(what), "%zu sequences from seed %" PRIu64, n, seed);
	compare_runs(args, what);
}

int main(int argc, char **argv)
{
	enum { AT_ONCE = 250, SECONDS = 20 };
	size_t n, some, done = 0;
	uint64_t seed;
	double end;

	if (argc > 3 && !strcmp(argv[1], "transcript")) {
		write_transcript(strtoul(argv[2], NULL, 0),
				 strtoull(argv[3], NULL, 0));
		return 0;
	}
	n = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	test_begin(600);
	for (end = now() + SECONDS; done < n && now() < end; done += some) {
		some = n - done < AT_ONCE ? n - done : AT_ONCE;
		compare(some, seed + done);
	}
	CHECK_MSG(done, "no sequences were asked for");
	printf("%zu of %zu sequences in the time there is\n", done, n);
	return 0;
}
