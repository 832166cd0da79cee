/* SPDX-License-Identifier: MIT */
/*
 * test_size_classes.c - the size classes, exhaustively: every size from 0 to
 * KMALLOC_MAX fits its class and no smaller one, wastes no more than promised,
 * every alignment is had by a class that keeps it, the tables agree with
 * size_classes.def, and the multiplication that replaces a division in free()
 * is right for every byte of every slab.
 */
#include "unit.h"

#include <string.h>

#include "percpu/percpu.h"
#include "slab/internal.h"

struct row {
	unsigned int id;
	size_t prev, size;
	unsigned int order, batch, max;
};

static const struct row rows[] = {
#define SIZE_CLASS(id, prev, size, order, batch, max) \
	{ id, prev, size, order, batch, max },
#include "slab/size_classes.def"
#undef SIZE_CLASS
};

static size_t slab_bytes(const struct kmem_cache *c)
{
	return (size_t)PAGE_SIZE << c->order;
}

static void test_table(void **state)
{
	size_t prev = 0;

	(void)state;
	assert_int_equal(ARRAY_SIZE(rows), NR_KMALLOC);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		const struct kmem_cache *c = &kmem_caches[r->id];

		assert_int_equal(r->id, i + 1);
		assert_int_equal(r->prev, prev);
		assert_true(r->size > prev && r->size % 16 == 0);
		prev = r->size;
		assert_int_equal(c->size, r->size);
		assert_int_equal(c->id, r->id);
		assert_int_equal(c->order, r->order);
		assert_int_equal(c->objs, slab_bytes(c) / r->size);
		assert_true(c->objs > 1 && c->objs <= MAX_OBJS_PER_SLAB);
		
		assert_true(c->batch >= 2 && c->batch <= MAX_BATCH);
		/* Half a sheaf moves at a time, or a batch. */
		assert_true(c->sheaf_max >= 2 * c->batch ||
			    c->sheaf_max >= 204);
		assert_int_equal(c->colour_step, 0);
	}
	assert_int_equal(prev, KMALLOC_MAX);
}

static void test_every_size(void **state)
{
	(void)state;
	for (size_t size = 0; size <= KMALLOC_MAX; size++) {
		unsigned int class = kmalloc_class(size);
		size_t fits = kmem_caches[class].size;

		assert_in_range(class, 1, NR_KMALLOC);
		assert_true(fits >= size);
		if (class > 1)
			assert_true(kmem_caches[class - 1].size < size);
		/* Up to 128 by 16; above, at most a fifth is unused. */
		if (size > 128)
			assert_true((fits - size) * 5 < fits);
		else if (size)
			assert_true(fits - size < 16);
	}
}

static void test_slab_waste(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= NR_KMALLOC; i++) {
		const struct kmem_cache *c = &kmem_caches[i];
		size_t rest = slab_bytes(c) - (size_t)c->objs * c->size;

		assert_true(rest < c->size);
		assert_true(rest <= slab_bytes(c) / (c->size < 20480 ? 16 : 8));
	}
}

/* Those for a power of two and a header: by chance aligned to more than 16. */
static bool is_odd(unsigned int class)
{
	size_t size = kmem_caches[class].size;

	return size == 1168 || size == 2336 || size == 4368;
}

static void test_alignment(void **state)
{
	(void)state;
	for (size_t align = 1; align <= KMALLOC_MAX; align *= 2)
		for (size_t size = 0; size <= KMALLOC_MAX; size++) {
			unsigned int class = kmalloc_aligned_class(size, align);
			unsigned int best = 0;

			for (unsigned int i = NR_KMALLOC; i >= 1; i--)
				if (kmem_caches[i].size >= size &&
				    kmem_caches[i].size % align == 0 &&
				    (align <= 16 || !is_odd(i)))
					best = i;
			assert_int_equal(class, best);
		}
	for (size_t size = 16; size <= KMALLOC_MAX; size *= 2)
		assert_int_equal(kmem_caches[kmalloc_class(size)].size, size);
}

/* Every class, every byte of its slab. */
static void test_class_check(void **state)
{
	char *base = (char *)(uintptr_t)(3ul << 40);

	(void)state;
	for (unsigned int i = 1; i <= NR_KMALLOC; i++) {
		const struct kmem_cache *c = &kmem_caches[i];

		for (size_t off = 0; off < slab_bytes(c); off++) {
			bool start = off % c->size == 0;

			if (class_check_ok(i, base + off) != start)
				fail_msg("class %u, offset %zu: %d", i, off,
					 !start);
		}
		/* Not only in the first slab of the world. */
		assert_true(class_check_ok(i, base + slab_bytes(c) * 12345));
		assert_false(class_check_ok(i, base + slab_bytes(c) * 777 + 1));
	}
	/* Nothing is allocated there; and "ask struct page". */
	for (size_t off = 0; off < 65536; off += 8) {
		assert_false(class_check_ok(PAGE_CLASS_NONE, base + off));
		assert_false(class_check_ok(PAGE_CLASS_ASK, base + off));
	}
}

/* Slots of all classes lie apart, with a zero word before each run. */
static void test_sheaf_slots(void **state)
{
	static uint8_t used[PERCPU_WORDS];

	(void)state;
	memset(used, 1, PERCPU_HEADER_WORDS);
	for (unsigned int i = 1; i <= LAST_NAMED_CACHE; i++) {
		size_t begin = kmem_caches[i].sheaf_begin;
		size_t max = kmem_caches[i].sheaf_max;

		if (i > NR_KMALLOC && i < FIRST_NAMED_CACHE)
			continue;
		if (i >= FIRST_NAMED_CACHE) {
			begin = NAMED_SLOTS_BEGIN + 1 +
				(i - FIRST_NAMED_CACHE) *
					(size_t)(NAMED_SHEAF_MAX + 1);
			max = NAMED_SHEAF_MAX;
		}
		for (int nursery = 0; nursery < 3; nursery++) {
			if (nursery) {
				if (i >= FIRST_NAMED_CACHE)
					break;
				max = nursery == 1 ? NURSERY_SLOTS :
						     INFANT_SLOTS;
				begin = percpu_nursery(i, max);
			}
			assert_true(begin + max <= PERCPU_WORDS);
			for (size_t k = begin - 1; k < begin + max; k++) {
				assert_int_equal(used[k], 0);
				used[k] = 1;
			}
		}
	}
}

/* A rare size is lodged by the next power of two, for a while. */
static void test_lodging(void **state)
{
	(void)state;
	for (unsigned int class = 1; class <= NR_KMALLOC; class++) {
		size_t size = kmem_caches[class].size;
		unsigned int host, lodgers = 0;

		while ((host = kmalloc_lodging(class)) != class) {
			size_t room = kmem_caches[host].size;

			assert_true(is_power_of_2(room));
			assert_true(room > size && room < 2 * size);
			assert_true(++lodgers <= 8);
		}
		assert_int_equal(lodgers, is_power_of_2(size) ? 0 : 8);
		assert_int_equal(kmalloc_lodging(class), class);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_slab_waste),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_class_check),
		cmocka_unit_test(test_sheaf_slots),
		cmocka_unit_test(test_lodging),
	};

	kmalloc_init();

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
