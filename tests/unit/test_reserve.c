/* SPDX-License-Identifier: MIT */
/*
 * test_reserve.c - the reserve of a mempool: it holds as many elements as it was
 * given cells, no more; grows and shrinks; and when threads take and put as fast
 * as they can while it does, no element is in two hands and none is lost.
 */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "slab/reserve.h"

static struct reserve reserve;

static void add_chunk(void)
{
	reserve_add_chunk(&reserve, calloc(1, reserve_chunk_size(&reserve)));
}

static void *element(size_t i)
{
	return (void *)(i + 1);
}

static void test_bounds(void **state)
{
	enum { NR = 100 };
	bool seen[NR] = { false };
	void *p;

	(void)state;
	assert_null(reserve_take(&reserve));
	assert_false(reserve_put(&reserve, element(0)));
	assert_false(reserve_has_room(&reserve));
	assert_false(reserve_shrink(&reserve, &p));
	for (size_t i = 0; i < NR; i++)
		while (!reserve_grow(&reserve, element(i)))
			add_chunk();
	/* 16 + 32 + 64 */
	assert_int_equal(reserve.nr_chunks, 3);
	assert_false(reserve_put(&reserve, element(NR)));
	for (size_t i = 0; i < NR; i++) {
		p = reserve_take(&reserve);
		assert_in_range((uintptr_t)p, 1, NR);
		assert_false(seen[(uintptr_t)p - 1]);
		seen[(uintptr_t)p - 1] = true;
	}
	assert_null(reserve_take(&reserve));
	for (size_t i = 0; i < NR; i++) {
		assert_true(reserve_has_room(&reserve));
		assert_true(reserve_put(&reserve, element(i)));
	}
	assert_false(reserve_put(&reserve, element(NR)));
	/* What is taken makes no room that is gone. */
	p = reserve_take(&reserve);
	assert_true(reserve_shrink(&reserve, &p));
	assert_null(p);
	assert_false(reserve_put(&reserve, element(NR)));
	for (size_t i = 1; i < NR; i++) {
		assert_true(reserve_shrink(&reserve, &p));
		assert_non_null(p);
	}
	assert_false(reserve_shrink(&reserve, &p));
	/* The cells are used again. */
	for (size_t i = 0; i < NR; i++)
		assert_true(reserve_grow(&reserve, element(i)));
	assert_int_equal(reserve.nr_chunks, 3);
}

/* --- threads --- */

enum { NR_THREADS = 4, NR_ELEMENTS = 6 };

/* Owned by a thread, or in the reserve. */
static uint32_t taken[NR_ELEMENTS + 1]; /* Atomic */
static uint32_t stop; /* Atomic */

static void own(void *p)
{
	CHECK((uintptr_t)p <= NR_ELEMENTS);
	CHECK(!exchange_acquire(&taken[(uintptr_t)p], 1u));
}

static void disown(void *p)
{
	CHECK(exchange_release(&taken[(uintptr_t)p], 0u) == 1);
}

static void *use(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop)) {
		void *a = reserve_take(&reserve), *b = reserve_take(&reserve);

		if (a)
			own(a);
		if (b)
			own(b);
		if (a) {
			disown(a);
			CHECK(reserve_put(&reserve, a));
		}
		if (b) {
			disown(b);
			CHECK(reserve_put(&reserve, b));
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[NR_THREADS];
	size_t nr = 0;
	void *p;

	(void)state;
	for (size_t i = 0; i < NR_ELEMENTS; i++)
		while (!reserve_grow(&reserve, element(i)))
			add_chunk();
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, use, NULL));
	/* Cells beyond the elements come and go, as does their place. */
	for (unsigned int i = 0; i < rounds(200000); i++) {
		p = reserve_take(&reserve);
		if (!p)
			continue;
		own(p);
		disown(p);
		if (i % 2) {
			CHECK(reserve_put(&reserve, p));
			continue;
		}
		while (!reserve_grow(&reserve, p))
			add_chunk();
		/* An empty cell is left over; it may be in use for a moment. */
		while (!reserve_shrink(&reserve, &p))
			;
		/* Or a full one went. */
		if (p)
			while (!reserve_put(&reserve, p))
				;
	}
	store_relaxed(&stop, 1);
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	while ((p = reserve_take(&reserve)) != NULL) {
		own(p);
		nr++;
	}
	assert_int_equal(nr, NR_ELEMENTS);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_threads),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
