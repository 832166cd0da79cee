/* SPDX-License-Identifier: MIT */
/*
 * model_buddy.c - the page layer against a naive model (page_model.h), with
 * random operations: in a small heap, in one whose pageblocks are grouped by
 * migrate type, in one that gets huge pages, in one with all zones and two nodes, and in one that is always
 * out of memory. Lists, counters and contents are checked all the way; at the
 * end everything is free again and merged as far as it can be.
 */
#include "page_model.h"

#include "base/vmstat.h"
#include "os_fake.h"
#include "percpu/thread.h"

static struct page_model model;

static const gfp_t plain[] = { GFP_KERNEL, GFP_ATOMIC };
static const gfp_t mixed[] = {
	GFP_KERNEL,
	GFP_KERNEL | GFPF_MOVABLE,
	GFP_KERNEL | GFPF_RECLAIMABLE,
	GFP_HIGHUSER_MOVABLE,
	GFP_ATOMIC,
	GFP_ATOMIC | GFPF_MOVABLE,
};
static const gfp_t zoned[] = {
	GFP_KERNEL,
	GFP_KERNEL | GFPF_RECLAIMABLE,
	GFP_HIGHUSER_MOVABLE,
	GFP_HIGHUSER_MOVABLE | GFPF_THISNODE,
	GFP_KERNEL | GFPF_DMA,
	GFP_KERNEL | GFPF_DMA32,
	GFP_HIGHUSER_MOVABLE | GFPF_DMA32,
	GFP_KERNEL | GFPF_THISNODE,
	GFP_ATOMIC,
};

/* All memory is free, and no two buddies are. */
static void check_all_merged(struct page_model *m)
{
	model_free_all(m);
	page_alloc_trim();
	model_validate(m);
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++) {
			const struct control_zone *st = &control.zones[n][t];
			uint64_t blocks = 0, large = 0;

			CHECK(st->pcp == 0);
			CHECK(st->free == st->present);
			CHECK(st->large == 0);
			for (int mt = 0; mt < NR_MIGRATETYPES; mt++)
				for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
					blocks += st->nr_free[mt][o];
					if (o == MAX_ORDER)
						large += st->nr_free[mt][o];
				}
			/* Steps are of 1 MiB: two blocks more at the end. */
			CHECK(large == st->present >> MAX_ORDER);
			CHECK(blocks <= large + 2);
		}
	model_check_present(m);
}

static void run(const gfp_t *gfps, size_t nr_gfps, unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++) {
		model_step(&model, gfps, nr_gfps);
		if (i % 8 == 0)
			model_validate(&model);
		if (i % 256 == 0)
			model_check_contents(&model);
		if (i % 1024 == 0)
			model_check_present(&model);
	}
	model_validate(&model);
	model_check_contents(&model);
	model_check_present(&model);
}

static void test_small_heap(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256");
	model_init(&model, 1, 1200, 64);
	run(plain, ARRAY_SIZE(plain), rounds(8000));
	assert_false(zone_of(0, ZONE_NORMAL)->grouped);
	assert_int_equal(model.nr_refused, 0);
	check_all_merged(&model);
}

/* With blocks of up to @max_nr pages. */
static void run_grouped(size_t max_nr)
{
	core_start("percpu=lock,span=1024,resident_free=8192");
	model_init(&model, 2, 6000, max_nr);
	/* Large enough to be grouped before the random part starts. */
	for (int i = 0; i < 10; i++)
		assert_true(model_alloc_exact(&model, GFP_KERNEL, 1024, 0));
	model_free_all(&model);
	assert_true(zone_of(0, ZONE_NORMAL)->grouped);
	page_alloc_trim();
	run(mixed, ARRAY_SIZE(mixed), rounds(4000));
	assert_int_equal(model.nr_refused, 0);
	check_all_merged(&model);
}

static void test_grouped_heap(void **state)
{
	(void)state;
	/* A guest that has used no CPU time gets no huge pages. */
	os_fake_huge_pages(100, true);
	run_grouped(1024);
	assert_int_equal(sum_vm_event(THP_FAULT_ALLOC), 0);
}

static void test_huge_pages(void **state)
{
	(void)state;
	os_fake_huge_pages(100, false);
	run_grouped(64);
	assert_true(sum_vm_event(THP_FAULT_ALLOC) > 0);
}

static void test_all_zones_and_two_nodes(void **state)
{
	(void)state;
	core_start("percpu=lock,span=65536,numa=fake=2");
	assert_int_equal(nr_nodes(), 2);
	model_init(&model, 3, 4000, 1024);
	run(zoned, ARRAY_SIZE(zoned), rounds(4000));
	for (unsigned int n = 0; n < 2; n++) {
		assert_true(control.zones[n][ZONE_NORMAL].present > 0);
		assert_true(control.zones[n][ZONE_MOVABLE].present > 0);
	}
	assert_true(control.zones[0][ZONE_DMA32].present > 0);
	check_all_merged(&model);
}

static void test_always_out_of_memory(void **state)
{
	(void)state;
	core_start("percpu=lock,span=12");
	model_init(&model, 4, SIZE_MAX, 512);
	run(mixed, ARRAY_SIZE(mixed), rounds(4000));
	assert_true(model.nr_refused > rounds(50));
	check_all_merged(&model);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_heap),
		cmocka_unit_test(test_grouped_heap),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_all_zones_and_two_nodes),
		cmocka_unit_test(test_always_out_of_memory),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
