/* SPDX-License-Identifier: MIT */
/*
 * test_around.c - pages made around a new slab: a small part of what is in use, for
 * objects that share pages only, and known to be resident; and those of blocks that are
 * cleared where there are threads, while such blocks are less than half of what is in use.
 */
#include "unit.h"

#include <string.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os_fake.h"
#include "page_alloc/internal.h"
#include "percpu/gate.h"
#include "percpu/thread.h"
#include "slab/slab.h"
#include "vmalloc/vmalloc.h"

enum { DENSE = GFP_KERNEL | GFPF_DENSE, AROUND = 16, RATIO = 64 };

static struct zone *normal(void)
{
	return zone_of(0, ZONE_NORMAL);
}

static uint64_t made(void)
{
	return sum_vm_event(PGPOPULATE);
}

/* Until @nr more pages are in use. */
static void use(size_t nr, gfp_t gfp)
{
	for (size_t end = pages_in_use(normal()) + nr;
	     pages_in_use(normal()) < end;)
		assert_non_null(alloc_pages(gfp, 1));
	buddy_validate(normal());
}

static void start(const char *options)
{
	core_start(options);
	use(MiB(8) >> PAGE_SHIFT, GFP_KERNEL);
	assert_int_equal(made(), 0);
}

static void test_resident(void **state)
{
	struct page *page;
	size_t pfn;

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	page_alloc_trim();
	page = alloc_pages(DENSE, 1);
	pfn = page_to_pfn(page);
	assert_int_equal(made(), AROUND);
	assert_int_equal(resident_pages(page_address(page), AROUND), AROUND);
	assert_true(pages_are_zero(page_address(page), AROUND));
	assert_int_equal(present_count(pfn, AROUND), AROUND);
	buddy_validate(normal());
	/* What was made goes first, whoever comes. */
	assert_in_range(page_to_pfn(alloc_pages(GFP_KERNEL, 2)), pfn,
			pfn + AROUND - 1);
	/* And is given back like other memory. */
	page_alloc_trim();
	assert_in_range(resident_pages(page_address(page), AROUND), 6, 8);
	buddy_validate(normal());
}

/* Pages made for a slab, when nothing is resident but what is in use. */
static size_t made_for_one(void)
{
	uint64_t before;
	struct page *hole;

	/* The largest blocks, so that none is too small. */
	do
		hole = alloc_pages(GFP_KERNEL, 1);
	while (page_to_pfn(hole) % RATIO != 0);
	before = made();
	assert_true(free_pages(hole, 1, true));
	page_alloc_trim();
	assert_non_null(alloc_pages(DENSE, 1));
	return made() - before;
}

/* A part of what is in use, a power of two, no less than is worth it. */
static void test_part_of_heap(void **state)
{
	size_t used, last = 0;

	(void)state;
	core_start("percpu=lock,span=1024,thp=off");
	for (;;) {
		size_t nr = made_for_one();

		used = pages_in_use(normal());
		if (nr != last)
			assert_in_range(used, nr * RATIO, nr * RATIO + 2 * RATIO);
		last = nr;
		if (used > 2 * AROUND * RATIO)
			break;
	}
	assert_int_equal(last, AROUND);
}

static void test_option(void **state)
{
	uint64_t before;

	(void)state;
	start("percpu=lock,span=1024,thp=off,fault_around=32");
	assert_int_equal(made_for_one(), 8);
	store_relaxed(&params.fault_around, 0);
	before = made();
	use(256, DENSE);
	assert_int_equal(made(), before);
	store_relaxed(&params.fault_around, 256);
	use(RATIO * RATIO, GFP_KERNEL);
	assert_int_equal(made_for_one(), 64);
}

/* Memory that is resident already, and those who did not ask for it. */
static void test_only_fresh_and_dense(void **state)
{
	struct page *pages[64];

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	use(1024, GFP_KERNEL);
	assert_int_equal(made(), 0);
	use(1024, GFP_ATOMIC | GFPF_DENSE);
	assert_int_equal(made(), 0);
	assert_non_null(alloc_pages_exact(64, 0, GFP_KERNEL));
	assert_int_equal(made(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = alloc_pages(GFP_KERNEL, 3);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_true(free_pages(pages[i], 3, true));
	use(ARRAY_SIZE(pages) * 8, DENSE);
	assert_int_equal(made(), 0);
}

static void test_huge_pages_do_it(void **state)
{
	(void)state;
	start("percpu=lock,span=1024,thp=on");
	use(1024, DENSE);
	assert_int_equal(made(), 0);
}

/* Slabs whose objects share pages: of others some pages are never touched. */
static void test_slabs(void **state)
{
	uint64_t before;

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	for (int i = 0; i < 300; i++)
		assert_non_null(kmem_cache_alloc(
			&kmem_caches[kmalloc_class(2 * PAGE_SIZE)]));
	assert_int_equal(made(), 0);
	for (size_t size = 64; size <= PAGE_SIZE; size *= 8) {
		before = made();
		for (size_t i = 0; i < MiB(1) / size; i++)
			assert_non_null(kmem_cache_alloc(
				&kmem_caches[kmalloc_class(size)]));
		assert_in_range(made() - before, 128, 400);
	}
	buddy_validate(normal());
}

/* @nr cleared pages. Return: how many of them are there before they are touched. */
static size_t cleared(size_t nr)
{
	char *p = alloc_pages_exact(nr, 0, GFP_KERNEL | GFPF_ZERO);
	size_t there;

	assert_non_null(p);
	there = resident_pages(p, nr);
	assert_true(pages_are_zero(p, nr));
	buddy_validate(normal());
	return there;
}

/* Only with threads, and large blocks that are half of what is in use, all of them. */
static void test_cleared(void **state)
{
	size_t used, before;

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	page_alloc_trim();
	gate_enter();
	gate_leave();
	assert_int_equal(cleared(8), 0);
	core_have_threads();
	assert_int_equal(cleared(92), 92);
	assert_int_equal(made(), 92);
	/* Who does not ask for zeros may not need them all. */
	assert_non_null(alloc_pages_exact(1000, 0, GFP_KERNEL));
	assert_int_equal(made(), 92);
	/* What counts is that it is large, cleared or not. */
	used = pages_in_use(normal());
	assert_in_range(used, 2048 + 1100, 2048 + 1200);
	assert_int_equal(cleared(used / 2 - 1100), used / 2 - 1100);
	before = made();
	assert_int_equal(cleared(512), 0);
	assert_int_equal(made(), before);
	use(8192, GFP_KERNEL);
	assert_int_equal(cleared(512), 512);
	store_relaxed(&params.fault_around, 0);
	page_alloc_trim();
	assert_int_equal(cleared(64), 0);
}

/* What is dirty of a block is cleared, the others are made; all dirty: no call. */
static void test_cleared_dirty(void **state)
{
	uint64_t before;
	char *p;

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	core_have_threads();
	page_alloc_trim();
	/* It was half of a larger block, and is again. */
	p = alloc_pages_exact(64, 7, GFP_KERNEL);
	memset(p, 1, 64 * PAGE_SIZE);
	assert_true(free_pages_exact(virt_to_page(p), true));
	before = made();
	assert_int_equal(cleared(128), 128);
	assert_int_equal(made() - before, 64);
	before = os_fake_calls(OS_POPULATE);
	p = alloc_pages_exact(32, 0, GFP_KERNEL | GFPF_ZERO);
	memset(p, 1, 32 * PAGE_SIZE);
	assert_true(free_pages_exact(virt_to_page(p), true));
	assert_int_equal(cleared(32), 32);
	assert_int_equal(os_fake_calls(OS_POPULATE) - before, 1);
}

/* Pages of a new area that are there before they are touched. */
static size_t cleared_area(size_t nr)
{
	char *p = vmalloc_pages(nr, nr, PAGE_SIZE, true, true);
	size_t there;

	assert_non_null(p);
	there = resident_pages(p, nr);
	assert_true(pages_are_zero(p, nr));
	return there;
}

/* Areas as large as blocks of the buddy, while all of them are less than all else. */
static void test_cleared_area(void **state)
{
	enum { NR = 600 };

	(void)state;
	start("percpu=lock,span=4096,thp=off");
	gate_enter();
	gate_leave();
	assert_int_equal(cleared_area(NR), 0);
	core_have_threads();
	assert_int_equal(cleared_area(NR), NR);
	assert_int_equal(resident_pages(vmalloc_pages(NR, NR, PAGE_SIZE, false, true),
					NR),
			 0);
	/* The fourth is more than the 2,048 pages that are in use otherwise. */
	assert_int_equal(cleared_area(NR), 0);
	use(4096, GFP_KERNEL);
	assert_int_equal(cleared_area(1024), 1024);
	assert_int_equal(cleared_area(1025), 0);
	/* Areas count for blocks, too. */
	assert_int_equal(cleared(512), 512);
	assert_non_null(vmalloc_pages(4096, 4096, PAGE_SIZE, false, true));
	assert_int_equal(cleared(512), 0);
}

/* A kernel that cannot is asked once. */
static void test_refused(void **state)
{
	(void)state;
	start("percpu=lock,span=1024,thp=off");
	os_fake_fail_from(OS_BIT(OS_POPULATE), 1);
	use(2048, DENSE);
	assert_int_equal(os_fake_refused(), 1);
	os_fake_relent();
	use(2048, DENSE);
	assert_int_equal(made(), 0);
	assert_int_equal(os_fake_calls(OS_POPULATE), 1);
}

static unsigned int times;

/* The zone's lock is free, and its free memory in order. */
static void use_zone(void)
{
	static bool inside;
	struct page *page;

	if (inside)
		return;
	inside = true;
	times++;
	thread_word.stripe++;
	lock_acquire(&normal()->lock);
	buddy_validate(normal());
	lock_release(&normal()->lock);
	page = alloc_pages(DENSE, times % 4);
	assert_non_null(page);
	memset(page_address(page), 1, PAGE_SIZE << times % 4);
	if (times % 3)
		assert_true(free_pages(page, times % 4, true));
	thread_word.stripe--;
	inside = false;
}

/* Other threads need pages while one waits for the kernel. */
static void test_lock_is_free(void **state)
{
	static struct page *pages[4000];

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	os_fake_meanwhile(use_zone);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_pages(DENSE, 1);
		assert_non_null(pages[i]);
		memset(page_address(pages[i]), 2, 2 * PAGE_SIZE);
	}
	os_fake_meanwhile(NULL);
	assert_true(times > 100);
	assert_true(made() >= times * AROUND);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(*(char *)page_address(pages[i]), 2);
	buddy_validate(normal());
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resident),
		cmocka_unit_test(test_part_of_heap),
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_only_fresh_and_dense),
		cmocka_unit_test(test_huge_pages_do_it),
		cmocka_unit_test(test_slabs),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_cleared_dirty),
		cmocka_unit_test(test_cleared_area),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lock_is_free),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
