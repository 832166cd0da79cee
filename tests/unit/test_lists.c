/* SPDX-License-Identifier: MIT */
/*
 * test_lists.c - whose slabs a CPU takes objects from: its group's own, then empty
 * ones, then those of others, and only then a new one; in which order; whose sheaves,
 * when it frees itself; and that slabs and sheaves of all groups are found by those who
 * give back.
 */
#include "unit.h"

#include <limits.h>

#include "base/vmstat.h"
#include "percpu/thread.h"
#include "slab/lists.h"

enum { MAX_OBJS = 256, KEEP_EACH = 64 };

static struct kmem_cache *cache;
static void *objs[4][MAX_OBJS];

static void start(const char *options)
{
	core_start(options);
	cache = &kmem_caches[kmalloc_class(64)];
	assert_in_range(cache->objs, 100, MAX_OBJS);
}

static void be_cpu(unsigned int cpu)
{
	thread_word.shard = (uint16_t)(1 + cpu);
}

static struct page *slab_at(void *obj)
{
	return slab_of(cache, obj);
}

static void take(unsigned int cpu, void **to, unsigned int n)
{
	be_cpu(cpu);
	assert_int_equal(slab_take(cache, 0, to, n, false), n);
}

static void give(void **from, unsigned int n)
{
	assert_int_equal(slab_give(cache, from, n, false), n);
	kmem_cache_validate(cache);
}

/* A slab for each of @nr CPUs, all of whose objects are in use. */
static void full_slabs(unsigned int nr)
{
	for (unsigned int cpu = 0; cpu < nr; cpu++) {
		take(cpu, objs[cpu], cache->objs);
		assert_int_equal(slab_at(objs[cpu][0])->group, cpu);
		assert_ptr_equal(slab_at(objs[cpu][cache->objs - 1]),
				 slab_at(objs[cpu][0]));
	}
	assert_int_equal(cache_stat(cache)->nr_slabs, nr);
}

/* Each its own, however full those of the others are, whoever frees. */
static void test_own(void **state)
{
	void *more[3];

	(void)state;
	start("percpu=lock,span=64");
	full_slabs(3);
	be_cpu(3);
	for (unsigned int cpu = 0; cpu < 3; cpu++)
		give(objs[cpu], 20 * (cpu + 1));
	for (unsigned int cpu = 3; cpu-- > 0;) {
		take(cpu, more, 3);
		for (int i = 0; i < 3; i++)
			assert_ptr_equal(slab_at(more[i]),
					 slab_at(objs[cpu][100]));
	}
	assert_int_equal(cache_stat(cache)->nr_slabs, 3);
}

/* Empty ones, too, before those of others, whoever freed them last. */
static void test_own_empty(void **state)
{
	void *more[MAX_OBJS];

	(void)state;
	start("percpu=lock,span=64");
	full_slabs(4);
	be_cpu(3);
	for (unsigned int cpu = 0; cpu < 3; cpu++)
		give(objs[cpu], cache->objs);
	assert_int_equal(cache_stat(cache)->nr_empty_slabs, 3);
	for (unsigned int cpu = 0; cpu < 3; cpu++) {
		take(cpu, more, cache->objs);
		assert_ptr_equal(slab_at(more[0]), slab_at(objs[cpu][0]));
		assert_int_equal(slab_at(more[0])->group, cpu);
	}
	assert_int_equal(cache_stat(cache)->nr_empty_slabs, 0);
	assert_int_equal(cache_stat(cache)->nr_slabs, 4);
	kmem_cache_validate(cache);
}

/* Without any of its own: empty ones, then those of others, which become its own. */
static void test_others(void **state)
{
	struct page *empty;
	void *more[MAX_OBJS];

	(void)state;
	start("percpu=lock,span=64");
	full_slabs(3);
	empty = slab_at(objs[2][0]);
	give(objs[1], 30);
	give(objs[2], cache->objs);
	take(3, more, 1);
	assert_ptr_equal(slab_at(more[0]), empty);
	assert_int_equal(empty->group, 3);
	take(3, more, cache->objs - 1u);
	take(3, more, 10);
	assert_ptr_equal(slab_at(more[0]), slab_at(objs[1][100]));
	assert_int_equal(slab_at(more[0])->group, 3);
	kmem_cache_validate(cache);
	/* Whose it was asks again, and finds it. */
	take(1, more, 20);
	assert_ptr_equal(slab_at(more[0]), slab_at(objs[1][100]));
	kmem_cache_validate(cache);
	assert_int_equal(cache_stat(cache)->nr_slabs, 3);
	take(1, more, 1);
	assert_int_equal(cache_stat(cache)->nr_slabs, 4);
}

/* On its way from one group to another a slab takes objects back, but whoever has it
 * decides what becomes of it. */
static void test_isolated(void **state)
{
	enum { KEPT = 8 };
	static void *many[KEPT + 1][MAX_OBJS];
	struct list_head adopted;
	struct page *slab;

	(void)state;
	start("percpu=lock,span=64,barn_limit=0");
	take(1, objs[1], cache->objs);
	for (unsigned int i = 0; i <= KEPT; i++)
		take(0, many[i], cache->objs);
	give(objs[1], 10);
	for (unsigned int i = 0; i <= KEPT; i++)
		give(many[i], cache->objs);
	assert_int_equal(cache_stat(cache)->nr_empty_slabs, KEPT);
	INIT_LIST_HEAD(&adopted);
	adopt_slabs(cache, 0, 1, &adopted);
	slab = slab_at(objs[1][20]);
	assert_ptr_equal(list_first_entry(&adopted, struct page, lru), slab);
	assert_int_equal(slab->group, 0);
	give(objs[1] + 10, cache->objs - 10u);
	assert_int_equal(slab->type, PAGE_SLAB);
	assert_int_equal(slab->bucket, BUCKET_ISOLATED);
	assert_int_equal(slab->nr_free, cache->objs);
	assert_int_equal(cache_stat(cache)->nr_slabs, KEPT + 1);
	assert_int_equal(cache_stat(cache)->nr_empty_slabs, KEPT);
}

/* Groups of one node do not look into those of another. */
static void test_nodes(void **state)
{
	void *more[2];

	(void)state;
	start("percpu=lock,span=65536,numa=fake=3");
	assert_int_equal(groups_per_node(), 2);
	be_cpu(1);
	assert_int_equal(slab_take(cache, 2, more, 2, false), 2);
	assert_int_equal(slab_at(more[0])->node, 2);
	assert_int_equal(slab_at(more[0])->group, 5);
	assert_int_equal(node_of_group(5), 2);
	assert_int_equal(slab_take(cache, 1, more, 1, false), 1);
	assert_int_equal(slab_at(more[0])->node, 1);
	assert_int_equal(cache_stat(cache)->nr_slabs, 2);
	kmem_cache_validate(cache);
}

/* Sparse ones of every group, and as many looks for all of them as for one. */
static void test_hollow(void **state)
{
	static void *all[4][4096];
	struct kmem_cache *c;
	uint64_t before;

	(void)state;
	start("percpu=lock,span=256,thp=off");
	c = cache = &kmem_caches[kmalloc_class(512)];
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		for (unsigned int i = 0; i < 4096; i += c->objs)
			take(cpu, &all[cpu][i], c->objs);
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		for (unsigned int i = 0; i < 4096; i++)
			if (i % KEEP_EACH)
				give(&all[cpu][i], 1);
	before = sum_vm_event(SLAB_HOLLOW);
	/* A slab has two pages and one object. */
	hollow_out(c, 64);
	assert_int_equal(sum_vm_event(SLAB_HOLLOW) - before, 64);
	hollow_out(c, UINT_MAX);
	assert_int_equal(sum_vm_event(SLAB_HOLLOW) - before,
			 4 * 4096 / KEEP_EACH);
	kmem_cache_validate(c);
}

static void put_sheaf(unsigned int cpu)
{
	struct sheaf *s = barn_get_empty();

	assert_non_null(s);
	s->nr = 10;
	take(cpu, s->objs, s->nr);
	barn_put(cache, 0, s);
}

/* Idle sheaves of every group go back to the slabs. */
static void test_decay(void **state)
{
	(void)state;
	start("percpu=lock,span=64");
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		put_sheaf(cpu);
	assert_int_equal(cache_stat(cache)->nr_barn, 40);
	be_cpu(1);
	for (int i = 0; i < 20; i++)
		slab_decay(1);
	assert_int_equal(cache_stat(cache)->nr_barn, 0);
	kmem_cache_validate(cache);
}

/* From the lowest to the highest, as sheaves hand them out: from the last one on. */
static void assert_ascending(void **from, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		assert_true((uintptr_t)from[i - 1] > (uintptr_t)from[i]);
}

static unsigned int index_at(void *obj)
{
	return slab_index(geometry_of(cache), slab_at(obj), obj);
}

/* The lowest are handed out first, of a new slab and of one with holes. */
static void test_order(void **state)
{
	void *more[MAX_OBJS], *holes[MAX_OBJS];
	unsigned int nr = 0;

	(void)state;
	start("percpu=lock,span=64");
	take(0, objs[0], cache->objs);
	assert_ascending(objs[0], cache->objs);
	for (unsigned int i = 0; i < cache->objs; i += 3)
		holes[nr++] = objs[0][i];
	give(holes, nr);
	take(0, more, 20);
	assert_ascending(more, 20);
	for (unsigned int i = 0; i < 20; i++)
		assert_ptr_equal(more[i], holes[nr - 20 + i]);
}

/* More than half of what is asked for will do: it is where a caller looks for it. */
static void test_fewer(void **state)
{
	void *more[MAX_OBJS];
	unsigned int half;

	(void)state;
	start("percpu=lock,span=64");
	half = cache->objs / 2u + 2;
	take(0, objs[0], cache->objs);
	give(objs[0], half);
	be_cpu(0);
	assert_int_equal(slab_take(cache, 0, more, cache->objs, false), half);
	assert_ascending(more, half);
	for (unsigned int i = 0; i < half; i++)
		assert_ptr_equal(slab_at(more[i]), slab_at(objs[0][0]));
	assert_int_equal(cache_stat(cache)->nr_slabs, 1);
}

/* Of slabs of others the upper end: they write to the lower one. */
static void test_apart(void **state)
{
	void *more[MAX_OBJS];

	(void)state;
	start("percpu=lock,span=64");
	take(0, objs[0], 10);
	take(1, more, 10);
	assert_ptr_equal(slab_at(more[0]), slab_at(objs[0][0]));
	assert_ascending(more, 10);
	for (unsigned int i = 0; i < 10; i++) {
		assert_in_range(index_at(objs[0][i]), 0, 9);
		assert_in_range(index_at(more[i]), align_down(cache->objs - 10u, 64),
				cache->objs - 1u);
	}
	/* All there is, if it takes that. */
	take(2, more, cache->objs - 20u);
	assert_ascending(more, cache->objs - 20u);
	kmem_cache_validate(cache);
	assert_int_equal(cache_stat(cache)->nr_slabs, 1);
}

/* A CPU whose sheaf runs full leaves those of others alone. */
static void test_full(void **state)
{
	enum { NR = 5000 };
	static void *all[NR];

	(void)state;
	start("percpu=lock,span=64");
	core_have_threads();
	be_cpu(0);
	for (int i = 0; i < NR; i++) {
		all[i] = kmem_cache_alloc(cache);
		assert_non_null(all[i]);
	}
	put_sheaf(1);
	be_cpu(0);
	for (int i = 0; i < NR; i++)
		kmem_cache_free(cache, all[i]);
	while (barn_take(cache, 0))
		;
	assert_int_equal(cache_stat(cache)->nr_barn, 10);
	assert_null(barn_get(cache, 0));
	be_cpu(2);
	assert_non_null(barn_get(cache, 0));
}

/* All are made and freed in order. Return: what waits in barns. */
static uint64_t in_barns(size_t size)
{
	enum { NR = 5000 };
	static void *all[NR];
	struct kmem_cache *c = &kmem_caches[kmalloc_class(size)];

	for (int i = 0; i < NR; i++) {
		all[i] = kmem_cache_alloc(c);
		assert_non_null(all[i]);
	}
	for (int i = 0; i < NR; i++)
		kmem_cache_free(c, all[i]);
	return cache_stat(c)->nr_barn;
}

/* Small objects wait in barns only where there are threads. */
static void test_alone(void **state)
{
	(void)state;
	start("percpu=lock,span=256,percpu_budget=64");
	assert_int_equal(in_barns(64), 0);
	assert_int_equal(in_barns(896), 0);
	assert_true(in_barns(1024) > 0);
	core_have_threads();
	assert_true(in_barns(64) > 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_empty),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_hollow),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_fewer),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_alone),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
