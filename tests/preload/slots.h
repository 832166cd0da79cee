/* SPDX-License-Identifier: MIT */
/*
 * The mappings that mmap_sequences.c works on: slots, ranges of their pages,
 * and what the test knows of each page, so that it can choose calls whose
 * outcome the kernel has no say in.
 */
#ifndef PRELOAD_SLOTS_H
#define PRELOAD_SLOTS_H

#include "mapping.h"

enum {
	SLOTS = 12,
	MOST_PAGES = 64, /* of a new mapping */
	EXTENT = 96,	 /* pages of a slot that has grown */
};

enum kind { HOLE, ANON, ANON_SHARED, FILE_PRIVATE, FILE_SHARED };

/* What the test knows of a page, to choose calls whose outcome is certain. */
struct page_state {
	unsigned char kind;
	unsigned char prot;
	/* The mapping may end before this page, and began there once. */
	bool cut;
	/* Locked or advised on at some time. */
	bool special;
};

struct slot {
	char *base;
	size_t pages; /* 0: the slot is free */
	struct page_state page[EXTENT];
};

struct range {
	struct slot *slot;
	size_t first, pages;
};

static struct slot slots[SLOTS];
static struct rng rng;
static struct range seen[2]; /* what the last call may have changed */
static size_t calls;

static bool chance(size_t one_in)
{
	return !rng_below(&rng, one_in);
}

/* 1 .. @most */
static size_t some(size_t most)
{
	return 1 + rng_below(&rng, most);
}

/* ---- ranges ------------------------------------------------------------ */

static int id(const struct slot *slot)
{
	return (int)(slot - slots);
}

static char *base_of(struct range r)
{
	return r.slot->base + r.first * page_size;
}

static struct page_state *state_of(struct range r)
{
	return r.slot->page + r.first;
}

static bool is_whole(struct range r)
{
	return r.pages == r.slot->pages;
}

static struct range whole(struct slot *slot)
{
	return (struct range){slot, 0, slot->pages};
}

static void see(struct range r)
{
	seen[!!seen[0].slot] = r;
}

static struct slot *free_slot(void)
{
	size_t i;

	for (i = 0; i < SLOTS; i++)
		if (!slots[i].pages)
			return &slots[i];
	return NULL;
}

/* NULL if there is none. */
static struct slot *pick_slot(void)
{
	size_t i, start = rng_below(&rng, SLOTS);

	for (i = 0; i < SLOTS; i++)
		if (slots[(start + i) % SLOTS].pages)
			return &slots[(start + i) % SLOTS];
	return NULL;
}

static struct range pick_within(struct slot *slot)
{
	struct range r = whole(slot);

	switch (rng_below(&rng, 5)) {
	case 0: /* the whole */
		break;
	case 1: /* the head */
		r.pages = some(slot->pages);
		break;
	case 2: /* the tail */
		r.first = rng_below(&rng, slot->pages);
		r.pages = slot->pages - r.first;
		break;
	default:
		r.first = rng_below(&rng, slot->pages);
		r.pages = some(slot->pages - r.first);
	}
	return r;
}

/* A range of some slot, nothing if there is none. */
static bool pick_range(struct range *ret_range)
{
	struct slot *slot = pick_slot();

	if (slot)
		*ret_range = pick_within(slot);
	return slot;
}

static bool overlap(struct range a, struct range b)
{
	return a.slot == b.slot && a.first < b.first + b.pages &&
	       b.first < a.first + a.pages;
}

/* The last hole of a slot, or a part of it; @range stays if there is none. */
static void pick_hole(struct range *range)
{
	struct range r = {NULL, 0, 0};
	struct slot *slot;
	size_t i;

	for (slot = slots; slot < slots + SLOTS; slot++)
		for (i = 0; i < slot->pages; i++) {
			if (slot->page[i].kind != HOLE)
				continue;
			if (r.slot != slot || r.first + r.pages != i)
				r = (struct range){slot, i, 0};
			r.pages++;
		}
	if (!r.slot)
		return;
	i = rng_below(&rng, r.pages);
	*range = (struct range){r.slot, r.first + i, some(r.pages - i)};
}

/*
 * A range as it is passed: often as long as it is, sometimes with an end inside
 * of the last page, seldom wrong. It never leaves the range but at the end of
 * the address space, where every call has to refuse it.
 */
struct span {
	struct range range;
	char *base;
	size_t length;
};

static struct span span_of(struct range r)
{
	struct span s = {r, base_of(r), r.pages * page_size};
	size_t offset;

	switch (rng_below(&rng, 40)) {
	case 0:
		offset = some(page_size - 1);
		s.base += offset;
		s.length -= offset;
		break;
	case 1:
		s.length = 0;
		s.range.pages = 0;
		break;
	case 2:
		s.length = -rng_below(&rng, 100) * page_size - 1;
		s.range.pages = 0;
		break;
	case 3:
	case 4:
	case 5:
		s.length -= rng_below(&rng, page_size);
		break;
	default:
		break;
	}
	return s;
}

/* "name(slot+page+bytes, length": the rest of the line is the caller's. */
static void say_call(const char *name, struct span s)
{
	calls++;
	say("%s(%d+%zu+%zu, %#zx", name, id(s.range.slot), s.range.first,
	    (size_t)(s.base - base_of(s.range)), s.length);
	see(s.range);
}

/* ---- the states of pages ----------------------------------------------- */

static void cut_before(struct slot *slot, size_t page)
{
	if (page < slot->pages)
		slot->page[page].cut = true;
}

static void cut_around(struct range r)
{
	cut_before(r.slot, r.first);
	cut_before(r.slot, r.first + r.pages);
}

static void cut_all(struct range r)
{
	size_t i;

	for (i = 0; i <= r.pages; i++)
		cut_before(r.slot, r.first + i);
}

static void set_state(struct range r, enum kind kind, int prot)
{
	struct page_state *page = state_of(r);
	size_t i;

	for (i = 0; i < r.pages; i++)
		page[i] = (struct page_state){
			(unsigned char)kind, (unsigned char)prot, false, false};
	cut_around(r);
}

static void set_special(struct range r)
{
	struct page_state *page = state_of(r);
	size_t i;

	for (i = 0; i < r.pages; i++)
		page[i].special = true;
	cut_all(r);
}

/* For what stops at the first hole: so many pages it reached. */
static struct range up_to_hole(struct range r)
{
	size_t i;

	for (i = 0; i < r.pages && state_of(r)[i].kind != HOLE; i++)
		;
	r.pages = i;
	return r;
}

/* After a call that fails halfway, or in a child: where are holes now? */
static void find_holes(struct range r)
{
	size_t i;

	for (i = 0; i < r.pages; i++)
		if (page_is_hole((unsigned char *)base_of(r) + i * page_size))
			state_of(r)[i].kind = HOLE;
}

static bool all_are(struct range r, enum kind kind, int prot)
{
	struct page_state *page = state_of(r);
	size_t i;

	for (i = 0; i < r.pages; i++)
		if (page[i].kind != kind || (page[i].prot & prot) != prot)
			return false;
	return true;
}

static bool any_special(struct range r)
{
	struct page_state *page = state_of(r);
	size_t i;

	for (i = 0; i < r.pages; i++)
		if (page[i].special)
			return true;
	return false;
}

/* How many mappings are in a range? */
enum unity { ONE, SEVERAL, UNCERTAIN };

static enum unity unity_of(struct range r)
{
	struct page_state *page = state_of(r);
	enum unity unity = ONE;
	size_t i;

	for (i = 1; i < r.pages; i++) {
		if (page[i].kind != page[i - 1].kind ||
		    page[i].prot != page[i - 1].prot)
			return SEVERAL;
		if (page[i].cut)
			unity = UNCERTAIN;
	}
	return unity;
}

/* The pages of @r that are one mapping with the first. */
static struct range one_mapping(struct range r)
{
	size_t n = r.pages;

	for (r.pages = 1; r.pages < n; r.pages++) {
		struct range more = {r.slot, r.first, r.pages + 1};

		if (unity_of(more) != ONE)
			break;
	}
	return r;
}

static struct range certain(struct range r)
{
	return unity_of(r) == UNCERTAIN ? one_mapping(r) : r;
}

/* ---- slots ------------------------------------------------------------- */

/* A mapping whose address the kernel chose becomes a slot. */
static struct slot *slot_new(char *base, size_t pages)
{
	struct slot *slot = free_slot();
	size_t i;

	if ((uintptr_t)base % page_size)
		say("  not aligned\n");
	for (i = 0; i < SLOTS; i++)
		if (slots[i].pages &&
		    base < slots[i].base + slots[i].pages * page_size &&
		    base + pages * page_size > slots[i].base)
			say("  overlaps slot %zu\n", i);
	CHECK(slot && pages && pages <= EXTENT);
	slot->base = base;
	slot->pages = pages;
	see(whole(slot));
	return slot;
}

/* A slot shrinks to the pages from the first mapped one to the last. */
static void slot_trim(struct slot *slot)
{
	size_t i, n = slot->pages;

	while (n && slot->page[n - 1].kind == HOLE)
		n--;
	for (i = 0; i < n && slot->page[i].kind == HOLE; i++)
		;
	slot->base += i * page_size;
	slot->pages = n - i;
	memmove(slot->page, slot->page + i,
		(n - i) * sizeof(struct page_state));
	cut_before(slot, 0);
}

static void slot_plug(struct range hole)
{
	char *base = base_of(hole), *p;

	p = mmap(base, hole.pages * page_size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0);
	say("  plug %d+%zu*%zu: %s\n", id(hole.slot), hole.first, hole.pages,
	    p == base ? "done" : "refused");
	set_state(hole, ANON, PROT_NONE);
}

/* No holes remain that the kernel could give away. */
static void settle(void)
{
	struct slot *slot;
	struct range hole;

	for (slot = slots; slot < slots + SLOTS; slot++) {
		slot_trim(slot);
		hole = (struct range){slot, 0, 0};
		while (hole.first < slot->pages) {
			for (hole.pages = 0;
			     slot->page[hole.first + hole.pages].kind == HOLE;
			     hole.pages++)
				;
			if (hole.pages)
				slot_plug(hole);
			hole.first += hole.pages + 1;
		}
	}
}

#endif
