/* SPDX-License-Identifier: MIT */
/*
 * test_lock.c - base/lock.h: one holder at a time however many threads want it,
 * no sleeper is forgotten, a try never waits; and in builds with PAGODA_DEBUG
 * the order of lock_classes.def is enforced with the names of both locks.
 */
#include "unit.h"

#include <pthread.h>
#include <time.h>

#include "base/lock.h"

enum { NR_THREADS = 6 };

static struct lock lock = LOCK_INIT(ZONE);

static void nap(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

static void run_threads(void *(*fn)(void *arg), void *arg)
{
	pthread_t threads[NR_THREADS];

	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, fn, arg));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

/* --- mutual exclusion --- */

/* Not atomic on purpose: only the lock keeps them right. */
static unsigned long counter, inside;

static void *count(void *arg)
{
	unsigned int n = *(unsigned int *)arg;

	for (unsigned int i = 0; i < n; i++) {
		if (i % 4 == 0 && lock_try(&lock))
			;
		else
			lock_acquire(&lock);
		CHECK(++inside == 1);
		counter++;
		inside--;
		lock_release(&lock);
	}
	return NULL;
}

static void test_mutual_exclusion(void **state)
{
	unsigned int n = rounds(40000);

	(void)state;
	run_threads(count, &n);
	assert_int_equal(counter, (unsigned long)NR_THREADS * n);
	assert_int_equal(lock.state, 0);
}

/* --- sleepers --- */

static unsigned int woken; /* Lock: lock */

static void *wait_for_it(void *arg)
{
	(void)arg;
	lock_acquire(&lock);
	woken++;
	lock_release(&lock);
	return NULL;
}

/* Held far longer than anyone spins: all of them must sleep, and wake up. */
static void test_all_sleepers_wake(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	for (int round = 0; round < 3; round++) {
		woken = 0;
		lock_acquire(&lock);
		for (int i = 0; i < NR_THREADS; i++)
			CHECK(!pthread_create(&threads[i], NULL, wait_for_it,
					      NULL));
		nap(30);
		assert_int_equal(woken, 0);
		lock_release(&lock);
		for (int i = 0; i < NR_THREADS; i++)
			CHECK(!pthread_join(threads[i], NULL));
		assert_int_equal(woken, NR_THREADS);
		assert_int_equal(lock.state, 0);
	}
}

static void test_try(void **state)
{
	(void)state;
	assert_true(lock_try(&lock));
	assert_false(lock_try(&lock));
	/* A nested call would wait for itself. */
	assert_false(lock_acquire_unless(&lock, true));
	lock_release(&lock);
	assert_true(lock_acquire_unless(&lock, true));
	lock_release(&lock);
	assert_true(lock_acquire_unless(&lock, false));
	assert_false(lock_try(&lock));
	lock_release(&lock);
	assert_int_equal(lock.state, 0);
}

/* --- the checker --- */

#ifdef PAGODA_DEBUG
static struct lock outer = LOCK_INIT(CACHE_CHAIN);
static struct lock inner = LOCK_INIT(ZONE);
static struct lock inner2 = LOCK_INIT(ZONE);

static void inverted(void *arg)
{
	(void)arg;
	lock_acquire(&inner);
	lock_acquire(&outer);
}

static void release_twice(void *arg)
{
	(void)arg;
	lock_acquire(&outer);
	lock_release(&outer);
	lock_release(&outer);
}

static void not_mine(void *arg)
{
	(void)arg;
	lock_acquire(&outer);
	lock_release(&inner);
}

static void in_order(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		lock_acquire(&outer);
		lock_acquire(&inner);
		lock_acquire(&inner2);
		lock_release(&inner2);
		lock_release(&outer);
		lock_release(&inner);
	}
	lock_acquire(&inner);
	lock_release(&inner);
	lock_acquire(&outer);
	lock_release(&outer);
}

/* Each pair of classes: legal one way, a bug with both names the other. */
static void every_pair(void *arg)
{
	const uint32_t *pair = arg;
	struct lock first = { .class = pair[0] };
	struct lock second = { .class = pair[1] };

	lock_acquire(&first);
	lock_acquire(&second);
	lock_release(&second);
	lock_release(&first);
}

static void test_lock_order(void **state)
{
	(void)state;
	in_child(in_order, NULL);
	expect_bug(inverted, NULL,
		   "lock order: CACHE_CHAIN taken while ZONE is held");
	expect_bug(release_twice, NULL,
		   "lock order: CACHE_CHAIN released but not held");
	expect_bug(not_mine, NULL, "lock order: ZONE released but not held");
	for (uint32_t a = 0; a < NR_LOCK_CLASSES; a++)
		for (uint32_t b = 0; b < NR_LOCK_CLASSES; b++) {
			uint32_t pair[] = { a, b };

			if (a <= b)
				in_child(every_pair, pair);
			else
				expect_bug(every_pair, pair, "lock order: ");
		}
}
#else
static void test_lock_order(void **state)
{
	(void)state;
	unit_skip("the lock order is checked in debug builds only");
}
#endif

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutual_exclusion),
		cmocka_unit_test(test_all_sleepers_wake),
		cmocka_unit_test(test_try),
		cmocka_unit_test(test_lock_order),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
