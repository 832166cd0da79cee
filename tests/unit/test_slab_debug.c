/* SPDX-License-Identifier: MIT */
/*
 * test_slab_debug.c - caches with poison and red zones: which bytes are where, and
 * that a write to any of them stops the program with a report that shows it; that
 * a free which is put off by a nested call is not taken for another.
 */
#include "unit.h"

#include <string.h>

#include "percpu/percpu.h"
#include "slab/internal.h"
#include "slab/lists.h"

enum { CHECKED = SLAB_POISON | SLAB_RED_ZONE };

static void check_bytes(const unsigned char *p, size_t n, unsigned char byte)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], byte);
}

static void construct(void *obj)
{
	memcpy(obj, "built", 6);
}

static void test_debug_bytes(void **state)
{
	struct kmem_cache *c;
	unsigned char *p;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("watched", 100, 0, CHECKED, NULL);
	assert_true(c->size >= 108);
	p = kmem_cache_alloc(c);
	check_bytes(p, 100, 0x5a);
	check_bytes(p + 100, c->size - 100, 0xcc);
	assert_int_equal(object_room(c), 100);
	memset(p, 1, 100);
	kmem_cache_free(c, p);
	check_bytes(p, 99, 0x6b);
	assert_int_equal(p[99], 0xa5);
	check_bytes(p + 100, c->size - 100, 0xbb);
	assert_int_equal(sheaf_cached(c), 0);
	assert_int_equal(kmem_cache_destroy(c), 0);
	/* As large as can be, and with a constructor. */
	c = create_cache("large", KMALLOC_MAX, 4096, CHECKED, NULL);
	assert_true(c->size >= KMALLOC_MAX + 8);
	p = kmem_cache_alloc(c);
	memset(p, 1, KMALLOC_MAX);
	kmem_cache_free(c, p);
	assert_int_equal(kmem_cache_destroy(c), 0);
	c = create_cache("built", 100, 0, SLAB_RED_ZONE, construct);
	p = kmem_cache_alloc(c);
	assert_memory_equal(p, "built", 6);
	kmem_cache_free(c, p);
	assert_int_equal(kmem_cache_destroy(c), 0);
}

/* A free that is put off is neither a double free nor an overflow later. */
static void test_debug_nested(void **state)
{
	struct kmem_cache *c;
	void *p, *q;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("watched", 100, 0, CHECKED, NULL);
	p = kmem_cache_alloc(c);
	lock_acquire(&lists_of(c, my_group(0))->lock);
	assert_false(kmem_cache_free_slow(c, p, SLOW_NESTED));
	q = kmem_cache_alloc_slow(c, SLOW_NESTED);
	assert_non_null(q);
	lock_release(&lists_of(c, my_group(0))->lock);
	assert_true(kmem_cache_free_slow(c, p, SLOW_NESTED));
	assert_true(kmem_cache_free_slow(c, q, SLOW_NESTED));
	assert_int_equal(kmem_cache_destroy(c), 0);
}

static void overflow(void *arg)
{
	unsigned char *p = kmem_cache_alloc(arg);

	p[103] = 0;
	kmem_cache_free(arg, p);
}

static void write_after_free(void *arg)
{
	unsigned char *p = kmem_cache_alloc(arg);

	kmem_cache_free(arg, p);
	p[50] = 'X';
	for (int i = 0; i < 100; i++)
		kmem_cache_alloc(arg);
}

static void write_to_the_last_byte(void *arg)
{
	unsigned char *p = kmem_cache_alloc(arg);

	kmem_cache_free(arg, p);
	p[99] = 0x6b;
	/* Found although nobody allocates it again. */
	kmem_cache_shrink(arg);
}

static void overflow_of_a_free_one(void *arg)
{
	unsigned char *p = kmem_cache_alloc(arg);

	kmem_cache_free(arg, p);
	p[100] = 0xcc;
	CHECK(!kmem_cache_destroy(arg));
}

static void checked_free_twice(void *arg)
{
	void *p = kmem_cache_alloc(arg), *other = kmem_cache_alloc(arg);

	kmem_cache_free(arg, p);
	kmem_cache_free(arg, other);
	kmem_cache_free(arg, p);
}

static void checked_free_inside(void *arg)
{
	char *p = kmem_cache_alloc(arg);

	kmem_cache_free(arg, p + 16);
}

static void test_debug_reports(void **state)
{
	struct kmem_cache *c;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("watched", 100, 0, CHECKED, NULL);
	expect_bug(overflow, c, "BUG watched: Right Redzone overwritten");
	expect_bug(overflow, c,
		   "@offset=103 of an object of 100 bytes. "
		   "First byte 0x00 instead of 0xcc");
	expect_bug(overflow, c, ": 5a 5a 5a 5a cc cc cc 00 cc cc");
	expect_bug(overflow, c, "Right Redzone overwritten\n");
	expect_bug(write_after_free, c, "cache watched: Poison overwritten");
	expect_bug(write_after_free, c, "First byte 0x58 instead of 0x6b");
	expect_bug(write_after_free, c, "kkXkkkkkkkkkkkkk");
	expect_bug(write_to_the_last_byte, c,
		   "First byte 0x6b instead of 0xa5");
	expect_bug(overflow_of_a_free_one, c,
		   "First byte 0xcc instead of 0xbb");
	expect_bug(checked_free_twice, c, "the object is free");
	expect_bug(checked_free_inside, c, "not the start of an object");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debug_bytes),
		cmocka_unit_test(test_debug_nested),
		cmocka_unit_test(test_debug_reports),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
