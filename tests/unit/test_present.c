/* SPDX-License-Identifier: MIT */
/*
 * test_present.c - which free pages hold memory: known zero is zero and costs
 * nothing, what is given back to the kernel is gone and was free, ticks give
 * back half of what lies idle and spare what is used, and a kernel that takes
 * nothing back does no harm. The kernel's mincore() is the judge.
 */
#include "unit.h"

#include <string.h>
#include <sys/prctl.h>

#include "base/vmstat.h"
#include "os/os.h"
#include "os_fake.h"
#include "page_alloc/internal.h"

static struct zone *normal(void)
{
	return zone_of(0, ZONE_NORMAL);
}

static void validate_all(void)
{
	buddy_validate(normal());
}

/* No huge pages: they would make pages resident that nobody touched. */
static void start(const char *options)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	core_start(options);
}

/* --- known zero --- */

static void test_zero(void **state)
{
	unsigned char *p;

	(void)state;
	start("percpu=lock,span=256");
	for (int i = 0; i < 3; i++) {
		p = alloc_pages_exact(300, 0, GFP_KERNEL | GFPF_ZERO);
		assert_true(pages_are_zero(p, 300));
		memset(p, 0xa5, 300 << PAGE_SHIFT);
		assert_true(free_pages_exact(virt_to_page(p), true));
	}
	/* Without the flag nobody clears: the old data is still there. */
	p = alloc_pages_exact(300, 0, GFP_KERNEL);
	assert_int_equal(p[PAGE_SIZE], 0xa5);
	/* Every second page dirty, by way of single pages. */
	assert_true(free_pages_exact(virt_to_page(p), true));
	page_alloc_trim();
	p = alloc_pages_exact(256, 8, GFP_KERNEL);
	assert_true(pages_are_zero(p, 256));
	for (size_t i = 0; i < 256; i += 2)
		p[i << PAGE_SHIFT] = 1;
	assert_true(free_pages_exact(virt_to_page(p), true));
	p = alloc_pages_exact(256, 8, GFP_KERNEL | GFPF_ZERO);
	assert_true(pages_are_zero(p, 256));
	assert_true(free_pages_exact(virt_to_page(p), true));
	/* Purged pages are known to be zero: asking for them touches nothing. */
	page_alloc_trim();
	p = alloc_pages_exact(256, 8, GFP_KERNEL | GFPF_ZERO);
	assert_int_equal(resident_pages(p, 256), 0);
	assert_true(pages_are_zero(p, 256));
	validate_all();
}

static void test_present_bits(void **state)
{
	struct rng rng = rng_seeded(1);
	static bool model[2048];

	(void)state;
	start("percpu=lock,span=64");
	for (int i = 0; i < 2; i++)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	present_clear(0, 2048);
	for (int i = 0; i < 20000; i++) {
		size_t pfn = rng_below(&rng, 2048);
		size_t nr = rng_log(&rng, 1100), count = 0;
		uint64_t bits[2048 / 64];

		nr = min_size(nr, 2048 - pfn);
		switch (rng_below(&rng, 3)) {
		case 0:
			present_set(pfn, nr);
			memset(model + pfn, true, nr);
			break;
		case 1:
			present_clear(pfn, nr);
			memset(model + pfn, false, nr);
			break;
		default:
			memset(bits, 0xff, sizeof(bits));
			present_copy(pfn, nr, bits);
			for (size_t k = 0; k < nr; k++) {
				count += model[pfn + k];
				assert_int_equal(bits[k / 64] >> k % 64 & 1,
						 model[pfn + k]);
			}
			assert_int_equal(present_count(pfn, nr), count);
			break;
		}
	}
}

/* --- back to the kernel --- */

/* Hand out, write and take back @nr blocks of a MiB. */
static void dirty(size_t nr)
{
	void *blocks[64];

	for (size_t i = 0; i < nr; i++) {
		blocks[i] = alloc_pages_exact(256, 8, GFP_KERNEL);
		memset(blocks[i], 1, 256 << PAGE_SHIFT);
	}
	for (size_t i = 0; i < nr; i++)
		assert_true(free_pages_exact(virt_to_page(blocks[i]), true));
}

/* What the zone believes to be resident is, and nothing else. */
static void check_residency(void)
{
	struct zone *z = normal();

	assert_int_equal(z->stat->free, z->stat->present);
	assert_int_equal(resident_pages(pfn_to_addr(z->start_pfn),
					z->online_pfn - z->start_pfn),
			 z->stat->free_resident);
}

static void test_trim(void **state)
{
	const uint64_t *resident;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	dirty(16);
	resident = &normal()->stat->free_resident;
	assert_int_equal(*resident, 4096);
	check_residency();
	assert_int_equal(page_alloc_trim(), 4096);
	assert_int_equal(*resident, 0);
	check_residency();
	assert_int_equal(sum_vm_event(PGPURGE), 4096);
	assert_int_equal(page_alloc_trim(), 0);
	validate_all();
	dirty(1);
	check_residency();
}

static void test_decay(void **state)
{
	uint64_t before;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	dirty(32);
	before = normal()->stat->free_resident;
	/* The first tick only notes what lies idle. */
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, before);
	for (int i = 0; i < 20; i++) {
		before = normal()->stat->free_resident;
		page_alloc_decay(1);
		/* Half of it; the last few at once. */
		assert_true(normal()->stat->free_resident <= before / 2);
		assert_true(before > 32 || !normal()->stat->free_resident);
		check_residency();
		validate_all();
	}
	assert_int_equal(before, 0);
	/* One call may stand for several ticks. */
	dirty(32);
	page_alloc_decay(1);
	before = normal()->stat->free_resident;
	page_alloc_decay(3);
	assert_true(normal()->stat->free_resident <= before / 8);
	page_alloc_decay(30);
	page_alloc_decay(31);
	assert_true(normal()->stat->free_resident < 64);
	check_residency();
}

/*
 * Every second block of 1 << @order pages is written and freed, those between
 * stay. Return: pages that are free and resident.
 */
static size_t scatter(size_t nr, unsigned int order)
{
	static void *p[4096];

	assert_true(nr <= ARRAY_SIZE(p));
	for (size_t i = 0; i < nr; i++)
		p[i] = alloc_pages_exact(1ul << order, order, GFP_KERNEL);
	for (size_t i = 0; i < nr; i++)
		memset(p[i], 1, PAGE_SIZE << order);
	for (size_t i = 0; i < nr; i += 2)
		assert_true(free_pages_exact(virt_to_page(p[i]), true));
	return normal()->stat->free_resident;
}

/*
 * Sizes change: what is free lies in single pages and pairs are wanted. The zone
 * does not grow by it, but a little stays for requests that it suits.
 */
static void test_level(void **state)
{
	uint64_t before, most;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	before = scatter(4096, 0);
	assert_in_range(before, 2000, 2048);
	most = MiB(1) >> PAGE_SHIFT;
	/* Single pages are of use to those who want them. */
	for (int i = 0; i < 100; i++)
		assert_non_null(alloc_pages(GFP_KERNEL, 0));
	assert_int_equal(sum_vm_event(PGPURGE), 0);
	for (int i = 0; i < 1200; i++)
		memset(page_address(alloc_pages(GFP_KERNEL, 1)), 1,
		       2 * PAGE_SIZE);
	most = max_size(most, (normal()->stat->present - normal()->stat->free) /
				      8) + 64;
	assert_true(normal()->stat->free_resident <= most);
	assert_true(sum_vm_event(PGPURGE) >= before - 200 - most);
	validate_all();
}

/* Small blocks go too when nothing else is left, but only so many a tick. */
static void test_decay_of_small_blocks(void **state)
{
	size_t before, calls, gone;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	assert_int_equal(scatter(2000, 1), 2000);
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, 2000);
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, 2000 - 64 * 2);
	page_alloc_decay(3);
	assert_int_equal(normal()->stat->free_resident, 2000 - 4 * 64 * 2);
	validate_all();
	/* Missed ticks are made up for. */
	page_alloc_decay(31);
	page_alloc_decay(31);
	assert_int_equal(normal()->stat->free_resident, 0);
	assert_int_equal(sum_vm_event(PGPURGE), 2000);
	/* Large blocks first, without that limit. */
	dirty(2);
	before = sum_vm_event(PURGE_CALLS);
	page_alloc_decay(1);
	page_alloc_decay(1);
	assert_in_range(sum_vm_event(PURGE_CALLS) - before, 1, 8);
	/* Single pages: a trim takes them, a tick does not. */
	page_alloc_trim();
	assert_int_equal(scatter(200, 0), 100);
	for (int i = 0; i < 5; i++)
		page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, 100);
	calls = sum_vm_event(PURGE_CALLS);
	gone = page_alloc_trim();
	assert_int_equal(gone, 100);
	assert_int_equal(sum_vm_event(PURGE_CALLS) - calls, 100);
	assert_int_equal(normal()->stat->free_resident, 0);
	validate_all();
}

/* What is used between two ticks is not idle. */
static void test_decay_spares_what_is_used(void **state)
{
	(void)state;
	start("percpu=lock,span=256,thp=off");
	for (int i = 0; i < 10; i++) {
		dirty(16);
		page_alloc_decay(1);
	}
	assert_int_equal(normal()->stat->free_resident, 4096);
	assert_int_equal(sum_vm_event(PGPURGE), 0);
}

/* Nor is a large block of which all but a little was in use. */
static void test_decay_of_the_last_few(void **state)
{
	void *p;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	dirty(4);
	page_alloc_decay(1);
	p = alloc_pages_exact(1000, 0, GFP_KERNEL);
	assert_int_equal(normal()->stat->free_resident, 24);
	assert_true(free_pages_exact(virt_to_page(p), true));
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, 1024);
	assert_int_equal(sum_vm_event(PGPURGE), 0);
	/* By themselves, in blocks of 16 and 8 pages, they go. */
	p = alloc_pages_exact(1000, 0, GFP_KERNEL);
	page_alloc_decay(1);
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, 0);
	assert_int_equal(sum_vm_event(PGPURGE), 24);
	validate_all();
}

static void test_resident_limit(void **state)
{
	(void)state;
	start("percpu=lock,span=256,thp=off,resident_free=4096");
	assert_false(page_alloc_over_limit());
	dirty(32);
	assert_true(page_alloc_over_limit());
	page_alloc_decay(1);
	assert_true(normal()->stat->free_resident <= 1024);
	assert_false(page_alloc_over_limit());
	/* Or what may soon be wanted again. */
	assert_int_equal(resident_free_limit(0), MiB(4));
	assert_int_equal(resident_free_limit(MiB(100)), MiB(100));
}

/* What was in use a moment ago counts too, until ticks have passed. */
static void test_recent_peak(void **state)
{
	enum { BLOCKS = 8, NR = 1024 };
	void *p[BLOCKS];

	(void)state;
	start("percpu=lock,span=256,thp=off,resident_free=0");
	for (int i = 0; i < BLOCKS; i++)
		p[i] = alloc_pages_exact(NR, 0, GFP_KERNEL);
	assert_false(page_alloc_over_limit());
	for (int i = 0; i < BLOCKS; i++)
		assert_true(free_pages_exact(virt_to_page(p[i]), true));
	assert_false(page_alloc_over_limit());
	page_alloc_decay(0);
	assert_int_equal(normal()->stat->free_resident, BLOCKS * NR);
	page_alloc_decay(1);
	assert_int_equal(normal()->stat->free_resident, BLOCKS * NR / 2);
	page_alloc_decay(2);
	assert_int_equal(normal()->stat->free_resident, BLOCKS * NR / 8);
}

/* Locked memory cannot be given back: nothing is lost, and nobody spins. */
static void test_purge_refused(void **state)
{
	unsigned char *p;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	dirty(16);
	os_fake_fail_from(OS_BIT(OS_PURGE), 1);
	page_alloc_trim();
	page_alloc_decay(1);
	page_alloc_decay(1);
	assert_true(os_fake_refused() > 0 && os_fake_refused() < 200);
	assert_int_equal(normal()->stat->free_resident, 4096);
	validate_all();
	p = alloc_pages_exact(1024, 0, GFP_KERNEL | GFPF_ZERO);
	assert_true(pages_are_zero(p, 1024));
	memset(p, 1, 1024 << PAGE_SHIFT);
	assert_true(free_pages_exact(virt_to_page(p), true));
	os_fake_relent();
	assert_int_equal(page_alloc_trim(), 4096);
	assert_int_equal(normal()->stat->free_resident, 0);
	check_residency();
}

/* --- struct pages --- */

enum { MAP_PAGES = (sizeof(struct page) << MAX_ORDER) >> PAGE_SHIFT };

/* Every struct page is written once, and all pages are free again. */
static void touch_mem_map(size_t nr)
{
	static struct page *p[8 << MAX_ORDER];

	assert_true(nr <= ARRAY_SIZE(p));
	for (size_t i = 0; i < nr; i++)
		p[i] = alloc_pages(GFP_KERNEL, 0);
	for (size_t i = 0; i < nr; i++)
		assert_true(free_pages(p[i], 0, true));
	pcp_drain(normal());
}

/* Pages of mem_map that largest free blocks hold; validate would touch them. */
static size_t mem_map_of_blocks(uint64_t *ret_blocks)
{
	struct zone *z = normal();
	size_t sum = 0;

	*ret_blocks = 0;
	for (size_t pfn = z->start_pfn; pfn < z->online_pfn;
	     pfn += 1 << MAX_ORDER) {
		struct page *page = pfn_to_page(pfn);

		if (page->type != PAGE_BUDDY || page->order != MAX_ORDER)
			continue;
		sum += resident_pages((void *)align_down((uintptr_t)page, PAGE_SIZE),
				      MAP_PAGES);
		++*ret_blocks;
	}
	return sum;
}

/* Blocks that hold no memory cost a page of mem_map each, and that once. */
static void test_strip(void **state)
{
	uint64_t nr, calls;
	size_t map;
	void *p[4];

	(void)state;
	start("percpu=lock,span=256,thp=off");
	touch_mem_map(6 << MAX_ORDER);
	/* The last one may have come online in part. */
	map = mem_map_of_blocks(&nr);
	assert_in_range(map, (nr - 1) * MAP_PAGES, nr * MAP_PAGES);
	assert_true(nr >= 5);
	page_alloc_trim();
	map = mem_map_of_blocks(&nr);
	assert_int_equal(map, nr);
	calls = os_fake_calls(OS_PURGE);
	page_alloc_trim();
	page_alloc_decay(1);
	page_alloc_decay(1);
	assert_int_equal(os_fake_calls(OS_PURGE), calls);
	validate_all();
	/* Used and freed in pieces: whole again, and once more. */
	for (int i = 0; i < 4; i++)
		p[i] = alloc_pages_exact(700, 0, GFP_KERNEL);
	for (int i = 0; i < 4; i++)
		assert_true(free_pages_exact(virt_to_page(p[i]), true));
	touch_mem_map(6 << MAX_ORDER);
	validate_all();
	for (int i = 0; i < 20; i++)
		page_alloc_decay(1);
	assert_in_range(normal()->stat->free_resident, 0, 15);
	map = mem_map_of_blocks(&nr);
	assert_in_range(map, nr, nr + 2 * MAP_PAGES);
	validate_all();
	calls = os_fake_calls(OS_PURGE);
	for (int i = 0; i < 20; i++)
		page_alloc_decay(1);
	assert_in_range(os_fake_calls(OS_PURGE) - calls, 0, 1);
	/* Stripped blocks serve like others, to the last. */
	os_fake_fail_from(OS_BIT(OS_COMMIT), 1);
	while (alloc_pages(GFP_KERNEL, MAX_ORDER))
		nr--;
	assert_in_range(nr, 0, 1);
	validate_all();
}

/* Pages of mem_map behind the first of a block of @order. */
static size_t mem_map_of(const struct page *page, unsigned int order)
{
	return resident_pages((void *)align_up((uintptr_t)page, PAGE_SIZE),
			      ((sizeof(*page) << order) >> PAGE_SHIFT) - 1);
}

/* Blocks between others that are in use, down to 512 KiB. */
static void test_strip_smaller(void **state)
{
	struct page *p[2];

	(void)state;
	start("percpu=lock,span=256,thp=off");
	for (unsigned int order = MAX_ORDER - 1; order >= STRIP_ORDER - 1;
	     order--) {
		size_t whole = ((sizeof(**p) << order) >> PAGE_SHIFT) - 1;

		/* Two halves of a block. */
		p[0] = alloc_pages(GFP_KERNEL, order + 1);
		assert_true(free_pages(p[0], order + 1, true));
		p[0] = alloc_pages(GFP_KERNEL, order);
		p[1] = alloc_pages(GFP_KERNEL, order);
		assert_int_equal(page_to_pfn(p[0]) ^ page_to_pfn(p[1]),
				 1ul << order);
		for (size_t i = 1; i < 1ul << order; i++)
			store_relaxed(&p[1][i].type, PAGE_NONE);
		assert_int_equal(mem_map_of(p[1], order), whole);
		assert_true(free_pages(p[1], order, true));
		page_alloc_trim();
		assert_int_equal(p[1]->type, PAGE_BUDDY);
		assert_int_equal(p[1]->order, order);
		assert_int_equal(p[1]->cold,
				 order >= STRIP_ORDER ? BARE : FRESH);
		assert_int_equal(mem_map_of(p[1], order),
				 order >= STRIP_ORDER ? 0 : whole);
		validate_all();
		/* It merges with its other half, and serves again. */
		assert_true(free_pages(p[0], order, true));
		validate_all();
		assert_ptr_equal(alloc_pages(GFP_KERNEL, order + 1), p[0]);
		assert_true(free_pages(p[0], order + 1, true));
		validate_all();
	}
}

static struct page *other_half;

static void free_other_half(const void *addr)
{
	struct page *page = other_half;

	if (!page || in_span(addr))
		return;
	other_half = NULL;
	assert_true(free_pages(page, STRIP_ORDER, true));
}

/* A block comes back while the mem_map of its buddy goes: they merge. */
static void test_strip_and_merge(void **state)
{
	struct page *page;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	page = alloc_pages(GFP_KERNEL, STRIP_ORDER);
	other_half = alloc_pages(GFP_KERNEL, STRIP_ORDER);
	assert_ptr_equal(other_half, page + (1 << STRIP_ORDER));
	assert_true(free_pages(page, STRIP_ORDER, true));
	os_fake_on_purge(free_other_half);
	page_alloc_trim();
	os_fake_on_purge(NULL);
	assert_null(other_half);
	assert_int_equal(page->type, PAGE_BUDDY);
	assert_true(page->order > STRIP_ORDER);
	assert_int_equal(page[1 << STRIP_ORDER].type, PAGE_NONE);
	validate_all();
}

/* A tick does so many; what the kernel refuses is not asked for again. */
static void test_strip_is_bounded(void **state)
{
	static struct page *p[100];
	uint64_t calls;

	(void)state;
	start("percpu=lock,span=1024,thp=off");
	for (int i = 0; i < 100; i++)
		p[i] = alloc_pages(GFP_KERNEL, MAX_ORDER);
	present_clear(normal()->start_pfn,
		      normal()->online_pfn - normal()->start_pfn);
	for (int i = 0; i < 100; i++)
		free_pages(p[i], MAX_ORDER, true);
	os_fake_fail_from(OS_BIT(OS_PURGE), 1);
	calls = os_fake_calls(OS_PURGE);
	page_alloc_decay(1);
	assert_int_equal(os_fake_calls(OS_PURGE) - calls, 64);
	page_alloc_decay(1);
	calls = os_fake_calls(OS_PURGE) - calls;
	assert_in_range(calls, 100, 127);
	page_alloc_decay(1);
	assert_int_equal(os_fake_refused(), calls);
	validate_all();
}

static void test_moved_out(void **state)
{
	unsigned char *p, *q;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	p = alloc_pages_exact(256, 8, GFP_KERNEL);
	q = alloc_pages_exact(256, 8, GFP_KERNEL);
	memset(p, 7, 256 << PAGE_SHIFT);
	assert_int_equal(os_move(p, 256 << PAGE_SHIFT, q), 0);
	pages_moved_out(virt_to_page(p));
	assert_true(free_pages_exact(virt_to_page(p), true));
	assert_int_equal(normal()->stat->free_resident, 0);
	while (alloc_pages_exact(256, 8, GFP_KERNEL | GFPF_ZERO) != p)
		;
	assert_true(pages_are_zero(p, 256));
	assert_int_equal(q[0], 7);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_present_bits),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_decay_of_small_blocks),
		cmocka_unit_test(test_decay_spares_what_is_used),
		cmocka_unit_test(test_decay_of_the_last_few),
		cmocka_unit_test(test_resident_limit),
		cmocka_unit_test(test_recent_peak),
		cmocka_unit_test(test_purge_refused),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_strip_smaller),
		cmocka_unit_test(test_strip_and_merge),
		cmocka_unit_test(test_strip_is_bounded),
		cmocka_unit_test(test_moved_out),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
