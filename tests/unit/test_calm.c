/* SPDX-License-Identifier: MIT */
/*
 * test_calm.c - a program whose heap shrank, and that does little since: what it
 * frees goes to the slabs and empty ones to the buddy at once. One that does much
 * has its barns and empty slabs as ever, and so has one whose heap is small.
 */
#include "unit.h"

#include "base/vmstat.h"
#include "os_fake.h"
#include "slab/internal.h"

enum { SIZE = 1024, MANY = (int)(MiB(40) / SIZE), FEW = 2000 };

static void *objects[MANY];

static struct kmem_cache *cache(void)
{
	return &kmem_caches[kmalloc_class(SIZE)];
}

/* FEW objects come and go, @pause_ms between one and the next. Return: how many
 * batches went to the barn. */
static uint64_t work(uint64_t pause_ms)
{
	uint64_t before = sum_vm_event(BARN_PUT);

	for (int i = 0; i < FEW; i++) {
		objects[i] = kmem_cache_alloc(cache());
		assert_non_null(objects[i]);
		os_fake_pass_ms(pause_ms);
	}
	for (int i = 0; i < FEW; i++) {
		kmem_cache_free(cache(), objects[i]);
		os_fake_pass_ms(pause_ms);
	}
	return sum_vm_event(BARN_PUT) - before;
}

/* The heap of @bytes is given back. */
static void shrink_from(size_t bytes)
{
	size_t nr = bytes / SIZE;

	for (size_t i = 0; i < nr; i++)
		objects[i] = kmem_cache_alloc(cache());
	for (size_t i = 0; i < nr; i++)
		kmem_cache_free(cache(), objects[i]);
	slab_drain();
	page_alloc_trim();
	assert_false(page_alloc_much_free());
}

static const struct control_cache *shown(void)
{
	return &control.caches[cache()->id];
}

static void test_shrunk(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	os_fake_huge_pages(100, false); /* for its clock */
	shrink_from(MiB(40));
	assert_true(page_alloc_shrunk());
	assert_int_equal(work(5), 0);
	assert_int_equal(shown()->nr_barn, 0);
	assert_int_equal(shown()->nr_empty_slabs, 0);
	kmem_cache_validate(cache());
	/* The same in no time. */
	assert_true(work(0) > 0);
	assert_true(shown()->nr_barn > 0);
}

static void test_not_shrunk(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	os_fake_huge_pages(100, false);
	shrink_from(MiB(1));
	assert_false(page_alloc_shrunk());
	assert_true(work(5) > 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrunk),
		cmocka_unit_test(test_not_shrunk),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
