/* SPDX-License-Identifier: MIT */
/*
 * test_vmstat.c - events are counted in stripes that threads do not share: with
 * stacks as far apart as libc's are, whatever their size, and the sum is right.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/vmstat.h"

enum { NR_THREADS = 8, PER_THREAD = 1000 };

static pthread_barrier_t together;

static void *count(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&together);
	for (int i = 0; i < PER_THREAD; i++)
		count_vm_event(BARN_GET);
	pthread_barrier_wait(&together);
	return NULL;
}

static unsigned int stripes_in_use(void)
{
	unsigned int nr = 0;

	for (int i = 0; i < EVENT_STRIPES; i++)
		nr += control.events[i][BARN_GET] > 0;
	return nr;
}

static void count_with_stacks_of(size_t size)
{
	pthread_t threads[NR_THREADS];
	pthread_attr_t attr;

	memset(control.events, 0, sizeof(control.events));
	CHECK(!pthread_barrier_init(&together, NULL, NR_THREADS));
	CHECK(!pthread_attr_init(&attr));
	CHECK(!pthread_attr_setstacksize(&attr, size));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], &attr, count, NULL));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(!pthread_attr_destroy(&attr));
	CHECK(!pthread_barrier_destroy(&together));
	assert_int_equal(sum_vm_event(BARN_GET), NR_THREADS * PER_THREAD);
	assert_true(stripes_in_use() >= 5);
}

static void test_stripes(void **state)
{
	(void)state;
	count_with_stacks_of(MiB(8));
	count_with_stacks_of(MiB(1));
	count_with_stacks_of(MiB(2));
	assert_int_equal((uintptr_t)control.events[1] % CACHELINE, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stripes),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
