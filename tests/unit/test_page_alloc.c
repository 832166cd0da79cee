/* SPDX-License-Identifier: MIT */
/*
 * test_page_alloc.c - what the page layer promises beyond "no overlap" (that is
 * model_buddy.c) and residency (test_present.c): zones and their fallback,
 * watermarks and the reserve behind them, nodes, migrate types, per-CPU page
 * lists, reclaim, and that calls without GFPF_WAIT never wait.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "os_fake.h"
#include "page_alloc/internal.h"
#include "page_alloc/span.h"
#include "percpu/thread.h"

enum { BLOCK = 1 << MAX_ORDER, ORDER_PAST_PCP = NR_PCP_ORDERS };

static struct zone *normal(void)
{
	return zone_of(0, ZONE_NORMAL);
}

static void validate_all(void)
{
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++)
			buddy_validate(zone_of(n, (enum zone_type)t));
}

/* Bring @nr largest blocks online and leave them free; nothing is touched. */
static void grow_by(gfp_t gfp, size_t nr)
{
	struct page **blocks = calloc(nr, sizeof(*blocks));

	for (size_t i = 0; i < nr; i++) {
		blocks[i] = alloc_pages(gfp, MAX_ORDER);
		assert_non_null(blocks[i]);
	}
	for (size_t i = 0; i < nr; i++)
		assert_true(free_pages(blocks[i], MAX_ORDER, true));
	free(blocks);
}

static void refuse_growth(void)
{
	os_fake_fail_from(OS_BIT(OS_COMMIT), 1);
}

static void refuse_growth_of(const struct zone *z)
{
	os_fake_fail_range(OS_BIT(OS_COMMIT), pfn_to_addr(z->start_pfn),
			   (char *)pfn_to_addr(z->limit_pfn - 1) + PAGE_SIZE);
}

/* --- sizes --- */

static void test_exact_sizes(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	for (size_t nr = 1; nr <= BLOCK; nr += 1 + nr / 5)
		for (unsigned int align = 0; align <= MAX_ORDER; align++) {
			void *p = alloc_pages_exact(nr, align, GFP_KERNEL);
			struct page *page = virt_to_page(p);

			assert_int_equal(page->type, PAGE_LARGE);
			assert_int_equal(page->nr_pages, nr);
			assert_int_equal((uintptr_t)p % (PAGE_SIZE << align), 0);
			/* The tail of the block stays free. */
			assert_int_equal(normal()->stat->present -
						 normal()->stat->free -
						 normal()->stat->pcp,
					 nr);
			assert_true(free_pages_exact(page, true));
			page_alloc_trim();
			validate_all();
		}
	assert_null(alloc_pages_exact(BLOCK + 1, 0, GFP_KERNEL));
	assert_null(alloc_pages_exact(1, MAX_ORDER + 1, GFP_KERNEL));
	assert_null(alloc_pages_exact(SIZE_MAX >> PAGE_SHIFT, 0, GFP_KERNEL));
}

/* More than the largest order: a run of free pages wherever there is one. */
static void test_contiguous(void **state)
{
	unsigned char *p[4];

	(void)state;
	core_start("percpu=lock,span=1024");
	assert_null(alloc_pages_contig(2000, 1, GFP_KERNEL));
	grow_by(GFP_KERNEL, 40);
	assert_null(alloc_pages_contig(2000, 1, GFP_ATOMIC));
	for (size_t i = 0; i < 4; i++) {
		size_t align = (size_t)1 << (3 * i + 3);

		p[i] = alloc_pages_contig(1500 + 600 * i, align,
					  GFP_KERNEL | GFPF_ZERO);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % (align << PAGE_SHIFT), 0);
		assert_true(pages_are_zero(p[i], 1500 + 600 * i));
		assert_int_equal(virt_to_page(p[i])->nr_pages, 1500 + 600 * i);
		memset(p[i], (int)i + 1, (1500 + 600 * i) << PAGE_SHIFT);
		validate_all();
	}
	assert_int_equal(normal()->stat->large, 4 * 1500 + 6 * 600);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(p[i][0], i + 1);
		assert_memory_equal(p[i], p[i] + 1,
				    ((1500 + 600 * i) << PAGE_SHIFT) - 1);
		assert_true(free_pages_exact(virt_to_page(p[i]), true));
	}
	validate_all();
	assert_int_equal(normal()->stat->free, normal()->stat->present);
}

static void test_resize(void **state)
{
	struct page *page, *behind;
	unsigned char *p, *q;

	(void)state;
	core_start("percpu=lock,span=256");
	p = alloc_pages_exact(64, MAX_ORDER, GFP_KERNEL);
	page = virt_to_page(p);
	memset(p, 9, 64 << PAGE_SHIFT);
	/* The rest of the largest block is free. */
	assert_true(resize_pages_exact(page, 1000, true));
	assert_true(resize_pages_exact(page, BLOCK, true));
	memset(p, 9, BLOCK << PAGE_SHIFT);
	assert_true(resize_pages_exact(page, 10, true));
	validate_all();
	/* Someone sits in the way. */
	behind = pfn_to_page(page_to_pfn(page) + 16);
	do {
		q = alloc_pages_exact(16, 0, GFP_KERNEL);
	} while (virt_to_page(q) != behind);
	assert_false(resize_pages_exact(page, 17, true));
	assert_int_equal(page->nr_pages, 10);
	assert_true(resize_pages_exact(page, 16, true));
	assert_true(free_pages_exact(behind, true));
	assert_true(resize_pages_exact(page, 17, true));
	assert_true(resize_pages_exact(page, 32, true));
	assert_int_equal(normal()->stat->large % 16, 0);
	validate_all();
	for (size_t i = 0; i < 10 << PAGE_SHIFT; i++)
		assert_int_equal(p[i], 9);
	/* The end of what is online is the end. */
	while (resize_pages_exact(page, page->nr_pages + 1, true))
		assert_true(page_to_pfn(page) + page->nr_pages <=
			    normal()->online_pfn);
	validate_all();
}

/* --- per-CPU page lists --- */

static void test_pcp(void **state)
{
	struct page *pages[300], *again;

	(void)state;
	core_start("percpu=lock,span=1024");
	grow_by(GFP_KERNEL, 20);
	/* What was freed last is warm, and comes back first. */
	for (unsigned int order = 0; order < NR_PCP_ORDERS; order++) {
		pcp_drain(normal());
		for (int i = 0; i < 4; i++)
			pages[i] = alloc_pages(GFP_KERNEL, order);
		for (int i = 0; i < 4; i++)
			free_pages(pages[i], order, true);
		for (int i = 3; i >= 0; i--) {
			again = alloc_pages(GFP_KERNEL, order);
			assert_ptr_equal(again, pages[i]);
			assert_int_equal(again->type, PAGE_ALLOC);
		}
		for (int i = 0; i < 4; i++)
			free_pages(pages[i], order, true);
	}
	/* What comes from the buddy is handed out upwards. */
	for (unsigned int order = 0; order < NR_PCP_ORDERS; order++) {
		pcp_drain(normal());
		for (int i = 0; i < PCP_BATCH >> order; i++) {
			pages[i] = alloc_pages(GFP_KERNEL, order);
			if (i)
				assert_ptr_equal(pages[i],
						 pages[i - 1] + (1 << order));
		}
		for (int i = 0; i < PCP_BATCH >> order; i++)
			free_pages(pages[i], order, true);
	}
	/* The lists are bounded; the counter is right. */
	for (int i = 0; i < 300; i++)
		pages[i] = alloc_pages(GFP_KERNEL, 0);
	for (int i = 0; i < 300; i++) {
		free_pages(pages[i], 0, true);
		assert_true(normal()->stat->pcp <= PCP_HIGH);
	}
	assert_true(normal()->stat->pcp >= PCP_HIGH - PCP_BATCH);
	assert_int_equal(normal()->stat->pcp + normal()->stat->free,
			 normal()->stat->present);
	/* Each CPU its own. */
	again = alloc_pages(GFP_KERNEL, 0);
	free_pages(again, 0, true);
	thread_word.stripe = 3;
	assert_ptr_not_equal(alloc_pages(GFP_KERNEL, 0), again);
	pcp_drain(normal());
	assert_int_equal(normal()->stat->pcp, 0);
	validate_all();
}

/* --- watermarks --- */

static size_t take_all(gfp_t gfp, unsigned int order)
{
	size_t nr = 0;

	while (alloc_pages(gfp, order))
		nr++;
	return nr;
}

static void test_watermarks(void **state)
{
	struct control_zone *st;

	(void)state;
	core_start("percpu=lock,span=1024");
	grow_by(GFP_KERNEL, 20);
	st = normal()->stat;
	assert_true(st->wmark[0] >= 64);
	assert_true(st->wmark[0] < st->wmark[1] && st->wmark[1] < st->wmark[2]);
	assert_true(st->wmark[2] < st->managed / 64);
	refuse_growth();
	assert_true(take_all(GFP_KERNEL, ORDER_PAST_PCP) > 1000);
	/* An ordinary request stops at the mark ... */
	assert_in_range(st->free, st->wmark[0],
			st->wmark[0] + (1 << ORDER_PAST_PCP) - 1);
	take_all(GFP_KERNEL, 0);
	assert_int_equal(st->free, st->wmark[0]);
	assert_null(alloc_pages_exact(1, 0, GFP_KERNEL));
	/* ... a nested call gets what is behind it. */
	assert_non_null(alloc_pages_exact(1, 0, GFP_ATOMIC));
	/* A batch may lie on the list of the other migrate type. */
	assert_true(take_all(GFP_ATOMIC, 0) + PCP_BATCH >= st->wmark[0]);
	assert_int_equal(st->free, 0);
	assert_null(alloc_pages(GFP_ATOMIC, 0));
	assert_true(sum_vm_event(ALLOCSTALL) > 0);
	assert_true(sum_vm_event(ARENA_FAIL) > 0);
	validate_all();
	os_fake_relent();
	assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	validate_all();
}

/* --- zones --- */

static void test_zone_fallback(void **state)
{
	struct zone *movable, *low;
	struct page *page;

	(void)state;
	core_start("percpu=lock,span=65536");
	movable = zone_of(0, ZONE_MOVABLE);
	low = zone_of(0, ZONE_DMA32);
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 4);
	assert_int_equal(page->zone, ZONE_MOVABLE);
	assert_true(free_pages(page, 4, true));
	page = alloc_pages(GFP_KERNEL, 4);
	assert_int_equal(page->zone, ZONE_NORMAL);

	/* MOVABLE -> NORMAL. */
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, MAX_ORDER);
	assert_int_equal(page->zone, ZONE_MOVABLE);
	refuse_growth_of(movable);
	do {
		page = alloc_pages(GFP_HIGHUSER_MOVABLE, MAX_ORDER);
	} while (page->zone == ZONE_MOVABLE);
	assert_int_equal(page->zone, ZONE_NORMAL);
	assert_true(free_pages(page, MAX_ORDER, true));

	/* NORMAL never takes from MOVABLE or DMA, which have plenty. */
	os_fake_relent();
	grow_by(GFP_HIGHUSER_MOVABLE, 4);
	grow_by(GFP_KERNEL | GFPF_DMA, 1);
	refuse_growth();
	take_all(GFP_KERNEL, MAX_ORDER);
	assert_true(movable->stat->free > BLOCK);
	assert_true(zone_of(0, ZONE_DMA)->stat->free >= BLOCK);

	/* NORMAL -> DMA32, once that exists. */
	os_fake_relent();
	assert_int_equal(low->limit_pfn, 0);
	grow_by(GFP_KERNEL | GFPF_DMA32, 4);
	assert_true(low->stat->free >= 4 * BLOCK);
	refuse_growth();
	page = alloc_pages(GFP_KERNEL, MAX_ORDER);
	assert_non_null(page);
	assert_int_equal(page->zone, ZONE_DMA32);
	validate_all();
}

static void test_dma32(void **state)
{
	struct page *page;
	void *p;

	(void)state;
	core_start("percpu=lock,span=256");
	/* Without waiting the window is not opened. */
	assert_null(alloc_pages((GFP_ATOMIC | GFPF_DMA32), 0));
	p = alloc_pages_exact(100, 0, GFP_KERNEL | GFPF_DMA32 | GFPF_ZERO);
	assert_non_null(p);
	assert_true((uintptr_t)p >> 32 == 0);
	assert_true((uintptr_t)p + (100 << PAGE_SHIFT) <= UINT32_MAX);
	assert_true(pages_are_zero(p, 100));
	page = virt_to_page(p);
	assert_int_equal(page->zone, ZONE_DMA32);
	assert_ptr_equal(page_address(page), p);
	assert_true(is_managed(p));
	assert_false(in_span(p));
	memset(p, 1, 100 << PAGE_SHIFT);
	assert_true(free_pages_exact(page, true));
	assert_non_null(alloc_pages(GFP_ATOMIC | GFPF_DMA32, 0));
	/* It ends, in NULL, and never comes from elsewhere. */
	while ((page = alloc_pages(GFP_KERNEL | GFPF_DMA32, MAX_ORDER)))
		assert_int_equal(page->zone, ZONE_DMA32);
	validate_all();
}

static unsigned long locked_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %lu", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void test_dma_is_locked(void **state)
{
	struct zone *dma;
	struct page *page;

	(void)state;
	core_start("percpu=lock,span=65536");
	dma = zone_of(0, ZONE_DMA);
	/* Memory that cannot be locked is not handed out. */
	os_fake_fail_from(OS_BIT(OS_MLOCK), 1);
	assert_null(alloc_pages(GFP_KERNEL | GFPF_DMA, 0));
	assert_true(os_fake_refused() > 0);
	assert_int_equal(dma->stat->present, 0);
	os_fake_relent();
	page = alloc_pages(GFP_KERNEL | GFPF_DMA, 0);
	if (!page)
		unit_skip("RLIMIT_MEMLOCK is below 1 MiB");
	assert_int_equal(page->zone, ZONE_DMA);
	memset(page_address(page), 1, PAGE_SIZE);
	assert_int_equal(locked_kib(), dma->stat->present * PAGE_SIZE / 1024);
	/* It stays in RAM whatever is trimmed. */
	assert_true(free_pages(page, 0, true));
	page_alloc_trim();
	assert_int_equal(resident_pages(page_address(page), 1), 1);
	/* Only its own zone will do. */
	refuse_growth();
	while ((page = alloc_pages(GFP_KERNEL | GFPF_DMA, 0)))
		assert_int_equal(page->zone, ZONE_DMA);
	assert_null(alloc_pages(GFP_KERNEL, 0));
	os_fake_relent();
	assert_non_null(alloc_pages(GFP_KERNEL, 0));
	validate_all();
}

/* A small span has no room for windows: everything is ZONE_NORMAL. */
static void test_small_span_has_one_zone(void **state)
{
	struct page *page;

	(void)state;
	core_start("percpu=lock,span=64");
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);
	assert_int_equal(page->zone, ZONE_NORMAL);
	assert_null(alloc_pages(GFP_KERNEL | GFPF_DMA, 0));
	assert_int_equal(zone_of(0, ZONE_MOVABLE)->limit_pfn, 0);
}

/* ZONE_NORMAL keeps a share for those who have no other zone. */
static void test_lowmem_reserve(void **state)
{
	struct control_zone *low;
	uint64_t reserve;

	(void)state;
	core_start("percpu=lock,span=65536");
	low = normal()->stat;
	grow_by(GFP_HIGHUSER_MOVABLE, 64);
	grow_by(GFP_KERNEL, 8);
	reserve = low->lowmem_reserve[ZONE_MOVABLE];
	assert_int_equal(reserve, zone_of(0, ZONE_MOVABLE)->stat->managed / 32);
	assert_int_equal(low->lowmem_reserve[ZONE_NORMAL], 0);
	refuse_growth();
	take_all(GFP_HIGHUSER_MOVABLE, ORDER_PAST_PCP);
	assert_true(low->free < low->managed / 2);
	assert_in_range(low->free, reserve + low->wmark[0],
			reserve + low->wmark[0] + (1 << ORDER_PAST_PCP) - 1);
	assert_int_equal(take_all(GFP_KERNEL, ORDER_PAST_PCP),
			 reserve >> ORDER_PAST_PCP);
	validate_all();
}

/* --- nodes --- */

static void test_nodes(void **state)
{
	struct page *page;

	(void)state;
	core_start("percpu=lock,span=65536,numa=fake=2");
	assert_int_equal(nr_nodes(), 2);
	for (unsigned int node = 0; node < 2; node++)
		for (unsigned int order = 0; order <= MAX_ORDER; order++) {
			page = alloc_pages_node(node, GFP_KERNEL, order);
			assert_int_equal(page->node, node);
			assert_true(free_pages(page, order, true));
		}
	/* Threads spread over the nodes by their stripe. */
	for (uint16_t i = 1; i < 5; i++) {
		thread_word.stripe = i;
		assert_int_equal(numa_node(), i % 2);
		page = alloc_pages(GFP_KERNEL, MAX_ORDER);
		assert_int_equal(page->node, i % 2);
		assert_true(free_pages(page, MAX_ORDER, true));
	}
	/* The other node is better than nothing, unless it is not wanted. */
	refuse_growth_of(zone_of(1, ZONE_NORMAL));
	while ((page = alloc_pages_node(1, GFP_KERNEL | GFPF_THISNODE,
					MAX_ORDER)))
		assert_int_equal(page->node, 1);
	page = alloc_pages_node(1, GFP_KERNEL, MAX_ORDER);
	assert_int_equal(page->node, 0);
	assert_true(free_pages(page, MAX_ORDER, true));
	assert_true(zone_of(0, ZONE_NORMAL)->stat->free >= BLOCK);
	validate_all();
}

static void test_node_options(void **state)
{
	(void)state;
	os_fake_keep_stderr(true);
	core_start("percpu=lock,span=64,numa=fake=99");
	assert_int_equal(nr_nodes(), 1);
	assert_non_null(strstr(os_fake_stderr(), "numa=fake=99"));
}

/* --- migrate types --- */

static const gfp_t gfp_of[NR_MIGRATETYPES] = {
	[MIGRATE_UNMOVABLE] = GFP_KERNEL,
	[MIGRATE_MOVABLE] = GFP_KERNEL | GFPF_MOVABLE,
	[MIGRATE_RECLAIMABLE] = GFP_KERNEL | GFPF_RECLAIMABLE,
};

static unsigned int block_type(const struct page *page)
{
	return pfn_to_pageblock(page_to_pfn(page))->migratetype;
}

static void check_pageblock_counters(void)
{
	const struct zone *z = normal();
	uint64_t nr[NR_MIGRATETYPES] = { 0 };

	for (size_t pfn = z->start_pfn; pfn < z->online_pfn;
	     pfn += PAGEBLOCK_PAGES)
		nr[pfn_to_pageblock(pfn)->migratetype]++;
	for (int mt = 0; mt < NR_MIGRATETYPES; mt++)
		assert_int_equal(z->stat->nr_pageblocks[mt], nr[mt]);
}

static void test_types_keep_apart(void **state)
{
	enum { NR = 4096 };
	static bool has[NR_MIGRATETYPES][1 << 12];
	size_t mixed = 0;

	(void)state;
	core_start("percpu=lock,span=1024");
	grow_by(GFP_KERNEL, 40);
	assert_true(normal()->grouped);
	/* Pages of all types in turn: the worst that could happen. */
	for (int i = 0; i < NR; i++)
		for (int mt = 0; mt < NR_MIGRATETYPES; mt++) {
			struct page *page = alloc_pages(gfp_of[mt], 0);

			has[mt][page_to_pfn(page) >> PAGEBLOCK_ORDER] = true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(has[0]); i++)
		mixed += has[0][i] + has[1][i] + has[2][i] > 1;
	/* 24 pageblocks are in use; each type has a current one. */
	assert_true(mixed <= NR_MIGRATETYPES);
	check_pageblock_counters();
	validate_all();
}

static void test_large_blocks_change_type(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	grow_by(GFP_KERNEL, 40);
	for (int i = 0; i < 300; i++) {
		int mt = i % NR_MIGRATETYPES;
		struct page *page = alloc_pages(gfp_of[mt], (unsigned int)(4 + i % 7));

		assert_int_equal(block_type(page), mt);
		check_pageblock_counters();
	}
	validate_all();
}

/* A type that has nothing left takes from the others, to the last page. */
static void test_stealing(void **state)
{
	const struct control_zone *st;

	(void)state;
	core_start("percpu=lock,span=1024");
	grow_by(GFP_KERNEL, 40);
	st = normal()->stat;
	refuse_growth();
	for (int i = 0; i < 200; i++)
		for (int mt = 0; mt < NR_MIGRATETYPES; mt++)
			assert_non_null(alloc_pages(gfp_of[mt], 0));
	take_all(gfp_of[MIGRATE_RECLAIMABLE], 0);
	assert_in_range(st->free, 0, st->wmark[0]);
	assert_true(sum_vm_event(PAGEBLOCK_STEAL) > 10);
	assert_true(st->nr_pageblocks[MIGRATE_RECLAIMABLE] >
		    st->nr_pageblocks[MIGRATE_MOVABLE]);
	check_pageblock_counters();
	validate_all();
}

/* --- reclaim --- */

static unsigned int shrinks;
static size_t reclaimable;
static struct page *hoard[2];

static void give_hoard(void)
{
	shrinks++;
	for (int i = 0; i < 2; i++) {
		if (hoard[i])
			free_pages(hoard[i], MAX_ORDER, true);
		hoard[i] = NULL;
	}
}

static size_t count_hoard(void)
{
	return reclaimable;
}

static size_t made_up;

static void count_growth(size_t pages)
{
	assert_true(lock_try(&normal()->lock));
	lock_release(&normal()->lock);
	made_up += pages;
}

static const struct reclaim_ops hoard_ops = {
	.make_up = count_growth,
	.shrink = give_hoard,
	.drain = give_hoard,
	.count = count_hoard,
};

static void make_hoard(void)
{
	for (int i = 0; i < 2; i++) {
		hoard[i] = alloc_pages(GFP_ATOMIC, MAX_ORDER);
		assert_non_null(hoard[i]);
	}
}

/* Each step by which a zone grows is known above, unless the caller may not wait. */
static void test_growth_is_told(void **state)
{
	uint64_t before;

	(void)state;
	core_start("percpu=lock,span=256");
	page_alloc_set_reclaim(&hoard_ops);
	for (int i = 0; i < 8; i++)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(made_up, normal()->stat->present);
	before = made_up;
	while (normal()->stat->present == before)
		assert_non_null(alloc_pages(GFP_ATOMIC, MAX_ORDER));
	assert_int_equal(made_up, before);
	refuse_growth();
	take_all(GFP_KERNEL, 0);
	assert_int_equal(made_up, before);
	os_fake_relent();
}

static bool has_largest(void)
{
	uint64_t nr = 0;

	for (int type = 0; type < NR_MIGRATETYPES; type++)
		nr += normal()->stat->nr_free[type][MAX_ORDER];
	return nr != 0;
}

/* A block of those in the hoard, or of a zone that grew. The hoard has two again
 * afterwards, and nothing else is free. */
static void go_round(void)
{
	hoard[0] = alloc_pages(GFP_KERNEL, MAX_ORDER);
	assert_non_null(hoard[0]);
	while (has_largest()) {
		hoard[1] = alloc_pages(GFP_ATOMIC, MAX_ORDER);
		assert_non_null(hoard[1]);
	}
}

/* Who empties caches again and again to go on is let have more, once in a while. */
static void test_reclaim_again_and_again(void **state)
{
	enum { TIMES = 32 };
	uint64_t present;

	(void)state;
	core_start("percpu=lock,span=256");
	page_alloc_set_reclaim(&hoard_ops);
	make_hoard();
	go_round();
	reclaimable = MiB(64);
	for (int round = 0; round < 3; round++) {
		present = normal()->stat->present;
		shrinks = 0;
		for (int i = 0; i < TIMES; i++)
			go_round();
		assert_int_equal(shrinks, TIMES);
		assert_int_equal(normal()->stat->present, present);
		go_round();
		assert_int_equal(shrinks, TIMES);
		assert_true(normal()->stat->present > present);
	}
	/* Not who does so a few times a tick. */
	present = normal()->stat->present;
	for (int i = 0; i < 3 * TIMES; i++) {
		if (i % (TIMES / 2) == 0)
			page_alloc_decay(1);
		go_round();
	}
	assert_int_equal(normal()->stat->present, present);
	reclaimable = 0;
}

static void test_reclaim(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256");
	page_alloc_set_reclaim(&hoard_ops);
	make_hoard();
	/* Nothing to speak of: the zone grows. */
	assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(shrinks, 0);
	/* Out of memory: once, and then it works. */
	refuse_growth();
	take_all(GFP_ATOMIC, 0);
	assert_int_equal(shrinks, 0);
	assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(shrinks, 1);
	assert_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(shrinks, 2);
	/* A nested call does not reclaim. */
	take_all(GFP_ATOMIC, MAX_ORDER);
	assert_int_equal(shrinks, 2);
	os_fake_relent();
	/* Caches that hold much are asked before a zone grows. */
	make_hoard();
	while (normal()->stat->free >= BLOCK)
		assert_non_null(alloc_pages(GFP_ATOMIC, MAX_ORDER));
	reclaimable = MiB(64);
	refuse_growth();
	assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(shrinks, 3);
	assert_int_equal(os_fake_refused(), 0);
	validate_all();
}

/* --- without waiting --- */

static void test_without_wait(void **state)
{
	struct page *small, *large;
	void *exact;

	(void)state;
	core_start("percpu=lock,span=256");
	/* Small zones do without per-CPU lists. */
	while (!normal()->grouped)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	small = alloc_pages(GFP_KERNEL, 0);
	large = alloc_pages(GFP_KERNEL, 6);
	exact = alloc_pages_exact(7, 0, GFP_KERNEL);
	pcp_drain(normal());
	lock_acquire(&normal()->lock);
	assert_null(alloc_pages(GFP_ATOMIC, 0));
	assert_null(alloc_pages(GFP_ATOMIC, 6));
	assert_null(alloc_pages_exact(7, 0, GFP_ATOMIC));
	assert_false(free_pages(large, 6, false));
	assert_false(free_pages_exact(virt_to_page(exact), false));
	assert_int_equal(virt_to_page(exact)->type, PAGE_LARGE);
	assert_false(resize_pages_exact(virt_to_page(exact), 3, false));
	/* The per-CPU list has a lock of its own. */
	assert_true(free_pages(small, 0, false));
	assert_ptr_equal(alloc_pages(GFP_ATOMIC, 0), small);
	lock_release(&normal()->lock);
	assert_true(free_pages(large, 6, false));
	assert_true(resize_pages_exact(virt_to_page(exact), 3, false));
	assert_true(free_pages_exact(virt_to_page(exact), false));
	assert_non_null(alloc_pages(GFP_ATOMIC, 6));
	validate_all();
}

/* --- the span --- */

static void test_claims(void **state)
{
	size_t pages = MiB(64) >> PAGE_SHIFT;
	char *p, *q;

	(void)state;
	core_start("percpu=lock,span=64");
	assert_int_equal(span.nr_pages, pages);
	p = span_claim_down(100);
	assert_ptr_equal(p, (char *)span.base + span.size - (100 << PAGE_SHIFT));
	q = span_claim_down(1);
	assert_ptr_equal(q, p - PAGE_SIZE);
	span_unclaim_down(1);
	assert_ptr_equal(span_claim_down(1), q);
	assert_null(span_claim_down(pages));
	assert_true(memmap_claim_up(pages / 2));
	assert_false(memmap_claim_up(pages - 100));
	/* Less than before is fine, and takes nothing back. */
	assert_true(memmap_claim_up(10));
	assert_null(span_claim_down(pages / 2 - 100));
	assert_non_null(span_claim_down(pages / 2 - 102));
	assert_null(span_claim_down(2));
	assert_false(memmap_claim_up(pages / 2 + 2));
	/* The zone cannot grow into it either. */
	take_all(GFP_KERNEL, MAX_ORDER);
	assert_true(normal()->online_pfn <= pages / 2);
}

static void test_growth_is_gradual(void **state)
{
	(void)state;
	core_start("percpu=lock,span=65536");
	assert_int_equal(normal()->stat->present, 0);
	assert_non_null(alloc_pages(GFP_KERNEL, 0));
	/* A small program commits a MiB, not an arena. */
	assert_true(normal()->stat->present <= MiB(1) >> PAGE_SHIFT);
	/* A large one does not ask for every MiB. */
	for (int i = 0; i < 256; i++)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_true(sum_vm_event(ARENA_ONLINE) < 60);
	assert_int_equal(control.pageblock_order, PAGEBLOCK_ORDER);
}

/* If the step that suits the zone is refused, the least that helps will do. */
static void test_growth_by_the_least(void **state)
{
	size_t online;

	(void)state;
	core_start("percpu=lock,span=65536");
	for (int i = 0; i < 128; i++)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	while (normal()->stat->free >= BLOCK)
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	online = normal()->online_pfn;
	os_fake_fail_nth(OS_BIT(OS_COMMIT), 1);
	assert_non_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	assert_int_equal(os_fake_refused(), 1);
	assert_in_range(normal()->online_pfn, online + BLOCK,
			online + 2 * BLOCK);
	validate_all();
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_sizes),
		cmocka_unit_test(test_contiguous),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_pcp),
		cmocka_unit_test(test_watermarks),
		cmocka_unit_test(test_zone_fallback),
		cmocka_unit_test(test_dma32),
		cmocka_unit_test(test_dma_is_locked),
		cmocka_unit_test(test_small_span_has_one_zone),
		cmocka_unit_test(test_lowmem_reserve),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_node_options),
		cmocka_unit_test(test_types_keep_apart),
		cmocka_unit_test(test_large_blocks_change_type),
		cmocka_unit_test(test_stealing),
		cmocka_unit_test(test_growth_is_told),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_reclaim_again_and_again),
		cmocka_unit_test(test_without_wait),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_growth_is_gradual),
		cmocka_unit_test(test_growth_by_the_least),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
