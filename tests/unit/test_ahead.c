/* SPDX-License-Identifier: MIT */
/*
 * test_ahead.c - fault-ahead: blocks, areas, mappings and slabs made whole because the
 * one before was used whole, but for canaries; and when faults count as dear. What they
 * cost is what os_fake says; the memory is the kernel's.
 */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os_fake.h"
#include "page_alloc/ahead.h"
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"
#include "slab/slab.h"
#include "vmalloc/vmalloc.h"

/* NR pages, of which all but the canaries are made. */
enum { NR = 48, LOW = NR / 8, HIGH = NR * 7 / 8, MADE = NR - 2 };

static void start(const char *options)
{
	core_start(options);
	faultin_init(false);
}

static void start_on(void)
{
	start("percpu=lock,span=4096,thp=off,fault_ahead=on");
}

static uint64_t made(void)
{
	return sum_vm_event(PGPOPULATE);
}

/* Memory of a kind of its own each time, as the kernel gives it. */
static char *fresh(size_t nr)
{
	char *p = mmap(NULL, nr * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

/* The next of NR pages. Return: how many are there before it is touched. */
static size_t next(char **ret)
{
	*ret = fresh(NR);
	ahead_mapping(*ret, NR);
	return resident_pages(*ret, NR);
}

static void use(char *p, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		p[i * PAGE_SIZE] = 1;
}

/* --- what is made --- */

static void test_used_whole(void **state)
{
	char *p;

	(void)state;
	start_on();
	assert_int_equal(next(&p), 0);
	for (int i = 0; i < 20; i++) {
		use(p, NR);
		assert_int_equal(next(&p), MADE);
		assert_int_equal(resident_pages(p + LOW * PAGE_SIZE, 1), 0);
		assert_int_equal(resident_pages(p + HIGH * PAGE_SIZE, 1), 0);
		assert_true(pages_are_zero(p, NR));
	}
	assert_int_equal(made(), 20 * MADE);
}

/* Nothing is ever made for who uses them so. */
static void never_made(void (*use_it)(char *p))
{
	char *p;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(next(&p), 0);
		use_it(p);
	}
	assert_int_equal(made(), 0);
}

static void use_but_the_end(char *p)
{
	use(p, HIGH);
}

static void use_as_stack(char *p)
{
	use(p + (LOW + 1) * PAGE_SIZE, NR - LOW - 1);
}

static void read_it(char *p)
{
	assert_true(pages_are_zero(p, NR));
}

/* Filled to both canaries is enough, less is not. */
static void test_used_in_part(void **state)
{
	char *p;

	(void)state;
	start_on();
	never_made(use_but_the_end);
	never_made(use_as_stack);
	never_made(read_it);
	for (int i = 0; i < 60; i++) {
		next(&p);
		use(p + LOW * PAGE_SIZE, HIGH + 1 - LOW);
	}
	assert_int_equal(next(&p), MADE);
}

/* The first that is not used up is the last that is made, and one that is makes them
 * be made again. */
static void test_no_longer_used(void **state)
{
	char *p, *last;

	(void)state;
	start_on();
	next(&p);
	use(p, NR);
	/* As many as may be made in vain. */
	for (size_t done = 0; done <= KiB(512); done += NR * PAGE_SIZE)
		assert_int_equal(next(&p), MADE);
	for (int i = 0; i < 20; i++)
		assert_int_equal(next(&p), 0);
	for (int i = 0; i < 16; i++) {
		use(p, NR);
		next(&last);
		p = last;
	}
	use(p, NR);
	assert_int_equal(next(&p), MADE);
}

/* Of small ones, too, only so many are made in vain. */
static void test_small_kind(void **state)
{
	enum { SMALL = 8 };
	uint64_t before;
	char *p;

	(void)state;
	start_on();
	for (int i = 0; i < 3; i++) {
		p = fresh(SMALL);
		ahead_mapping(p, SMALL);
		use(p, SMALL);
	}
	before = made();
	assert_int_equal(before, 2 * (SMALL - 2));
	for (int i = 0; i < 1000; i++)
		ahead_mapping(fresh(SMALL), SMALL);
	assert_in_range(made() - before, 1, 10 * SMALL);
}

/* What is never used whole is hardly asked any more. */
static void test_never_used(void **state)
{
	uint64_t asked;
	char *p;

	(void)state;
	start_on();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(next(&p), 0);
	asked = os_fake_questions();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(next(&p), 0);
	assert_in_range(os_fake_questions() - asked, 1, 1000);
	/* But it is, in the end. */
	for (int i = 0; i < 300; i++) {
		use(p, NR);
		next(&p);
	}
	use(p, NR);
	assert_int_equal(next(&p), MADE);
}

/* Several are allocated, then all of them used. */
static void test_several_at_once(void **state)
{
	char *p[6];

	(void)state;
	start_on();
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			size_t there = next(&p[i]);

			if (!round)
				assert_int_equal(there, 0);
			else if (i < 2)
				assert_int_equal(there, MADE);
		}
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			use(p[i], NR);
	}
}

static void test_kinds(void **state)
{
	char *p, *q = fresh(2 * NR);

	(void)state;
	start_on();
	next(&p);
	use(p, NR);
	/* Another size is another kind. */
	ahead_mapping(q, 2 * NR);
	assert_int_equal(resident_pages(q, 2 * NR), 0);
	assert_int_equal(next(&p), MADE);
	/* Neither too small to be worth it nor too large to be risked. */
	for (size_t nr = 4; nr <= 8193; nr += 8189)
		for (int i = 0; i < 3; i++) {
			p = fresh(nr);
			ahead_mapping(p, nr);
			assert_int_equal(resident_pages(p, nr), 0);
			use(p, nr);
		}
}

/* Of what holds whole huge pages, these are made in one piece, canaries and all. */
static void test_huge_mappings(void **state)
{
	enum { PAGES = 3 * PAGEBLOCK_PAGES, HUGE = 2 * PAGEBLOCK_PAGES,
	       HEAD = PAGEBLOCK_PAGES - 1 };
	char *p;

	(void)state;
	os_fake_huge_pages(100, true);
	start("percpu=lock,span=4096,fault_ahead=on");
	for (size_t i = 0; i < 4; i++) {
		p = fresh(PAGES + PAGEBLOCK_PAGES);
		/* They begin behind HEAD pages, and one page is behind them. */
		p = (char *)align_up((uintptr_t)p, PAGEBLOCK_PAGES * PAGE_SIZE) +
		    PAGE_SIZE;
		ahead_mapping(p, PAGES);
		assert_int_equal(os_fake_advised(), i * PAGES);
		assert_int_equal(os_fake_unadvised(), os_fake_advised());
		assert_int_equal(made(), i * HEAD);
		/* HEAD has one canary. */
		assert_int_equal(resident_pages(p, HEAD), i ? HEAD - 1 : 0);
		if (kernel_has_huge_pages())
			assert_int_equal(resident_pages(p + HEAD * PAGE_SIZE, HUGE),
					 i ? HUGE : 0);
		use(p, PAGES);
	}
}

static void use_and_unmap(char *p)
{
	use(p, NR);
	assert_int_equal(munmap(p, NR * PAGE_SIZE), 0);
	/* Nobody else's memory should be where it was. */
	assert_true(os_reserve_at(p, NR * PAGE_SIZE) == p);
}

static void use_and_protect(char *p)
{
	use(p, NR);
	assert_int_equal(mprotect(p, NR * PAGE_SIZE, PROT_NONE), 0);
}

/* A witness may be gone, or not be for us to look at. */
static void test_out_of_sight(void **state)
{
	(void)state;
	start_on();
	never_made(use_and_unmap);
	never_made(use_and_protect);
}

/* --- who asks for it --- */

static void test_blocks(void **state)
{
	char *p;

	(void)state;
	start_on();
	p = alloc_pages_exact(NR, 0, GFP_KERNEL);
	page_alloc_trim();
	use(p, NR);
	p = alloc_pages_exact(NR, 0, GFP_KERNEL | GFPF_ZERO);
	assert_int_equal(resident_pages(p, NR), MADE);
	assert_true(pages_are_zero(p, NR));
	buddy_validate(zone_of(0, ZONE_NORMAL));
	/* One that is resident in part needs nothing made. */
	assert_true(free_pages_exact(virt_to_page(p), true));
	assert_ptr_equal(alloc_pages_exact(NR, 0, GFP_KERNEL), p);
	assert_int_equal(made(), MADE);
	/* Nor does a nested call wait for the kernel. */
	use(p, NR);
	p = alloc_pages_exact(NR, 0, GFP_ATOMIC);
	assert_int_equal(resident_pages(p, NR), 0);
}

static void test_slabs(void **state)
{
	enum { SIZE = 2 * PAGE_SIZE, OBJS = 400 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(SIZE)];

	(void)state;
	start_on();
	for (int i = 0; i < OBJS; i++)
		memset(kmem_cache_alloc(c), 1, SIZE);
	assert_in_range(made(), OBJS * 2 * 3 / 4, OBJS * 2);
	buddy_validate(zone_of(0, ZONE_NORMAL));
}

/* Objects of which only the first page is touched. */
static void test_slabs_in_part(void **state)
{
	enum { SIZE = 4 * PAGE_SIZE, OBJS = 200 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(SIZE)];
	uint64_t before;

	(void)state;
	start_on();
	before = made();
	for (int i = 0; i < OBJS; i++)
		memset(kmem_cache_alloc(c), 1, PAGE_SIZE);
	assert_int_equal(made(), before);
}

static void test_areas(void **state)
{
	char *p;

	(void)state;
	start_on();
	for (int i = 0; i < 4; i++) {
		p = vmalloc_pages(600, 600, PAGE_SIZE, i & 1, true);
		assert_int_equal(resident_pages(p, 600), i ? 596 : 0);
		assert_true(pages_are_zero(p, 600));
		use(p, 600);
	}
	/* What page tables are moved into. */
	p = vmalloc_pages(600, 2400, PAGE_SIZE, false, true);
	assert_int_equal(resident_pages(p, 2400), 0);
}

/* An area that was used to its end will be used where it grows: a quarter of it. */
static void test_growth(void **state)
{
	char *p;

	(void)state;
	start_on();
	p = vmalloc_pages(300, 6000, PAGE_SIZE, false, true);
	assert_ptr_equal(vrealloc(virt_to_page(p), 400, true), p);
	assert_int_equal(made(), 0);
	use(p, 400);
	assert_ptr_equal(vrealloc(virt_to_page(p), 500, true), p);
	assert_int_equal(resident_pages(p, 500), 500);
	assert_ptr_equal(vrealloc(virt_to_page(p), 1000, true), p);
	assert_int_equal(made(), 100);
	use(p, 500);
	assert_ptr_equal(vrealloc(virt_to_page(p), 1100, true), p);
	assert_int_equal(made(), 100);
	use(p, 1100);
	assert_ptr_equal(vrealloc(virt_to_page(p), 2000, true), p);
	assert_int_equal(resident_pages(p, 2000), 1375);
	/* By 2 MiB at most. */
	assert_ptr_equal(vrealloc(virt_to_page(p), 4000, true), p);
	use(p, 4000);
	assert_ptr_equal(vrealloc(virt_to_page(p), 6000, true), p);
	assert_int_equal(resident_pages(p, 6000), 4512);
	/* Where it moves, too. */
	use(p, 6000);
	p = vrealloc(virt_to_page(p), 6300, true);
	assert_int_equal(resident_pages(p, 6300), 6300);
	assert_int_equal(p[5999 * PAGE_SIZE], 1);
}

static void test_copy(void **state)
{
	char *p = fresh(2 * NR), *from = fresh(NR);

	(void)state;
	start_on();
	ahead_copy(p, from, 15 * PAGE_SIZE, 2 * NR * PAGE_SIZE);
	assert_int_equal(resident_pages(p, 2 * NR), 0);
	ahead_copy(p, from, 16 * PAGE_SIZE, 2 * NR * PAGE_SIZE);
	assert_int_equal(resident_pages(p, 2 * NR), 16);
	/* Of what shrinks, what is left. */
	use(from, NR);
	ahead_copy(p, from, NR * PAGE_SIZE, 33 * PAGE_SIZE + 1);
	assert_int_equal(resident_pages(p, 2 * NR), 33);
	ahead_copy(p, from, NR * PAGE_SIZE, 2 * NR * PAGE_SIZE);
	assert_int_equal(resident_pages(p, 2 * NR), NR + NR / 4);
	/* The boot arena's is not asked for, nor held against the kernel. */
	ahead_copy(p + 64, from, NR * PAGE_SIZE, NR * PAGE_SIZE);
	assert_true(faults_are_dear());
}

/* Slabs whose objects share pages: from the first on, and a larger part of the heap. */
static void test_around(void **state)
{
	struct zone *z;
	uint64_t before;

	(void)state;
	start_on();
	z = zone_of(0, ZONE_NORMAL);
	alloc_pages(GFP_KERNEL | GFPF_DENSE, 1);
	assert_int_equal(made(), 4);
	do {
		before = made();
		assert_non_null(alloc_pages(GFP_KERNEL | GFPF_DENSE, 1));
		assert_true(made() - before <= max_size(pages_in_use(z) / 16, 4));
	} while (made() - before < 16);
	assert_in_range(pages_in_use(z), 16 * 16, 3 * 16 * 16);
}

static uint64_t calls(void)
{
	return os_fake_calls(OS_POPULATE);
}

/* The struct pages of memory that is new, or had none left. */
static void test_struct_pages(void **state)
{
	enum { PAGES = sizeof(struct page) << MAX_ORDER >> PAGE_SHIFT, BLOCKS = 8 };
	struct page *blocks[BLOCKS], *page;
	uint64_t before;

	(void)state;
	start_on();
	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = alloc_pages(GFP_KERNEL, MAX_ORDER);
	assert_true(calls() > 0);
	assert_int_equal(made(), 0);
	for (size_t i = 0; i < BLOCKS; i++)
		assert_true(free_pages(blocks[i], MAX_ORDER, true));
	page_alloc_trim();
	before = calls();
	page = alloc_pages(GFP_KERNEL, MAX_ORDER);
	assert_int_equal(calls() - before, 1);
	page = (struct page *)align_up((uintptr_t)page, PAGE_SIZE);
	assert_int_equal(resident_pages(page, PAGES - 1), PAGES - 1);
	buddy_validate(zone_of(0, ZONE_NORMAL));
}

/* --- when --- */

static bool measured(uint64_t fault_ns, uint64_t page_ns)
{
	os_fake_faults(fault_ns, page_ns);
	assert_true(faultin(fresh(FAULTIN_LEAST), FAULTIN_LEAST, FAULTIN_LEAST));
	return faults_are_dear();
}

/* In `modes`: @value, and @reason behind it. */
static void check_mode(const char *value, const char *reason)
{
	const char *text = control.modes[MODE_FAULT_AHEAD];

	assert_string_equal(text, value);
	assert_string_equal(text + strlen(value) + 1, reason);
}

static void test_dear(void **state)
{
	(void)state;
	start("percpu=lock,span=1024");
	assert_false(faults_are_dear());
	assert_true(faultin_wants_pages());
	check_mode("", "");
	assert_true(measured(10000, 1000));
	assert_false(faultin_wants_pages());
	check_mode("on", "a page fault takes 10000 ns, a page asked for 1000");
}

static void test_cheap(void **state)
{
	(void)state;
	start("percpu=lock,span=1024");
	assert_false(measured(1300, 200));
	assert_false(faultin_wants_pages());
	check_mode("off", "a page fault takes 1300 ns, a page asked for 200");
}

/* Memory that the host has to find first: asking for it is no cheaper. */
static void test_cold_host(void **state)
{
	(void)state;
	start("percpu=lock,span=1024");
	assert_false(measured(10000, 9000));
}

/* So many pages until the next measurement. */
static void pass(size_t nr)
{
	for (; nr && !faultin_wants_pages(); nr -= 256)
		assert_true(faultin(fresh(256), 256, 256));
	assert_int_equal(nr, 0);
	assert_true(faultin_wants_pages());
}

static void test_changes(void **state)
{
	(void)state;
	start("percpu=lock,span=1024");
	assert_true(measured(10000, 1000));
	pass(4096);
	/* Once may be an interrupt. */
	assert_true(measured(10000, 9000));
	check_mode("on", "a page fault takes 10000 ns, a page asked for 9000");
	pass(256);
	assert_true(measured(10000, 1000));
	pass(256);
	assert_true(measured(10000, 1000));
	pass(4096);
	assert_true(measured(1000, 500));
	assert_int_equal(faultin_ns(), 10000);
	pass(256);
	assert_false(measured(1000, 500));
	pass(4096);
	assert_true(measured(10000, 1000));
}

static void test_not_asked_for(void **state)
{
	char *p;

	(void)state;
	core_start("percpu=lock,span=1024,fault_ahead=on");
	faultin_init(true);
	check_mode("off", "quiet");
	assert_false(faults_are_dear());
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(&p), 0);
		use(p, NR);
	}
	params_parse("fault_ahead=off");
	faultin_init(false);
	check_mode("off", "asked for");
	os_fake_faults(10000, 100);
	assert_false(faultin_wants_pages());
	assert_true(faultin(fresh(NR), NR, NR));
	assert_false(faults_are_dear());
}

static void test_refused(void **state)
{
	char *p;

	(void)state;
	start_on();
	check_mode("on", "asked for");
	os_fake_fail_from(OS_BIT(OS_POPULATE), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(&p), 0);
		use(p, NR);
	}
	assert_int_equal(os_fake_refused(), 1);
	assert_false(faults_are_dear());
	check_mode("off", "the kernel refuses it");
}

/* The refusal says nothing about what faults take. */
static void test_refused_while_timed(void **state)
{
	(void)state;
	start("percpu=lock,span=1024");
	os_fake_faults(10000, 100);
	os_fake_fail_from(OS_BIT(OS_POPULATE), 1);
	assert_false(faultin(fresh(NR), NR, NR));
	assert_false(faults_are_dear());
	check_mode("off", "the kernel refuses it");
}

/* A large area is as good as slabs, and its last pages are used for it. */
static void test_measured_by_area(void **state)
{
	char *p;

	(void)state;
	start("percpu=lock,span=4096,thp=off");
	os_fake_faults(10000, 1000);
	p = vmalloc_pages(5000, 5000, PAGE_SIZE, false, true);
	assert_true(faults_are_dear());
	assert_int_equal(resident_pages(p, 5000 - FAULTIN_LEAST), 0);
	assert_int_equal(resident_pages(p + (5000 - FAULTIN_LEAST) * PAGE_SIZE,
					FAULTIN_LEAST),
			 FAULTIN_LEAST);
}

/* Areas of 16 MiB get huge pages then, in a virtual machine, too. */
static void test_huge_areas(void **state)
{
	enum { PAGES = MiB(16) >> PAGE_SHIFT };

	(void)state;
	start("percpu=lock,span=4096,fault_ahead=off");
	os_fake_huge_pages(100, true);
	vmalloc_pages(PAGES, PAGES, PAGE_SIZE, false, true);
	assert_int_equal(os_fake_advised(), 0);
	params_parse("fault_ahead=on");
	faultin_init(false);
	vmalloc_pages(PAGES - 512, PAGES - 512, PAGE_SIZE, false, true);
	assert_int_equal(os_fake_advised(), 0);
	vmalloc_pages(PAGES, PAGES, PAGE_SIZE, false, true);
	assert_true(os_fake_advised() >= PAGES);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_used_whole),
		cmocka_unit_test(test_used_in_part),
		cmocka_unit_test(test_no_longer_used),
		cmocka_unit_test(test_never_used),
		cmocka_unit_test(test_several_at_once),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_small_kind),
		cmocka_unit_test(test_huge_mappings),
		cmocka_unit_test(test_out_of_sight),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_slabs),
		cmocka_unit_test(test_slabs_in_part),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_struct_pages),
		cmocka_unit_test(test_dear),
		cmocka_unit_test(test_cheap),
		cmocka_unit_test(test_cold_host),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_while_timed),
		cmocka_unit_test(test_measured_by_area),
		cmocka_unit_test(test_huge_areas),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
