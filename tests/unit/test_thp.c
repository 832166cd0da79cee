/* SPDX-License-Identifier: MIT */
/*
 * test_thp.c - huge pages of zones: made for slabs and small blocks once a heap is
 * large, one by one, for as long as they are cheap, and known to be resident.
 * What they cost is what os_fake says; the memory is the kernel's.
 */
#include "unit.h"

#include <string.h>

#include "base/vmstat.h"
#include "os/os.h"
#include "os_fake.h"
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"
#include "page_alloc/thp.h"
#include "percpu/thread.h"

enum { CHEAP = 100, DEAR = 5000, SMALL = 2 }; /* us */

static struct zone *normal(void)
{
	return zone_of(0, ZONE_NORMAL);
}

static uint64_t made(void)
{
	return sum_vm_event(THP_FAULT_ALLOC);
}

static void start(const char *options, uint64_t cost_us, bool is_guest)
{
	os_fake_huge_pages(cost_us, is_guest);
	core_start(options);
}

/* Pages for slabs, until @mib are in use. */
static void use(size_t mib)
{
	while (pages_in_use(normal()) << PAGE_SHIFT < MiB(mib))
		assert_non_null(alloc_pages(GFP_KERNEL, 1));
	buddy_validate(normal());
}

/* The same in blocks of 256 KiB, of which nobody knows what is used. */
static void use_blocks(size_t mib)
{
	while (pages_in_use(normal()) << PAGE_SHIFT < MiB(mib))
		assert_non_null(alloc_pages_exact(64, 0, GFP_KERNEL));
	buddy_validate(normal());
}

static void test_from_16_mib(void **state)
{
	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	use(14);
	assert_int_equal(made(), 0);
	assert_int_equal(os_fake_unadvised(), 0);
	use(48);
	assert_in_range(made(), 13, 17);
	assert_int_equal(sum_vm_event(THP_DEAR), 0);
	/* Each for itself, and no longer than that. */
	assert_int_equal(os_fake_advised(), made() * PAGEBLOCK_PAGES);
	assert_true(os_fake_unadvised() > os_fake_advised());
}

/* Where small pages are as dear as the dearest huge ones, there is no reason to wait,
 * nor to stop. */
static void test_faults_are_dear(void **state)
{
	(void)state;
	start("percpu=lock,span=1024,fault_ahead=on", DEAR, true);
	faultin_init(false);
	use(48);
	assert_in_range(made(), 13, 17);
	assert_int_equal(sum_vm_event(THP_DEAR), 0);
}

enum { FAULT_US = 16 };

static void start_with_dear_faults(uint64_t huge_page_us)
{
	static char pages[FAULTIN_LEAST * PAGE_SIZE]
		__attribute__((aligned(PAGE_SIZE)));

	start("percpu=lock,span=1024", huge_page_us, true);
	faultin_init(false);
	os_fake_faults(FAULT_US * 1000, 1000);
	assert_true(faultin(pages, FAULTIN_LEAST, FAULTIN_LEAST));
	assert_true(faults_are_dear());
}

/* But for one that takes longer than twice as many faults. */
static void test_dearer_than_faults(void **state)
{
	enum { MOST = 2 * PAGEBLOCK_PAGES * FAULT_US };

	(void)state;
	start_with_dear_faults(MOST);
	use(48);
	assert_in_range(made(), 13, 17);
	assert_int_equal(sum_vm_event(THP_DEAR), 0);
	os_fake_huge_pages(MOST + 1000, true);
	use(64);
	assert_int_equal(sum_vm_event(THP_DEAR), 1);
}

/* What a small page takes there must not be taken for a huge one. */
static void test_small_where_faults_are_dear(void **state)
{
	(void)state;
	start_with_dear_faults(40);
	use(48);
	assert_int_equal(made(), 0);
	assert_int_equal(sum_vm_event(THP_FAULT_FALLBACK), 1);
}

/* What is resident is known to be, and taken before other memory. */
static void test_resident(void **state)
{
	size_t pfn, left;

	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	use(24);
	while (!made() || normal()->stat->free_resident < PAGEBLOCK_PAGES / 2)
		assert_non_null(alloc_pages(GFP_KERNEL, 1));
	pfn = page_to_pfn(alloc_pages(GFP_KERNEL, 1));
	pfn = align_down(pfn, PAGEBLOCK_PAGES);
	assert_int_equal(present_count(pfn, PAGEBLOCK_PAGES), PAGEBLOCK_PAGES);
	assert_true(pages_are_zero(pfn_to_addr(pfn), PAGEBLOCK_PAGES));
	for (uint64_t before = made(); made() == before;)
		assert_non_null(alloc_pages(GFP_KERNEL, 1));
	left = normal()->stat->free_resident;
	assert_int_equal(left, PAGEBLOCK_PAGES - 2);
	assert_int_equal(page_alloc_trim(), left);
	assert_int_equal(normal()->stat->free_resident, 0);
	buddy_validate(normal());
}

/* It is one fault for all of it. */
static void test_kernel(void **state)
{
	size_t pfn;

	(void)state;
	if (!kernel_has_huge_pages()) {
		print_message("SKIP: the kernel has no huge pages\n");
		skip();
	}
	start("percpu=lock,span=1024", CHEAP, false);
	use(16);
	for (uint64_t before = made(); made() == before;)
		assert_non_null(alloc_pages(GFP_KERNEL, 1));
	pfn = page_to_pfn(alloc_pages(GFP_KERNEL, 1));
	pfn = align_down(pfn, PAGEBLOCK_PAGES);
	assert_int_equal(resident_pages(pfn_to_addr(pfn), PAGEBLOCK_PAGES),
			 PAGEBLOCK_PAGES);
}

/* Memory that was given back comes back in huge pages, too. */
static void test_again(void **state)
{
	static struct page *blocks[MiB(40) / PAGE_SIZE / 2];
	uint64_t before;
	size_t nr = 0;

	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	for (int round = 0; round < 2; round++) {
		before = made();
		for (nr = 0; nr < ARRAY_SIZE(blocks); nr++) {
			blocks[nr] = alloc_pages(GFP_KERNEL, 1);
			assert_non_null(blocks[nr]);
		}
		assert_true(made() >= before + 10);
		while (nr)
			assert_true(free_pages(blocks[--nr], 1, true));
		page_alloc_trim();
		assert_int_equal(normal()->stat->free_resident, 0);
		buddy_validate(normal());
	}
}

static struct page *taken[64];
static unsigned int times;

/* The zone's lock is free, and its free memory in order. */
static void use_zone(void)
{
	static bool inside;
	size_t nr;

	if (inside)
		return;
	inside = true;
	times++;
	thread_word.stripe++;
	assert_true(lock_try(&normal()->lock));
	buddy_validate(normal());
	lock_release(&normal()->lock);
	for (nr = 0; nr < ARRAY_SIZE(taken); nr++) {
		taken[nr] = alloc_pages(GFP_KERNEL, nr % 4);
		assert_non_null(taken[nr]);
		memset(page_address(taken[nr]), 1, PAGE_SIZE << nr % 4);
	}
	while (nr--)
		if (nr % 3)
			assert_true(free_pages(taken[nr], nr % 4, true));
	lock_acquire(&normal()->lock);
	buddy_validate(normal());
	lock_release(&normal()->lock);
	thread_word.stripe--;
	inside = false;
}

/* Other threads need pages while one waits for the kernel. */
static void test_lock_is_free(void **state)
{
	static struct page *pages[8000];

	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	/* Who stands for another thread holds what the first one holds: it must not take
	 * the locks of what reclaims. */
	page_alloc_set_reclaim(NULL);
	os_fake_meanwhile(use_zone);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_pages(GFP_KERNEL, 1);
		assert_non_null(pages[i]);
		memset(page_address(pages[i]), 2, 2 * PAGE_SIZE);
	}
	os_fake_meanwhile(NULL);
	assert_true(times > 10);
	assert_true(made() >= times);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(*(char *)page_address(pages[i]), 2);
	buddy_validate(normal());
}

/* A signal handler does not wait for one. */
static void test_not_nested(void **state)
{
	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	while (pages_in_use(normal()) << PAGE_SHIFT < MiB(40))
		assert_non_null(alloc_pages(GFP_ATOMIC, 1));
	assert_int_equal(made(), 0);
}

/* A dear one is the last for a while, which doubles, until one is cheap. */
static void test_dear(void **state)
{
	size_t mib = 24;

	(void)state;
	start("percpu=lock,span=4096", DEAR, false);
	use(mib);
	assert_int_equal(made(), 1);
	assert_int_equal(sum_vm_event(THP_DEAR), 1);
	for (uint64_t pause = 4000, n = 1; n < 4; pause *= 2, n++) {
		os_fake_pass_ms(pause - 100);
		use(mib += 4);
		assert_int_equal(made(), n);
		os_fake_pass_ms(200);
		use(mib += 4);
		assert_int_equal(made(), n + 1);
	}
	os_fake_huge_pages(CHEAP, false);
	os_fake_pass_ms(32100);
	use(mib += 8);
	assert_in_range(made(), 7, 8);
	os_fake_huge_pages(DEAR, false);
	use(mib += 8);
	os_fake_pass_ms(4100);
	assert_int_equal(sum_vm_event(THP_DEAR), 5);
	use(mib += 8);
	assert_int_equal(sum_vm_event(THP_DEAR), 6);
}

/* The kernel had none, or may not. */
static void test_small_page_instead(void **state)
{
	(void)state;
	start("percpu=lock,span=1024", SMALL, false);
	use(40);
	assert_int_equal(made(), 0);
	assert_int_equal(sum_vm_event(THP_FAULT_FALLBACK), 1);
	assert_true(normal()->stat->free_resident < PAGEBLOCK_PAGES / 2);
}

/* In a virtual machine the first may be dear: not in short lives. */
static void test_patience(void **state)
{
	(void)state;
	start("percpu=lock,span=1024", CHEAP, true);
	use(40);
	assert_int_equal(made(), 0);
	assert_false(thp_probe(normal()->huge_pfn, MiB(1024) >> PAGE_SHIFT));
	os_fake_pass_ms(300);
	use(60);
	assert_in_range(made(), 8, 11);
}

/* There large areas wait until those of zones have proved to be cheap. */
static void test_reconsidered(void **state)
{
	enum { AREA = 64 * PAGEBLOCK_PAGES, AREAS = 20, MOST = 16 };
	size_t before, pfn;

	(void)state;
	start("percpu=lock,span=8192", CHEAP, true);
	use(40);
	pfn = align_up(normal()->online_pfn, PAGEBLOCK_PAGES);
	before = os_fake_unadvised();
	for (size_t i = 0; i < AREAS; i++)
		thp_advise(pfn + i * AREA, AREA);
	assert_int_equal(os_fake_advised(), 0);
	assert_int_equal(os_fake_unadvised() - before, AREAS * AREA);
	thp_reconsider();
	assert_int_equal(os_fake_advised(), 0);
	os_fake_pass_ms(300);
	use(50);
	assert_in_range(made(), 4, 7);
	os_fake_huge_pages(DEAR, true);
	use(54);
	os_fake_huge_pages(CHEAP, true);
	os_fake_pass_ms(4100);
	use(64);
	assert_false(thp_probe(pfn, AREA));
	thp_reconsider();
	assert_int_equal(os_fake_advised(), made() * PAGEBLOCK_PAGES);
	use(80);
	before = os_fake_advised();
	thp_reconsider();
	assert_int_equal(os_fake_advised() - before, MOST * AREA);
	thp_reconsider();
	assert_int_equal(os_fake_advised() - before, MOST * AREA);
	/* From now on at once, until one is dear. */
	thp_advise(pfn, AREA);
	assert_int_equal(os_fake_advised() - before, (MOST + 1) * AREA);
	os_fake_huge_pages(DEAR, true);
	use(90);
	os_fake_pass_ms(4100);
	thp_advise(pfn, AREA);
	assert_true(os_fake_advised() - before < (MOST + 2) * AREA);
}

static void test_only_what_is_dense(void **state)
{
	uint64_t before;

	(void)state;
	start("percpu=lock,span=4096", CHEAP, false);
	use_blocks(100);
	assert_int_equal(made(), 0);
	use(110);
	before = made();
	assert_in_range(before, 3, 6);
	/* So large that a huge page is nothing. */
	use_blocks(520);
	before = made();
	use_blocks(560);
	assert_in_range(made() - before, 18, 21);
}

/* Of areas some pages are timed before all are trusted: one in 16 MiB, up to 8. */
static void test_areas(void **state)
{
	enum { MIB = MiB(1) >> PAGE_SHIFT };
	uint64_t before;
	size_t pfn;

	(void)state;
	start("percpu=lock,span=1024", SMALL, false);
	use(32);
	os_fake_pass_ms(4100);
	os_fake_huge_pages(CHEAP, false);
	pfn = align_up(normal()->start_pfn, PAGEBLOCK_PAGES);
	before = made();
	assert_true(thp_probe(pfn, 1024 * MIB));
	assert_int_equal(made() - before, 8);
	/* Small ones together. */
	for (int i = 0; i < 7; i++)
		assert_false(thp_probe(pfn, 2 * MIB));
	assert_true(thp_probe(pfn, 2 * MIB));
	assert_int_equal(made() - before, 9);
	assert_true(thp_probe(pfn, 48 * MIB));
	assert_int_equal(made() - before, 12);
	/* The first dear one is the last. */
	os_fake_huge_pages(DEAR, false);
	assert_true(thp_probe(pfn, 1024 * MIB));
	assert_int_equal(made() - before, 13);
	assert_false(thp_probe(pfn, 1024 * MIB));
}

static void test_off(void **state)
{
	(void)state;
	start("percpu=lock,span=1024,thp=off", CHEAP, false);
	use(40);
	assert_int_equal(made(), 0);
	assert_int_equal(os_fake_advised() + os_fake_unadvised(), 0);
}

/* The kernel makes them all, from the start. */
static void test_on(void **state)
{
	(void)state;
	start("percpu=lock,span=1024,thp=on", CHEAP, false);
	use(40);
	assert_int_equal(made(), 0);
	assert_int_equal(os_fake_advised(), normal()->stat->present);
	assert_int_equal(os_fake_unadvised(), 0);
}

static void test_quiet(void **state)
{
	(void)state;
	start("percpu=lock,span=1024", CHEAP, false);
	thp_stop_probing();
	use(40);
	assert_int_equal(made(), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_16_mib),
		cmocka_unit_test(test_faults_are_dear),
		cmocka_unit_test(test_dearer_than_faults),
		cmocka_unit_test(test_small_where_faults_are_dear),
		cmocka_unit_test(test_resident),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_lock_is_free),
		cmocka_unit_test(test_not_nested),
		cmocka_unit_test(test_dear),
		cmocka_unit_test(test_small_page_instead),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_reconsidered),
		cmocka_unit_test(test_only_what_is_dense),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_on),
		cmocka_unit_test(test_quiet),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
