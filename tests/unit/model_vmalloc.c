/* SPDX-License-Identifier: MIT */
/*
 * model_vmalloc.c - areas against a naive model: an array that says which area
 * owns each page of VMALLOC space. Random areas come, grow, move, shrink and
 * go: none overlaps another, contents stay through every move, "zeroed" is
 * zero, alignments up to 64 MiB hold, free neighbours merge, and the counters
 * add up.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os_fake.h"
#include "page_alloc/internal.h"
#include "page_alloc/thp.h"
#include "vmalloc/vmalloc.h"

enum { MAX_AREAS = 64 };

static struct area {
	uint64_t *p;
	size_t nr; /* pages; 0: none */
	uint64_t stamp;
} areas[MAX_AREAS];

static uint8_t *owner; /* of each pfn: 1 + area */
static size_t live_pages, nr_areas;

enum { WORDS = PAGE_SIZE / 8 };

static void stamp_pages(struct area *a, size_t from, size_t to)
{
	/* The first and last pages, and some: touching all takes too long. */
	for (size_t i = from; i < to; i += i < from + 4 || i + 8 > to ? 1 : 61)
		a->p[i * WORDS] = a->stamp + i;
	a->p[to * WORDS - 1] = a->stamp - to;
}

/* [0, nr) were stamped by one call. */
static void check_stamps(const struct area *a, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t v = a->p[i * WORDS];

		if (i < 4 || v)
			CHECK(v == a->stamp + i);
	}
}

static void own(struct area *a)
{
	size_t pfn = addr_to_pfn(a->p);

	CHECK(in_span(a->p) && pfn + a->nr <= span.nr_pages);
	CHECK(pfn >= zone_of(0, ZONE_NORMAL)->online_pfn);
	for (size_t i = 0; i < a->nr; i++) {
		CHECK(!owner[pfn + i]);
		owner[pfn + i] = (uint8_t)(a - areas + 1);
	}
	live_pages += a->nr;
	nr_areas++;
}

static void disown(struct area *a)
{
	size_t pfn = addr_to_pfn(a->p);

	for (size_t i = 0; i < a->nr; i++) {
		CHECK(owner[pfn + i] == a - areas + 1);
		owner[pfn + i] = 0;
	}
	live_pages -= a->nr;
	nr_areas--;
}

static void check_counters(void)
{
	const struct control_vmalloc *v = &control.vmalloc;
	struct control_vmap_group all = vmalloc_stat();

	CHECK(all.used == live_pages << PAGE_SHIFT);
	CHECK(all.nr_areas == nr_areas);
	CHECK(all.unpurged + all.used <= v->online);
	CHECK(v->end - v->online >= v->start);
}

/*
 * The pages of the space, walked from its start: each piece is a live area or a
 * free extent, free extents know their ends, and no two alike are neighbours.
 */
static void check_space(void)
{
	size_t pfn = span.nr_pages - (control.vmalloc.online >> PAGE_SHIFT);
	size_t unpurged = 0, found = 0;
	int before = -1;

	while (pfn < span.nr_pages) {
		const struct page *page = pfn_to_page(pfn);

		if (page->type == PAGE_VMALLOC) {
			CHECK(page->nr_pages && page->nr_pages <= page->room);
			CHECK(owner[pfn]);
			CHECK(page->nr_pages == areas[owner[pfn] - 1].nr);
			pfn += page->room;
			before = -1;
			found++;
			continue;
		}
		CHECK(page->type == PAGE_VFREE);
		CHECK(page->cold != before);
		before = page->cold;
		if (page->nr_pages > 1) {
			CHECK(page[page->nr_pages - 1].type == PAGE_VTAIL);
			CHECK(page[page->nr_pages - 1].nr_pages ==
			      page->nr_pages);
		}
		if (!page->cold)
			unpurged += page->nr_pages;
		for (size_t i = 0; i < page->nr_pages; i++)
			CHECK(!owner[pfn + i]);
		pfn += page->nr_pages;
	}
	CHECK(pfn == span.nr_pages);
	CHECK(found == nr_areas);
	CHECK(vmalloc_stat().unpurged == unpurged << PAGE_SHIFT);
}

/* --- operations --- */

static void make(struct rng *r, struct area *a, size_t max)
{
	size_t nr = rng_log(r, max);
	size_t align = rng_below(r, 4) ? PAGE_SIZE :
					 (size_t)PAGE_SIZE << rng_below(r, 15);
	size_t room = rng_below(r, 2) ? nr : nr + rng_below(r, max);
	bool zero = rng_below(r, 2);

	a->p = vmalloc_pages(nr, room, align, zero, true);
	if (!a->p)
		return;
	CHECK((uintptr_t)a->p % align == 0);
	a->nr = nr;
	a->stamp = rng_next(r) | 1ull << 63;
	own(a);
	if (zero)
		CHECK(pages_are_zero(a->p, nr));
	else
		memset(a->p, 0, nr << PAGE_SHIFT);
	stamp_pages(a, 0, nr);
}

static void destroy(struct area *a)
{
	check_stamps(a, a->nr);
	CHECK(a->p[a->nr * WORDS - 1] == a->stamp - a->nr);
	disown(a);
	a->nr = 0;
	CHECK(vfree(virt_to_page(a->p), true));
}

static void resize(struct rng *r, struct area *a, size_t max)
{
	size_t old = a->nr, nr = rng_log(r, max);
	uint64_t *p;

	check_stamps(a, old);
	disown(a);
	p = vrealloc(virt_to_page(a->p), nr, true);
	if (p) {
		a->p = p;
		a->nr = nr;
		CHECK(virt_to_page(p)->type == PAGE_VMALLOC);
	} else {
		/* Not done: as it was. */
		CHECK(nr > old);
	}
	CHECK(virt_to_page(a->p)->nr_pages == a->nr);
	own(a);
	check_stamps(a, min_size(old, a->nr));
	if (a->nr >= old)
		CHECK(a->p[old * WORDS - 1] == a->stamp - old);
	memset(a->p, 0, a->nr << PAGE_SHIFT);
	stamp_pages(a, 0, a->nr);
}

/* A page block becomes the start of an area, without copying. */
static void move_in(struct rng *r, struct area *a)
{
	size_t nr = 1 + rng_below(r, 1024), more = nr + rng_below(r, 3000);
	uint64_t *block = alloc_pages_exact(nr, 0, GFP_KERNEL);

	if (!block)
		return;
	a->p = vmalloc_pages(more, 4 * more, PAGE_SIZE, false, true);
	if (!a->p) {
		CHECK(free_pages_exact(virt_to_page(block), true));
		return;
	}
	memset(block, 0, nr << PAGE_SHIFT);
	for (size_t i = 0; i < nr; i++)
		block[i * WORDS] = i + 1;
	CHECK(vmalloc_move_in(block, nr, a->p));
	for (size_t i = 0; i < nr; i++)
		CHECK(a->p[i * WORDS] == i + 1);
	CHECK(pages_are_zero(block, nr));
	pages_moved_out(virt_to_page(block));
	CHECK(free_pages_exact(virt_to_page(block), true));
	a->nr = more;
	a->stamp = rng_next(r) | 1ull << 63;
	own(a);
	memset(a->p, 0, more << PAGE_SHIFT);
	stamp_pages(a, 0, more);
}

static void run(uint64_t stream, unsigned int steps, size_t max, size_t most)
{
	struct rng rng = rng_seeded(stream);

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	owner = calloc(span.nr_pages, 1);
	CHECK(owner);
	for (unsigned int i = 0; i < steps; i++) {
		struct area *a = &areas[rng_below(&rng, MAX_AREAS)];
		size_t what = rng_below(&rng, 100);

		if (what < 2)
			vmalloc_decay(1 + (unsigned int)rng_below(&rng, 3));
		else if (what < 3)
			vmalloc_trim();
		else if (a->nr && (what < 50 || live_pages > most))
			destroy(a);
		else if (a->nr)
			resize(&rng, a, max);
		else if (what < 20)
			move_in(&rng, a);
		else
			make(&rng, a, max);
		check_counters();
		if (i % 16 == 0)
			check_space();
	}
	for (int i = 0; i < MAX_AREAS; i++)
		if (areas[i].nr)
			destroy(&areas[i]);
	check_space();
	vmalloc_trim();
	/* One clean extent is left. */
	check_space();
	CHECK(pfn_to_page(span.nr_pages -
			  (control.vmalloc.online >> PAGE_SHIFT))->nr_pages ==
	      control.vmalloc.online >> PAGE_SHIFT);
	CHECK(vmalloc_stat().unpurged == 0);
}

static void test_large_span(void **state)
{
	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	run(1, rounds(800), 3000, 15000);
	/* All the ways were gone. */
	assert_true(sum_vm_event(VMALLOC_MOVE) > rounds(10));
	assert_true(sum_vm_event(VMALLOC_REUSE) > rounds(50));
}

static void test_small_span(void **state)
{
	(void)state;
	core_start("percpu=lock,span=64,thp=off");
	run(2, rounds(1000), 3000, SIZE_MAX);
}

/* Nothing may stay resident: everything is purged at once. */
static void test_no_resident_free(void **state)
{
	(void)state;
	core_start("percpu=lock,span=4096,thp=off,resident_free=0");
	run(3, rounds(600), 2000, 10000);
}

/* The kernel moves nothing: everything is copied, nothing is lost. */
static void test_moves_refused(void **state)
{
	(void)state;
	core_start("percpu=lock,span=4096,thp=off");
	os_fake_fail_from(OS_BIT(OS_MOVE) | OS_BIT(OS_REFRESH), 1);
	owner = calloc(span.nr_pages, 1);
	for (int i = 0; i < 20; i++) {
		struct rng rng = rng_seeded((uint64_t)i);

		make(&rng, &areas[i], 300);
	}
	for (int k = 0; k < 10; k++)
		for (int i = 0; i < 20; i++) {
			struct rng rng = rng_seeded((uint64_t)(100 * k + i));

			resize(&rng, &areas[i], 3000);
		}
	assert_true(os_fake_refused() > 20);
	check_space();
	for (int i = 0; i < 20; i++)
		destroy(&areas[i]);
	check_space();
}

/* --- single promises --- */

static void test_alignment(void **state)
{
	(void)state;
	core_start("percpu=lock,span=65536");
	for (size_t align = PAGE_SIZE; align <= MiB(64); align *= 2) {
		void *p = vmalloc_pages(3, 3, align, true, true);
		void *q = vmalloc_pages(2000, 3000, align, true, true);

		assert_int_equal((uintptr_t)p % align, 0);
		assert_int_equal((uintptr_t)q % align, 0);
		assert_true(vfree(virt_to_page(p), true));
		assert_true(vfree(virt_to_page(q), true));
	}
	assert_null(vmalloc_pages(1, 1, (size_t)1 << 50, false, true));
	assert_null(vmalloc_pages(SIZE_MAX >> PAGE_SHIFT, 1, PAGE_SIZE, false,
				  true));
	assert_null(vmalloc_pages(span.nr_pages, 1, PAGE_SIZE, false, true));
}

static void test_grow_in_place_and_move(void **state)
{
	uint64_t *a, *b, *c;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	a = vmalloc_pages(1000, 4000, PAGE_SIZE, false, true);
	a[0] = 1;
	a[1000 * WORDS - 1] = 2;
	/* Into its room, and back. */
	assert_ptr_equal(vrealloc(virt_to_page(a), 4000, true), a);
	assert_ptr_equal(vrealloc(virt_to_page(a), 1500, true), a);
	/* The space grows down: b lies before a, and cannot grow into it. */
	b = vmalloc_pages(512, 512, PAGE_SIZE, false, true);
	memset(b, 7, 512 << PAGE_SHIFT);
	c = vrealloc(virt_to_page(b), 5000, true);
	assert_non_null(c);
	assert_int_equal(c[0], 0x0707070707070707);
	assert_memory_equal(c, c + 1, (512 << PAGE_SHIFT) - 8);
	assert_int_equal(sum_vm_event(VMALLOC_MOVE), c != b);
	assert_int_equal(a[0], 1);
	assert_int_equal(a[1000 * WORDS - 1], 2);
	/* Without waiting nothing is moved, only grown in place. */
	assert_null(vrealloc(virt_to_page(c), 3000000, false));
	assert_int_equal(virt_to_page(c)->nr_pages, 5000);
}

/* Again and again: pieces of pieces, then copies. Contents stay. */
static void test_many_moves(void **state)
{
	uint64_t *p;
	size_t nr = 16;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	p = vmalloc_pages(nr, nr, PAGE_SIZE, true, true);
	for (size_t i = 0; i < nr; i++)
		p[i * WORDS] = i;
	for (int round = 0; round < 12; round++) {
		size_t more = virt_to_page(p)->room + 1;
		uint64_t *q;

		/* Someone in what is free behind it, so that it cannot grow. */
		while (virt_to_page(p)[virt_to_page(p)->room].type ==
		       PAGE_VFREE)
			vmalloc_pages(1, 1, PAGE_SIZE, false, true);
		q = vrealloc(virt_to_page(p), more, true);
		if (!q) {
			/* No more pieces: the caller copies. */
			assert_int_equal(virt_to_page(p)->nr_pages, nr);
			q = vmalloc_pages(more, more, PAGE_SIZE, false, true);
			memcpy(q, p, nr << PAGE_SHIFT);
			assert_true(vfree(virt_to_page(p), true));
		}
		for (size_t i = nr; i < more; i++)
			q[i * WORDS] = i;
		nr = more;
		p = q;
		for (size_t i = 0; i < nr; i++)
			assert_int_equal(p[i * WORDS], i);
		if (nr > 60000)
			break;
	}
	assert_true(sum_vm_event(VMALLOC_MOVE) >= 3);
}

static void test_zero_after_use(void **state)
{
	uint64_t *p = NULL, *q;

	(void)state;
	/* All of it may stay. */
	core_start("percpu=lock,span=65536,thp=off,resident_free=1048576");
	/* Kept memory is cleared by writing, or by the kernel if it is much. */
	for (size_t nr = 16; nr <= 16384; nr *= 4) {
		p = vmalloc_pages(nr, nr, PAGE_SIZE, false, true);
		memset(p, 0xee, nr << PAGE_SHIFT);
		assert_true(vfree(virt_to_page(p), true));
		q = vmalloc_pages(nr, nr, PAGE_SIZE, true, true);
		assert_true(pages_are_zero(q, nr));
		memset(q, 0xee, nr << PAGE_SHIFT);
		assert_true(vfree(virt_to_page(q), true));
	}
	/* Even if the kernel does not help. */
	os_fake_fail_from(OS_BIT(OS_PURGE), 1);
	q = vmalloc_pages(16384, 16384, PAGE_SIZE, true, true);
	assert_ptr_equal(p, q);
	assert_true(pages_are_zero(q, 16384));
	os_fake_relent();
	assert_true(vfree(virt_to_page(q), true));
	/* Trimmed memory is gone, and zero. */
	vmalloc_trim();
	assert_int_equal(vmalloc_stat().unpurged, 0);
	q = vmalloc_pages(16384, 16384, PAGE_SIZE, true, true);
	assert_true(pages_are_zero(q, 16384));
}

/* As much as is in use is kept for the next areas, which are of other sizes. */
static void test_kept(void **state)
{
	enum { NR = 8, PAGES = MiB(8) >> PAGE_SHIFT };
	char *blocks[NR];

	(void)state;
	core_start("percpu=lock,span=4096,thp=off,resident_free=1024");
	for (int i = 0; i < NR; i++) {
		blocks[i] = vmalloc_pages(PAGES, PAGES, PAGE_SIZE, false, true);
		assert_non_null(blocks[i]);
		memset(blocks[i], 1, MiB(8));
	}
	for (int i = 0; i < NR / 2; i++)
		assert_true(vfree(virt_to_page(blocks[i]), true));
	assert_int_equal(vmalloc_stat().unpurged, MiB(8) * NR / 2);
	for (int i = NR / 2; i < NR - 1; i++) {
		assert_true(vfree(virt_to_page(blocks[i]), true));
		assert_int_equal(vmalloc_stat().unpurged, MiB(8) * NR / 2);
	}
	assert_true(vfree(virt_to_page(blocks[NR - 1]), true));
}

static void *used_area(size_t nr)
{
	void *p = vmalloc_pages(nr, nr, PAGE_SIZE, false, true);

	assert_non_null(p);
	memset(p, 1, nr << PAGE_SHIFT);
	return p;
}

static size_t unpurged(void)
{
	return vmalloc_stat().unpurged >> PAGE_SHIFT;
}

/* Behind many that are too small: not looked for while there is space, found when
 * there is none. */
static void test_many_too_small(void **state)
{
	/* Of one bin. */
	enum { SMALL = 128, FITS = 144, NR = 200, GAP = 16 };
	void *small[NR], *fits, *p;
	uint64_t before;

	(void)state;
	core_start("percpu=lock,span=4096,thp=off");
	fits = used_area(FITS);
	used_area(GAP);
	for (int i = 0; i < NR; i++) {
		small[i] = used_area(SMALL);
		used_area(GAP);
	}
	assert_true(vfree(virt_to_page(fits), true));
	for (int i = 0; i < NR; i++)
		assert_true(vfree(virt_to_page(small[i]), true));
	p = vmalloc_pages(FITS, FITS, PAGE_SIZE, false, true);
	assert_non_null(p);
	assert_ptr_not_equal(p, fits);
	before = sum_vm_event(PURGE_CALLS);
	os_fake_fail_from(OS_BIT(OS_COMMIT), 1);
	p = vmalloc_pages(FITS, FITS, PAGE_SIZE, false, true);
	assert_ptr_equal(p, fits);
	assert_int_equal(sum_vm_event(PURGE_CALLS), before);
	os_fake_relent();
}

/* Areas of many sizes, replaced at random, with as much kept as is in use: what is too
 * small for any of them does not come to be all that is kept. */
static void test_crumbs(void **state)
{
	enum { LIVE = 16, TURNS = 20000 };
	struct rng rng = rng_seeded(11);
	void *live[LIVE] = { NULL };
	uint64_t most = 0, before;

	(void)state;
	core_start("percpu=lock,span=16384,thp=off,resident_free=1024");
	before = sum_vm_event(PURGE_CALLS);
	for (int i = 0; i < TURNS; i++) {
		size_t k = rng_below(&rng, LIVE);
		size_t nr = 257 + rng_below(&rng, 768);

		if (live[k])
			assert_true(vfree(virt_to_page(live[k]), true));
		live[k] = vmalloc_pages(nr, nr, PAGE_SIZE, false, true);
		assert_non_null(live[k]);
		most = max_size(most, vmalloc_stat().used);
	}
	assert_true(sum_vm_event(PURGE_CALLS) - before < TURNS / 50);
	assert_true(control.vmalloc.online < 3 * most);
}

/* What areas left goes back while zones grow: twice as much as they do, and what was
 * not needed while they grew by half its size. */
static void test_make_up(void **state)
{
	enum { A = 1536, B = 3072, GAP = 16 };
	void *a, *b;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	a = used_area(A);
	used_area(GAP);
	b = used_area(B);
	used_area(GAP);
	/* Growth while nothing is unpurged counts for nothing. */
	vmalloc_make_up(100000);
	assert_true(vfree(virt_to_page(a), true));
	assert_true(vfree(virt_to_page(b), true));
	vmalloc_make_up(A / 2 - 1);
	assert_int_equal(unpurged(), A + B);
	vmalloc_make_up(1);
	assert_int_equal(unpurged(), B);
	/* What went is not owed any more, however old the other is. */
	vmalloc_make_up(B / 2 - 1);
	assert_int_equal(unpurged(), B);
	vmalloc_make_up(1);
	assert_int_equal(unpurged(), 0);
	/* Whole, and zero. */
	a = vmalloc_pages(A, A, PAGE_SIZE, true, true);
	assert_true(pages_are_zero(a, A));
	/* An area that is used again and again stays, however much is owed. */
	memset(a, 1, (size_t)A << PAGE_SHIFT);
	for (int i = 0; i < 20; i++) {
		assert_true(vfree(virt_to_page(a), true));
		vmalloc_make_up(A / 2 - 1);
		assert_int_equal(unpurged(), A);
		a = used_area(A);
	}
	/* An extent is as old as the last of it. */
	b = used_area(A + B);
	assert_ptr_equal(vrealloc(virt_to_page(b), A, true), b);
	assert_int_equal(unpurged(), B);
	vmalloc_make_up(B / 2 - 1);
	assert_true(vfree(virt_to_page(b), true));
	vmalloc_make_up(B / 2);
	assert_int_equal(unpurged(), A + B);
	vmalloc_make_up(B / 2);
	assert_int_equal(unpurged(), 0);
	/* What remains of one is as old as it was. */
	b = used_area(A + B);
	assert_true(vfree(virt_to_page(b), true));
	vmalloc_make_up(B / 2 - 1);
	a = used_area(A);
	assert_int_equal(unpurged(), B);
	vmalloc_make_up(1);
	assert_int_equal(unpurged(), 0);
	/* Several at once. */
	used_area(GAP);
	b = used_area(B);
	used_area(GAP);
	assert_true(vfree(virt_to_page(a), true));
	assert_true(vfree(virt_to_page(b), true));
	vmalloc_make_up(A + B);
	assert_int_equal(unpurged(), 0);
}

static void test_decay(void **state)
{
	uint64_t *p[8];

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	for (int i = 0; i < 8; i++)
		p[i] = vmalloc_pages(1024, 1024, PAGE_SIZE, false, true);
	for (int i = 0; i < 8; i += 2)
		assert_true(vfree(virt_to_page(p[i]), true));
	assert_true(vmalloc_stat().unpurged >= 4ul * 1024 << PAGE_SHIFT);
	for (int i = 0; i < 12; i++)
		vmalloc_decay(1);
	assert_int_equal(vmalloc_stat().unpurged, 0);
	/* More than may stay is not kept in the first place. */
	params.resident_free = 1024;
	for (int i = 1; i < 8; i += 2)
		assert_true(vfree(virt_to_page(p[i]), true));
	assert_true(vmalloc_stat().unpurged <= 6ul * 1024 << PAGE_SHIFT);
}

/* Address space that lies free next to the zones becomes theirs. */
static void test_release(void **state)
{
	struct page *blocks[64];
	uint64_t *p, *q;
	size_t nr = 0;

	(void)state;
	core_start("percpu=lock,span=64,thp=off");
	p = vmalloc_pages(2000, 2000, PAGE_SIZE, false, true);
	q = vmalloc_pages(10000, 10000, PAGE_SIZE, false, true);
	q[0] = 1;
	p[0] = 2;
	while ((blocks[nr] = alloc_pages(GFP_KERNEL, MAX_ORDER)))
		nr++;
	assert_true(nr < 6);
	assert_true(vfree(virt_to_page(q), true));
	while ((blocks[nr] = alloc_pages(GFP_KERNEL, MAX_ORDER)))
		memset(page_address(blocks[nr++]), 3, PAGE_SIZE);
	assert_true(nr > 10);
	assert_int_equal(p[0], 2);
	buddy_validate(zone_of(0, ZONE_NORMAL));
	/* It works on, in what is left. */
	while (nr--)
		assert_true(free_pages(blocks[nr], MAX_ORDER, true));
	assert_true(vfree(virt_to_page(p), true));
	p = vmalloc_pages(1000, 1000, PAGE_SIZE, true, true);
	assert_non_null(p);
	assert_true(pages_are_zero(p, 1000));
}

/* Quiet mode reads no clock that may be a system call. */
static void test_no_probe(void **state)
{
	enum { NR = MiB(128) >> PAGE_SHIFT };
	void *p;

	(void)state;
	core_start("percpu=lock,span=65536");
	thp_stop_probing();
	p = vmalloc_pages(NR, NR, PAGE_SIZE, false, true);
	assert_non_null(p);
	assert_int_equal(resident_pages(p, NR), 0);
}

/* Timing huge pages now and then leaves no trace in what a program reads, and
 * little in what is resident. */
static void test_probe(void **state)
{
	enum { AREAS = 2, NR = MiB(128) >> PAGE_SHIFT };
	size_t pages = 0;
	char *p[AREAS];

	(void)state;
	/* In a virtual machine areas would have to wait. */
	os_fake_huge_pages(100, false);
	core_start("percpu=lock,span=65536");
	for (unsigned int i = 0; i < AREAS; i++) {
		p[i] = vmalloc_pages(NR, NR, PAGE_SIZE, false, true);
		assert_non_null(p[i]);
		pages += resident_pages(p[i], NR);
	}
	/* At least the first was timed, and no more than an eighth. */
	assert_in_range(pages, 1, AREAS * NR / 8);
	for (unsigned int i = 0; i < AREAS; i++) {
		for (size_t k = 0; k < MiB(128); k += PAGE_SIZE)
			assert_int_equal(*(uint64_t *)(p[i] + k), 0);
		assert_true(vfree(virt_to_page(p[i]), true));
	}
	/* Areas without a whole huge page are left alone. */
	p[0] = vmalloc_pages(100, 100, PAGE_SIZE, true, true);
	assert_int_equal(p[0][100 * PAGE_SIZE - 1], 0);
	assert_true(vfree(virt_to_page(p[0]), true));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_span),
		cmocka_unit_test(test_small_span),
		cmocka_unit_test(test_no_resident_free),
		cmocka_unit_test(test_moves_refused),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_grow_in_place_and_move),
		cmocka_unit_test(test_many_moves),
		cmocka_unit_test(test_zero_after_use),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_many_too_small),
		cmocka_unit_test(test_crumbs),
		cmocka_unit_test(test_make_up),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_no_probe),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
