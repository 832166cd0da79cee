/* SPDX-License-Identifier: MIT */
/*
 * model_vma.c - vm_areas against a naive model: an array that says of each page
 * of a window whose it is. Random areas come, are cut, split, changed and
 * merged; after every step the areas are exactly the runs of equal pages in the
 * array, the mm is valid, and everything that can be looked up is what a search
 * of the array says. The same while memory is short: what fails leaves
 * everything as it was.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/control.h"
#include "os_fake.h"
#include "page_alloc/page.h"
#include "slab/slab.h"
#include "vma/vma.h"

enum {
	MAX_PAGES = 4096,
	/* What a flag may be; few, so that neighbours are often equal. */
	SOME_FLAGS = VM_READ | VM_LOCKED,
	ALL_FLAGS = SOME_FLAGS | VM_ALONE,
};

/* Aligned to a page and to nothing larger. */
#define WINDOW 0x7ff000003000ul

static struct mm mm;

/* --- the model --- */

static struct cell {
	bool used;
	uint32_t flags;
	unsigned int id; /* tells VM_ALONE areas apart */
	size_t pgoff;
	const struct pagoda_vm_operations *ops;
	void *private_data;
	/* Of the area that starts here; elsewhere 0. */
	uint64_t faults, filled;
} cells[MAX_PAGES];

static struct run {
	size_t start, end; /* pages */
} runs[MAX_PAGES];

static size_t nr_pages, nr_runs;
static unsigned int last_id;

/* What happened at all: a test of things that never happen tests nothing. */
static struct {
	size_t inserts, merges, holes_cut, heads_cut, tails_cut, wholes, splits;
	size_t placed, full, refused;
} seen;

static uintptr_t addr_of(size_t page)
{
	return WINDOW + (page << PAGE_SHIFT);
}

static size_t page_of(uintptr_t addr)
{
	return (addr - WINDOW) >> PAGE_SHIFT;
}

/* Is page @i of the same area as the one before it? */
static bool continues(size_t i)
{
	const struct cell *a = &cells[i - 1], *b = &cells[i];

	return a->used && b->used && a->flags == b->flags && a->ops == b->ops &&
	       a->private_data == b->private_data && a->pgoff + 1 == b->pgoff &&
	       (!(a->flags & VM_ALONE) || a->id == b->id);
}

/*
 * Find the runs anew; counters of what is one now are added up.
 * @parts: how many there would be if none had merged.
 */
static void find_runs(size_t parts)
{
	nr_runs = 0;
	for (size_t i = 0; i < nr_pages; i++) {
		struct cell *c = &cells[i];

		if (!c->used)
			continue;
		if (!i || !continues(i)) {
			runs[nr_runs++].start = i;
		} else {
			struct cell *first = &cells[runs[nr_runs - 1].start];

			first->faults += c->faults;
			first->filled += c->filled;
			c->faults = c->filled = 0;
		}
		runs[nr_runs - 1].end = i + 1;
	}
	CHECK(nr_runs <= parts);
	seen.merges += parts - nr_runs;
}

/* The first run that ends behind @page; nr_runs: none. */
static size_t run_behind(size_t page)
{
	size_t i = 0;

	while (i < nr_runs && runs[i].end <= page)
		i++;
	return i;
}

static bool in_run(size_t page, size_t run)
{
	return run < nr_runs && runs[run].start < page && page < runs[run].end;
}

static void model_unmap(size_t start, size_t end)
{
	size_t parts = nr_runs;

	for (size_t i = 0; i < nr_runs; i++) {
		struct run r = runs[i];

		if (r.end <= start || r.start >= end)
			continue;
		if (r.start >= start && r.end > end) {
			cells[end].faults = cells[r.start].faults;
			cells[end].filled = cells[r.start].filled;
		}
		for (size_t k = r.start; k < r.end; k++)
			if (k >= start && k < end)
				cells[k] = (struct cell){ 0 };
		if (r.start < start && r.end > end) {
			seen.holes_cut++;
			parts++;
		} else if (r.start < start) {
			seen.tails_cut++;
		} else if (r.end > end) {
			seen.heads_cut++;
		} else {
			seen.wholes++;
			parts--;
		}
	}
	find_runs(parts);
}

static uint32_t new_flags(size_t page, uint32_t set, uint32_t clear)
{
	return (cells[page].flags & ~clear) | set;
}

static void model_change(size_t start, size_t end, uint32_t set, uint32_t clear)
{
	size_t parts = nr_runs;

	for (size_t i = 0; i < nr_runs; i++) {
		struct run r = runs[i];

		if (r.end <= start || r.start >= end ||
		    new_flags(r.start, set, clear) == cells[r.start].flags)
			continue;
		parts += r.start < start;
		parts += r.end > end;
		last_id += 2;
		for (size_t k = r.start; k < r.end; k++) {
			if (k >= start && k < end) {
				cells[k].flags = new_flags(k, set, clear);
				cells[k].id = last_id;
			} else if (k >= end) {
				cells[k].id = last_id - 1;
			}
		}
	}
	seen.splits += parts - nr_runs;
	find_runs(parts);
}

static size_t free_pages_from(size_t page)
{
	size_t end = page;

	while (end < nr_pages && !cells[end].used)
		end++;
	return end - page;
}

/* --- is what there is what there should be? --- */

static void check_area(const struct vm_area *vma, size_t run)
{
	const struct cell *c;

	if (run >= nr_runs) {
		CHECK(!vma);
		return;
	}
	c = &cells[runs[run].start];
	CHECK(vma);
	CHECK(vma->start == addr_of(runs[run].start));
	CHECK(vma->end == addr_of(runs[run].end));
	CHECK(vma->flags == c->flags);
	CHECK(vma->pgoff == c->pgoff);
	CHECK(vma->ops == c->ops);
	CHECK(vma->private_data == c->private_data);
	CHECK(vma->faults == c->faults);
	CHECK(vma->filled == c->filled);
}

static void check_all(void)
{
	const struct vm_area *vma = NULL;
	size_t used = 0;

	mm_validate(&mm);
	if (!list_empty(&mm.areas))
		vma = list_first_entry(&mm.areas, struct vm_area, list);
	for (size_t i = 0; i < nr_runs; i++) {
		check_area(vma, i);
		vma = vma_next(&mm, vma);
		used += runs[i].end - runs[i].start;
	}
	CHECK(!vma);
	CHECK(mm.map_count == nr_runs);
	CHECK(mm.total_vm == used);
}

/* Some address in the window or around it, often just where something ends. */
static uintptr_t any_addr(struct rng *r)
{
	uintptr_t addr = addr_of(rng_below(r, nr_pages + 1));

	switch (rng_below(r, 8)) {
	case 0:
		return addr + rng_below(r, PAGE_SIZE);
	case 1:
		return addr - 1;
	case 2:
		return rng_below(r, 2) ? 0 : UINTPTR_MAX;
	default:
		return addr;
	}
}

/* The run an address is in or below. */
static size_t run_at(uintptr_t addr)
{
	if (addr < WINDOW)
		return 0;
	return run_behind(page_of(addr));
}

static void check_lookups(struct rng *r)
{
	uintptr_t addr = any_addr(r), end = any_addr(r);
	struct vm_area *vma, *prev;
	size_t run = run_at(addr);

	vma = find_vma(&mm, addr);
	check_area(vma, run);
	if (vma)
		check_area(vma_next(&mm, vma), run + 1);
	addr = any_addr(r);
	run = run_at(addr);
	check_area(find_vma_prev(&mm, addr, &prev), run);
	check_area(prev, run ? run - 1 : nr_runs);
	vma = find_vma_intersection(&mm, addr, end);
	if (addr >= end || run >= nr_runs || addr_of(runs[run].start) >= end)
		CHECK(!vma);
	else
		check_area(vma, run);
}

static void check_mapped(struct rng *r)
{
	size_t start = rng_below(r, nr_pages), end = start, want;

	while (end < nr_pages && cells[end].used)
		end++;
	want = rng_below(r, nr_pages - start + 1);
	CHECK(mapped_without_hole(&mm, addr_of(start), addr_of(start + want)) ==
	      min_size(want, end - start) << PAGE_SHIFT);
	CHECK(mapped_without_hole(&mm, addr_of(start), addr_of(start)) == 0);
	CHECK(mapped_without_hole(&mm, addr_of(end), addr_of(start)) == 0);
}

static uintptr_t model_unmapped_area(size_t nr, size_t align)
{
	for (size_t i = 0; i < nr_pages; i++)
		if (addr_of(i) % align == 0 && (!i || !cells[i - 1].used) &&
		    free_pages_from(i) > nr)
			return addr_of(i);
	return 0;
}

static uintptr_t check_unmapped_area(struct rng *r)
{
	size_t nr = rng_log(r, nr_pages + 2);
	size_t align = (size_t)PAGE_SIZE << rng_log(r, 12) / 2;
	uintptr_t addr = get_unmapped_area(&mm, nr << PAGE_SHIFT, align);

	CHECK(addr == model_unmapped_area(nr, align));
	seen.placed += addr != 0;
	seen.full += !addr;
	return addr;
}

/* --- operations --- */

static struct vm_area any_desc(struct rng *r, size_t start, size_t end)
{
	static const char something[2];
	struct vm_area desc = {
		.start = addr_of(start),
		.end = addr_of(end),
		.flags = (uint32_t)rng_next(r) & SOME_FLAGS,
		/* Mostly like the neighbours'. */
		.pgoff = rng_below(r, 8) ? 100 + start : rng_below(r, 50),
		/* What nobody should look at. */
		.faults = rng_next(r),
		.max_gap = rng_next(r),
		.height = 77,
	};

	if (rng_below(r, 8) == 0)
		desc.flags |= VM_ALONE;
	if (rng_below(r, 4) == 0)
		desc.ops = (const void *)&something[rng_below(r, 2)];
	if (rng_below(r, 8) == 0)
		desc.private_data = &cells[rng_below(r, 2)];
	return desc;
}

static bool insert(const struct vm_area *desc)
{
	size_t start = page_of(desc->start), end = page_of(desc->end);
	struct vm_area *vma;
	size_t run;

	last_id++;
	for (size_t i = start; i < end; i++)
		cells[i] = (struct cell){
			.used = true,
			.flags = desc->flags,
			.id = last_id,
			.pgoff = desc->pgoff + i - start,
			.ops = desc->ops,
			.private_data = desc->private_data,
		};
	find_runs(nr_runs + 1);
	run = run_behind(start);
	vma = insert_vm_area(&mm, desc);
	if (!vma) {
		/* No memory was needed if it continues an area. */
		CHECK(runs[run].start == start && runs[run].end == end);
		memset(&cells[start], 0, (end - start) * sizeof(cells[0]));
		find_runs(nr_runs - 1);
		return false;
	}
	check_area(vma, run);
	seen.inserts++;
	return true;
}

/* At a place of its own choice, or wherever there is room. */
static bool insert_somewhere(struct rng *r, size_t max)
{
	size_t start = rng_below(r, nr_pages), room;
	struct vm_area desc;

	if (rng_below(r, 4) == 0) {
		size_t nr = rng_log(r, max);
		uintptr_t addr = get_unmapped_area(&mm, nr << PAGE_SHIFT,
						   PAGE_SIZE);

		if (!addr)
			return true;
		desc = any_desc(r, page_of(addr), page_of(addr) + nr);
		return insert(&desc);
	}
	/* At the start of a hole as often as inside it. */
	if (rng_below(r, 2))
		while (start && !cells[start - 1].used)
			start--;
	room = free_pages_from(start);
	if (!room)
		return true;
	if (rng_below(r, 3))
		room = min_size(room, rng_log(r, max));
	desc = any_desc(r, start, start + room);
	return insert(&desc);
}

/* What unmap_areas() said that goes, page by page. */
static bool is_gone[MAX_PAGES];
static size_t nr_gone_pieces;
static uintptr_t gone_up_to;

static void gone(const struct vm_area *vma, uintptr_t start, uintptr_t end)
{
	CHECK(start >= gone_up_to && start < end);
	gone_up_to = end;
	/* As it was before: nothing was changed in it. */
	check_area(vma, run_behind(page_of(start)));
	CHECK(vma->start <= start && end <= vma->end);
	mm_validate(&mm);
	for (size_t i = page_of(start); i < page_of(end); i++)
		is_gone[i] = true;
	nr_gone_pieces++;
}

static void check_gone(size_t start, size_t end)
{
	size_t pieces = 0;

	for (size_t i = 0; i < nr_pages; i++)
		CHECK(is_gone[i] == (cells[i].used && i >= start && i < end));
	for (size_t i = 0; i < nr_runs; i++)
		pieces += start < end && runs[i].start < end &&
			  runs[i].end > start;
	CHECK(nr_gone_pieces == pieces);
}

/* These two return false if memory ran out, which they check was needed. */
static bool unmap(size_t start, size_t end, bool tell)
{
	int err;

	memset(is_gone, 0, sizeof(is_gone));
	nr_gone_pieces = 0;
	gone_up_to = 0;
	err = unmap_areas(&mm, addr_of(start), addr_of(end),
			  tell ? gone : NULL);
	if (err) {
		CHECK(err == -ENOMEM);
		CHECK(in_run(start, run_behind(start)) &&
		      in_run(end, run_behind(start)));
		CHECK(nr_gone_pieces == 0);
		return false;
	}
	if (tell)
		check_gone(start, end);
	if (start < end)
		model_unmap(start, end);
	return true;
}

static bool change(size_t start, size_t end, uint32_t set, uint32_t clear)
{
	int err = change_areas(&mm, addr_of(start), addr_of(end), set, clear);

	if (err) {
		CHECK(err == -ENOMEM);
		CHECK(in_run(start, run_behind(start)) ||
		      in_run(end, run_behind(end)));
		return false;
	}
	if (start < end)
		model_change(start, end, set, clear);
	return true;
}

/* A range, often of whole areas or of the middle of one. */
static struct run any_range(struct rng *r, size_t max)
{
	size_t start = rng_below(r, nr_pages);
	size_t end = min_size(start + rng_log(r, max), nr_pages);
	struct run range = { start, end };
	size_t run = run_behind(start);

	if (run < nr_runs && rng_below(r, 3) == 0)
		range.start = runs[run].start;
	if (run < nr_runs && rng_below(r, 3) == 0)
		range.end = runs[run].end;
	if (rng_below(r, 100) == 0)
		range = (struct run){ end, start };
	if (rng_below(r, 500) == 0)
		range = (struct run){ 0, nr_pages };
	return range;
}

/* As the pager does it, so that there is something to add up. */
static void count_faults(struct rng *r)
{
	struct vm_area *vma = find_vma(&mm, any_addr(r));

	if (vma) {
		struct cell *c = &cells[page_of(vma->start)];

		vma->faults = c->faults += 1 + rng_below(r, 3);
		vma->filled = c->filled += 1 + rng_below(r, 30);
	}
}

/* Return: false if memory ran out. */
static bool do_something(struct rng *r, size_t max)
{
	struct run range = any_range(r, max);
	uint32_t set, clear;

	switch (rng_below(r, 9)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return insert_somewhere(r, max);
	case 4:
	case 5:
		return unmap(range.start, range.end, rng_below(r, 4));
	default:
		set = (uint32_t)rng_next(r) & SOME_FLAGS;
		clear = (uint32_t)rng_next(r) & SOME_FLAGS;
		if (rng_below(r, 16) == 0)
			set |= VM_ALONE;
		else if (rng_below(r, 4) == 0)
			clear |= VM_ALONE;
		return change(range.start, range.end, set, clear);
	}
}

/* --- the cache of vm_areas --- */

static struct kmem_cache *find_cache(void)
{
	for (unsigned int id = FIRST_NAMED_CACHE; id <= LAST_NAMED_CACHE; id++)
		if (!strcmp(control.caches[id].name, "vm_area"))
			return &kmem_caches[id];
	CHECK(false);
	return NULL;
}

static void begin(size_t pages)
{
	core_start("percpu=lock,span=65536,thp=off");
	assert_int_equal(vma_init(), 0);
	nr_pages = pages;
	mm_init(&mm, WINDOW, addr_of(pages), AREA_MMAP);
	check_all();
}

static void finish(void)
{
	/* Refuses while an area is handed out. */
	CHECK(kmem_cache_destroy(find_cache()) == 0);
}

/* --- models --- */

static void run_model(uint64_t stream, unsigned int steps, size_t pages,
		      size_t max)
{
	struct rng rng = rng_seeded(stream);

	begin(pages);
	for (unsigned int i = 0; i < steps; i++) {
		CHECK(do_something(&rng, max));
		check_all();
		for (int k = 0; k < 3; k++)
			check_lookups(&rng);
		check_mapped(&rng);
		check_unmapped_area(&rng);
		count_faults(&rng);
	}
	/* Everything was gone through, often. */
	CHECK(seen.inserts > steps / 10);
	CHECK(seen.merges > steps / 20);
	CHECK(seen.splits > steps / 20);
	CHECK(seen.holes_cut > steps / 200);
	CHECK(seen.heads_cut > steps / 100);
	CHECK(seen.tails_cut > steps / 100);
	CHECK(seen.wholes > steps / 20);
	CHECK(seen.placed > steps / 20);
	CHECK(seen.full > steps / 20);
	CHECK(unmap(0, nr_pages, true));
	check_all();
	finish();
}

static void test_small_window(void **state)
{
	(void)state;
	run_model(1, rounds(60000), 64, 20);
}

static void test_many_areas(void **state)
{
	(void)state;
	run_model(2, rounds(40000), 1024, 16);
}

static void test_large_areas(void **state)
{
	(void)state;
	run_model(3, rounds(40000), 512, 300);
}

static void test_large_window(void **state)
{
	(void)state;
	run_model(4, rounds(20000), 4096, 30);
}

/* --- out of memory --- */

static struct mm hostages; /* areas that hold what memory there is */

static bool take_hostage(void)
{
	struct vm_area desc = {
		.start = hostages.start + 2 * hostages.map_count * PAGE_SIZE,
	};

	desc.end = desc.start + PAGE_SIZE;
	return insert_vm_area(&hostages, &desc);
}

static void free_hostage(void)
{
	struct vm_area *vma =
		list_last_entry(&hostages.areas, struct vm_area, list);

	CHECK(hostages.map_count);
	CHECK(unmap_areas(&hostages, vma->start, vma->end, NULL) == 0);
}

/* From now on there is memory for @nr areas. */
static void leave_memory_for(unsigned int nr)
{
	while (take_hostage())
		;
	while (nr--)
		free_hostage();
}

static void begin_short(size_t pages)
{
	begin(pages);
	mm_init(&hostages, GiB(1), GiB(1) << 10, AREA_NONE);
	/* So that there is enough to take. */
	for (int i = 0; i < 200; i++)
		CHECK(take_hostage());
	os_fake_keep_stderr(true);
	os_fake_fail_from(OS_ALL, 1);
}

/*
 * Like the other models, with memory for at most one area at every step. What
 * fails is as it was, and works when there is memory for two.
 */
static void test_short_of_memory(void **state)
{
	unsigned int steps = rounds(6000);
	struct rng rng = rng_seeded(5);

	(void)state;
	begin_short(256);
	for (unsigned int i = 0; i < steps; i++) {
		struct rng again = rng;

		leave_memory_for(rng_below(&again, 4) == 0);
		rng = again;
		if (!do_something(&again, 30)) {
			seen.refused++;
			check_all();
			again = rng;
			leave_memory_for(2);
			CHECK(do_something(&again, 30));
		}
		rng = again;
		check_all();
		check_lookups(&rng);
		count_faults(&rng);
	}
	CHECK(seen.refused > steps / 20);
	CHECK(unmap(0, nr_pages, true));
	mm_forget(&hostages);
	os_fake_relent();
	finish();
}

static struct vm_area desc_of(size_t start, size_t end, uint32_t flags)
{
	return (struct vm_area){
		.start = addr_of(start),
		.end = addr_of(end),
		.flags = flags,
		.pgoff = start,
	};
}

/* Each operation that needs memory, with all but enough of it. */
static void test_out_of_memory(void **state)
{
	struct vm_area desc;

	(void)state;
	begin_short(100);
	leave_memory_for(1);
	desc = desc_of(10, 20, VM_READ);
	CHECK(insert(&desc));
	desc = desc_of(30, 40, VM_READ);
	CHECK(!insert(&desc));
	check_all();
	/* A hole; and the neighbours of a hole need none. */
	CHECK(!unmap(12, 14, true));
	check_all();
	CHECK(unmap(10, 11, true));
	CHECK(unmap(19, 20, true));
	check_all();
	/* Head, tail, middle: one, one, two. */
	CHECK(!change(11, 13, VM_WRITE, 0));
	check_all();
	CHECK(!change(13, 19, VM_WRITE, 0));
	check_all();
	leave_memory_for(1);
	CHECK(!change(13, 15, VM_WRITE, 0));
	check_all();
	/* The one that was got before the other was missed was given back. */
	CHECK(take_hostage());
	leave_memory_for(1);
	CHECK(change(11, 13, VM_WRITE, 0));
	check_all();
	/* Merging needs none, nor what changes nothing. */
	CHECK(change(12, 13, VM_WRITE, 0));
	desc = desc_of(19, 25, VM_READ);
	CHECK(insert(&desc));
	check_all();
	CHECK(unmap(0, 100, true));
	check_all();
	mm_forget(&hostages);
	os_fake_relent();
	finish();
}

/* --- single promises --- */

static uintptr_t place(size_t nr, size_t align)
{
	return get_unmapped_area(&mm, nr << PAGE_SHIFT, align);
}

static void test_holes(void **state)
{
	struct vm_area desc;

	(void)state;
	begin(20);
	/* The guard lies in the window, too. */
	assert_int_equal(place(20, PAGE_SIZE), 0);
	assert_int_equal(place(SIZE_MAX >> PAGE_SHIFT, PAGE_SIZE), 0);
	assert_int_equal(place(19, PAGE_SIZE), addr_of(0));
	desc = desc_of(5, 10, VM_READ);
	CHECK(insert(&desc));
	/* ....G | AAAAA G ........ G */
	assert_int_equal(place(4, PAGE_SIZE), addr_of(0));
	assert_int_equal(place(5, PAGE_SIZE), addr_of(11));
	assert_int_equal(place(8, PAGE_SIZE), addr_of(11));
	assert_int_equal(place(9, PAGE_SIZE), 0);
	desc = desc_of(13, 15, VM_READ);
	CHECK(insert(&desc));
	/* ....G | AAAAA G . G | BB G ... G */
	assert_int_equal(place(4, PAGE_SIZE), addr_of(0));
	assert_int_equal(place(3, 16 * PAGE_SIZE), 0);
	assert_int_equal(place(2, 8 * PAGE_SIZE), 0);
	assert_int_equal(place(3, 2 * PAGE_SIZE), addr_of(1));
	CHECK(unmap(5, 6, false));
	desc = desc_of(0, 5, VM_READ);
	CHECK(insert(&desc));
	assert_int_equal(place(1, PAGE_SIZE), addr_of(11));
	/* A page between two areas is nobody's place. */
	assert_int_equal(place(2, PAGE_SIZE), addr_of(16));
	check_all();
}

/* Ascending, descending, and from both ends: as low as AVL trees are. */
static void test_balance(void **state)
{
	enum { NR = 20000 };
	struct vm_area desc;

	(void)state;
	begin(MAX_PAGES);
	for (int how = 0; how < 3; how++) {
		mm_init(&mm, WINDOW, WINDOW + 4ul * NR * PAGE_SIZE,
			AREA_MMAP);
		for (size_t i = 0; i < NR; i++) {
			size_t k = how == 0 ? i : NR - 1 - i;

			if (how == 2 && i % 2)
				k = i;
			else if (how == 2)
				k = NR - 2 - i;
			desc = desc_of(2 * k, 2 * k + 1, VM_READ);
			assert_non_null(insert_vm_area(&mm, &desc));
		}
		mm_validate(&mm);
		assert_int_equal(mm.map_count, NR);
		/* At most 1.44 * log2(NR). */
		assert_in_range(mm.root->height, 15, 20);
		/* The only hole is behind them. */
		assert_int_equal(place(1, PAGE_SIZE), addr_of(2 * NR));
		/* Half of them, from the left. */
		for (size_t i = 0; i < NR / 2; i++)
			assert_int_equal(unmap_areas(&mm, addr_of(2 * i),
						     addr_of(2 * i + 1), NULL),
					 0);
		mm_validate(&mm);
		assert_in_range(mm.root->height, 14, 19);
		assert_int_equal(place(NR - 1, PAGE_SIZE), addr_of(0));
		mm_forget(&mm);
		mm_validate(&mm);
		assert_int_equal(mm.map_count, 0);
	}
	finish();
}

static void insert_over(void *arg)
{
	struct vm_area desc = *(struct vm_area *)arg;

	insert_vm_area(&mm, &desc);
}

static void test_misuse(void **state)
{
	struct vm_area desc = desc_of(10, 20, VM_READ);

	(void)state;
	begin(100);
	CHECK(insert(&desc));
	desc = desc_of(19, 21, VM_READ);
	expect_bug(insert_over, &desc, "next->start < desc->end");
	desc = desc_of(5, 11, VM_READ);
	expect_bug(insert_over, &desc, "next->start < desc->end");
	desc = desc_of(5, 25, VM_READ);
	expect_bug(insert_over, &desc, "next->start < desc->end");
	desc = desc_of(99, 101, VM_READ);
	expect_bug(insert_over, &desc, "desc->end > mm->end");
	desc = desc_of(30, 30, VM_READ);
	expect_bug(insert_over, &desc, "desc->start >= desc->end");
	desc = desc_of(30, 31, VM_READ);
	desc.end--;
	expect_bug(insert_over, &desc, "PAGE_SIZE");
}

/* --- does mm_validate() see what is wrong? --- */

static void damage(void *arg)
{
	struct vm_area *vma = find_vma(&mm, addr_of(50));
	static struct vm_area copy;
	struct vm_area *first =
		list_first_entry(&mm.areas, struct vm_area, list);

	switch (*(int *)arg) {
	case 0:
		mm.root->height++;
		break;
	case 1:
		vma->max_gap += PAGE_SIZE;
		break;
	case 2:
		mm.map_count++;
		break;
	case 3:
		mm.total_vm--;
		break;
	case 4:
		copy = *vma;
		mm.last_found = &copy;
		break;
	case 5:
		list_del(&vma->list);
		break;
	case 6:
		vma->end++;
		break;
	case 7:
		vma->end = vma->start;
		break;
	case 8:
		first->start = mm.start - PAGE_SIZE;
		break;
	case 9:
		vma->end = vma_next(&mm, vma)->end;
		break;
	case 10:
		vma->flags = vma_next(&mm, vma)->flags;
		break;
	case 11:
		mm.root->left = NULL;
		break;
	case 12:
		mm.areas.prev = &first->list;
		break;
	default:
		return;
	}
	mm_validate(&mm);
}

static void test_validate(void **state)
{
	enum { NR = 13 };

	(void)state;
	begin(200);
	for (size_t i = 0; i < 20; i++) {
		struct vm_area desc = desc_of(10 * i + 3, 10 * i + 10,
					      i % 2 ? VM_READ : VM_WRITE);

		/* Two have no hole before them. */
		if (i == 5 || i == 19)
			desc = desc_of(10 * i, 10 * i + 10, desc.flags);
		CHECK(insert(&desc));
	}
	check_all();
	for (int what = 0; what < NR; what++)
		expect_bug(damage, &what, "lib/vma/vma.c");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_window),
		cmocka_unit_test(test_many_areas),
		cmocka_unit_test(test_large_areas),
		cmocka_unit_test(test_large_window),
		cmocka_unit_test(test_short_of_memory),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_validate),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
