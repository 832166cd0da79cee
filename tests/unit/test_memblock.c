/* SPDX-License-Identifier: MIT */
/*
 * test_memblock.c - the boot arena: blocks are aligned, zeroed and apart, the
 * last one can be taken back, the arena ends in NULL and not in someone else's
 * memory, and threads may use it at once.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/control.h"
#include "page_alloc/page_alloc.h"

enum { MAX_BLOCKS = 20000, NR_THREADS = 4 };

static pthread_barrier_t start;

static bool is_zero(const void *p, size_t size)
{
	const char *c = p;

	for (size_t i = 0; i < size; i++)
		if (c[i])
			return false;
	return true;
}

static void test_blocks(void **state)
{
	struct rng rng = rng_seeded(1);
	static struct {
		unsigned char *p;
		size_t size;
	} blocks[MAX_BLOCKS];
	size_t nr = 0;

	(void)state;
	for (; nr < MAX_BLOCKS; nr++) {
		size_t size = rng_log(&rng, 3000);
		size_t align = (size_t)1 << rng_below(&rng, 13);
		unsigned char *p = memblock_alloc(size, align);

		if (!p)
			break;
		assert_int_equal((uintptr_t)p % align, 0);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(memblock_owns(p));
		assert_true(memblock_owns(p + size - 1));
		assert_true(memblock_usable_size(p) >= size);
		assert_true(memblock_usable_size(p) < size + 16);
		assert_true(is_zero(p, memblock_usable_size(p)));
		memset(p, (int)(nr + 1), memblock_usable_size(p));
		blocks[nr].p = p;
		blocks[nr].size = size;
	}
	assert_true(nr > 20 && nr < MAX_BLOCKS);
	for (size_t i = 0; i < nr; i++) {
		/* Nobody wrote into it, headers of others included. */
		for (size_t j = 0; j < memblock_usable_size(blocks[i].p); j++)
			assert_int_equal(blocks[i].p[j],
					 (unsigned char)(i + 1));
		assert_true(memblock_usable_size(blocks[i].p) >=
			    blocks[i].size);
	}
}

static void test_the_last_one_is_taken_back(void **state)
{
	uint64_t used;
	char *a, *b, *c;

	(void)state;
	a = memblock_alloc(100, 1);
	used = control.boot_used;
	for (int i = 0; i < 10000; i++) {
		/* Far more than the arena has: each takes the last one's place. */
		b = memblock_alloc(1000, 1);
		assert_non_null(b);
		assert_true(is_zero(b, 1000));
		memset(b, 0xff, memblock_usable_size(b));
		memblock_free(b);
		assert_int_equal(control.boot_used, used);
	}
	/* Not on top: stays where it is. */
	b = memblock_alloc(64, 16);
	c = memblock_alloc(64, 16);
	used = control.boot_used;
	memset(c, 0xee, 64);
	memblock_free(b);
	assert_int_equal(control.boot_used, used);
	assert_int_equal(c[63], (char)0xee);
	memblock_free(c);
	assert_true(control.boot_used < used);
	assert_true(is_zero(memblock_alloc(64, 16), 64));
	(void)a;
}

static void test_exhaustion(void **state)
{
	size_t total = 0;

	(void)state;
	assert_null(memblock_alloc((size_t)1 << 30, 1));
	assert_null(memblock_alloc(16, (size_t)1 << 30));
	/* Rounding must not turn them into small ones. */
	assert_null(memblock_alloc(SIZE_MAX, 1));
	assert_null(memblock_alloc(SIZE_MAX - 20, 1));
	assert_null(memblock_alloc(PTRDIFF_MAX, 1));
	assert_null(memblock_alloc(1, (size_t)1 << 63));
	while (memblock_alloc(1024, 1))
		total += 1024;
	assert_true(total > control.boot_size / 2);
	assert_true(control.boot_used <= control.boot_size);
	/* A small one may still fit; then nothing does. */
	while (memblock_alloc(0, 1))
		;
	assert_null(memblock_alloc(1, 1));
	assert_true(control.boot_used <= control.boot_size);
}

static void test_foreign(void **state)
{
	int local;
	char *p = memblock_alloc(1, 1);

	(void)state;
	assert_false(memblock_owns(&local));
	assert_false(memblock_owns(NULL));
	assert_false(memblock_owns((void *)UINTPTR_MAX));
	assert_true(memblock_owns(p));
	assert_false(memblock_owns(p + control.boot_size));
}

/* --- threads --- */

static void *churn(void *arg)
{
	struct rng rng = rng_seeded(100 + (uintptr_t)arg);
	unsigned int n = rounds(100000);

	pthread_barrier_wait(&start);
	for (unsigned int i = 0; i < n; i++) {
		size_t size = rng_log(&rng, 60);
		unsigned char *p = memblock_alloc(size, 16);

		if (!p)
			break;
		CHECK(is_zero(p, size));
		memset(p, (int)(uintptr_t)arg, size);
		for (size_t j = 0; j < size; j++)
			CHECK(p[j] == (uintptr_t)arg);
		if (rng_below(&rng, 500))
			memblock_free(p);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	CHECK(!pthread_barrier_init(&start, NULL, NR_THREADS));
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, churn,
				      (void *)(i + 1)));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	assert_true(control.boot_used <= control.boot_size);
}

/* All of the arena, by all threads at once, many times over. */
enum { NR_ROUNDS = 200, MOST = 8192 };
static void *taken[NR_THREADS][MOST];
static size_t nr_taken[NR_THREADS];

static void *grab(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	void *p;

	for (unsigned int i = 0; i < rounds(NR_ROUNDS); i++) {
		size_t nr = 0;

		pthread_barrier_wait(&start);
		while (nr < MOST && (p = memblock_alloc(16, 1)))
			taken[me][nr++] = p;
		nr_taken[me] = nr;
		pthread_barrier_wait(&start);
		/* The main thread looks, and starts the arena anew. */
		pthread_barrier_wait(&start);
	}
	return NULL;
}

static void check_taken(void)
{
	static uint8_t used[1 << 20];
	size_t total = 0;

	memset(used, 0, sizeof(used));
	for (int t = 0; t < NR_THREADS; t++)
		for (size_t i = 0; i < nr_taken[t]; i++) {
			size_t at = (uintptr_t)taken[t][i] / 16 % sizeof(used);

			CHECK(!used[at]++);
			total++;
		}
	CHECK(total == control.boot_size / 32);
}

static void test_no_block_twice(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	CHECK(!pthread_barrier_init(&start, NULL, NR_THREADS + 1));
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, grab, (void *)i));
	for (unsigned int i = 0; i < rounds(NR_ROUNDS); i++) {
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
		check_taken();
		control.boot_used = 0;
		pthread_barrier_wait(&start);
	}
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_the_last_one_is_taken_back),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_no_block_twice),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
