/* SPDX-License-Identifier: MIT */
/*
 * test_percpu.c - the per-CPU stacks, one thread, both modes: order of objects,
 * empty and full, resizing with objects inside, what a double push looks like,
 * stop and start, and the choice of the mode.
 */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/control.h"
#include "base/params.h"
#include "os_fake.h"
#include "percpu/fastpath.h"
#include "percpu/percpu.h"
#include "percpu/thread.h"

enum { CLASS = 7, RUN_A = 5001, RUN_B = 6001, LARGEST = 300 };

static void *obj(uintptr_t i)
{
	return (void *)(0x10000 + 16 * i);
}

/* On one CPU, as the only thread, the slot does not change. */
static void start(bool rseq)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (rseq)
		core_start_rseq("percpu=rseq,span=64");
	else
		core_start("percpu=lock,span=64");
}

static union sheaf_header run_at(uint16_t begin, unsigned int nr,
				 unsigned int cap)
{
	return (union sheaf_header){
		.begin = begin,
		.cur = begin + nr,
		.end = (uint16_t)(begin + cap),
	};
}

/* A sequence may be aborted at any time: then try again. */
static bool resize(union sheaf_header old, union sheaf_header new)
{
	for (int i = 0; i < 100; i++)
		if (percpu_resize(CLASS, old, new, false))
			return true;
	return false;
}

static void push(unsigned int from, unsigned int n)
{
	void *objs[LARGEST];
	unsigned int done = 0;

	for (unsigned int i = 0; i < n; i++)
		objs[i] = obj(from + i);
	for (int i = 0; i < 100 && done < n; i++)
		done += percpu_pushn(CLASS, objs + done, n - done, false);
	assert_int_equal(done, n);
}

static void expect_popn(unsigned int want, unsigned int n, unsigned int from)
{
	void *objs[LARGEST];
	unsigned int got = 0;

	for (int i = 0; i < 100 && !got; i++)
		got = percpu_popn(CLASS, objs, want, false);
	assert_int_equal(got, n);
	for (unsigned int i = 0; i < n; i++)
		assert_ptr_equal(objs[i], obj(from + i));
}

static unsigned int nr_objects(void)
{
	union sheaf_header h = percpu_header(CLASS);

	return h.cur - h.begin;
}

static void check_stack(void)
{
	const union sheaf_header none = { 0 };
	void *objs[LARGEST];

	/* Never touched: both empty and full. */
	objs[0] = obj(0);
	assert_int_equal(percpu_header(CLASS).word, 0);
	assert_int_equal(percpu_popn(CLASS, objs, 5, false), 0);
	assert_int_equal(percpu_pushn(CLASS, objs, 1, false), 0);
	/* A region that is not online cannot be given slots. */
	assert_false(resize(none, run_at(RUN_A, 0, 10)));
	assert_int_equal(percpu_header(CLASS).word, 0);
	assert_int_equal(percpu_online(), 0);
	assert_int_equal(percpu_online(), 0);
	assert_int_equal(control.percpu.online, 1);
	assert_true(resize(none, run_at(RUN_A, 0, 10)));

	push(0, 10);
	objs[0] = obj(99);
	assert_int_equal(percpu_pushn(CLASS, objs, 1, false), 0);
	assert_true(percpu_is_top(CLASS, obj(9), false));
	assert_false(percpu_is_top(CLASS, obj(8), false));
	/* From the top, oldest first. */
	expect_popn(3, 3, 7);
	expect_popn(1, 1, 6);
	push(100, 2);
	expect_popn(2, 2, 100);
	/* Only as many as there are. */
	expect_popn(100, 6, 0);
	assert_int_equal(percpu_popn(CLASS, objs, 1, false), 0);
	assert_false(percpu_is_top(CLASS, obj(0), false));
	/* Only as many as there is room for, the first ones. */
	for (unsigned int i = 0; i < 15; i++)
		objs[i] = obj(i);
	assert_int_equal(percpu_pushn(CLASS, objs, 15, false), 10);
	expect_popn(10, 10, 0);
}

static void check_resize(void)
{
	union sheaf_header h;

	assert_int_equal(percpu_online(), 0);
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	push(0, 15);
	h = percpu_header(CLASS);
	/* Not what is there: nothing happens. */
	assert_false(resize(run_at(RUN_A, 14, 20), run_at(RUN_B, 14, 30)));
	assert_false(resize(run_at(RUN_A, 15, 21), run_at(RUN_B, 15, 30)));
	assert_int_equal(percpu_header(CLASS).word, h.word);
	/* To other slots, with everything. */
	assert_true(resize(h, run_at(RUN_B, 15, 300)));
	push(15, 285);
	assert_true(resize(run_at(RUN_B, 300, 300), run_at(RUN_A, 300, 300)));
	expect_popn(290, 290, 10);
	/* In place, as small as it can be, and back. */
	assert_true(resize(run_at(RUN_A, 10, 300), run_at(RUN_A, 10, 10)));
	expect_popn(3, 3, 7);
	push(7, 3);
	assert_true(resize(run_at(RUN_A, 10, 10), run_at(RUN_A, 10, 11)));
	push(10, 1);
	expect_popn(20, 11, 0);
}

/* Pushing what is on top already is refused: a double free. */
static void check_double_push(void)
{
	void *o = obj(1);

	assert_int_equal(percpu_online(), 0);
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	push(1, 1);
	if (percpu.mode == PERCPU_MODE_LOCK)
		assert_int_equal(percpu_pushn(CLASS, &o, 1, false), 0);
	else
		assert_false(rseq_push(CLASS, o));
	assert_true(percpu_is_top(CLASS, o, false));
	assert_int_equal(nr_objects(), 1);
	/* It is not there any more: fine. */
	expect_popn(1, 1, 1);
	push(1, 1);
	assert_int_equal(nr_objects(), 1);
}

static void check_stop(void)
{
	unsigned int slot = 0;
	void *objs[10];

	assert_int_equal(percpu_online(), 0);
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	push(0, 10);
	while (percpu_header_of(slot, 0) != percpu_headers())
		assert_true(++slot < percpu.nr);
	if (!percpu_stop())
		unit_skip("this kernel cannot stop other CPUs");
	/* The sheaf holds still, and is the stopper's. */
	assert_int_equal(percpu_header_of(slot, CLASS)->cur, RUN_A + 10);
	assert_ptr_equal(percpu_slots_of(slot)[RUN_A + 9], obj(9));
	assert_ptr_equal(percpu_slots_of(slot)[RUN_A - 1], PERCPU_GUARD);
	if (percpu.mode == PERCPU_MODE_RSEQ) {
		objs[0] = obj(50);
		assert_int_equal(percpu_popn(CLASS, objs, 1, false), 0);
		assert_int_equal(percpu_pushn(CLASS, objs, 1, false), 0);
		assert_null(rseq_pop(CLASS));
		assert_false(rseq_push(CLASS, objs[0]));
		assert_false(resize(run_at(RUN_A, 10, 20),
				    run_at(RUN_B, 10, 20)));
		assert_false(resize((union sheaf_header){ 0 },
				    run_at(RUN_B, 0, 20)));
	} else {
		/* Nested: every shard is locked, so there is none. */
		assert_int_equal(percpu_popn(CLASS, objs, 1, true), 0);
		assert_int_equal(percpu_pushn(CLASS, objs, 1, true), 0);
	}
	percpu_header_of(slot, CLASS)->cur -= 5;
	percpu_start();
	expect_popn(10, 5, 0);
	assert_true(percpu_stop());
	percpu_start();
}

static void check_all_classes(void)
{
	assert_int_equal(percpu_online(), 0);
	for (unsigned int class = 1; class < 255; class++) {
		union sheaf_header new =
			run_at((uint16_t)(300 + class * 4), 0, 3);
		void *objs[3] = { obj(class), obj(class + 1), obj(class + 2) };

		for (int i = 0; i < 100; i++)
			if (percpu_resize(class, (union sheaf_header){ 0 }, new,
					  false))
				break;
		assert_int_equal(percpu_pushn(class, objs, 3, false), 3);
	}
	for (unsigned int class = 1; class < 255; class++) {
		void *objs[3];

		assert_int_equal(percpu_popn(class, objs, 3, false), 3);
		for (uintptr_t i = 0; i < 3; i++)
			assert_ptr_equal(objs[i], obj(class + i));
	}
}

#define BOTH_MODES(name)                                 \
	static void test_##name##_rseq(void **state)     \
	{                                                \
		(void)state;                             \
		start(true);                             \
		check_##name();                          \
	}                                                \
	static void test_##name##_lock(void **state)     \
	{                                                \
		(void)state;                             \
		start(false);                            \
		check_##name();                          \
	}
BOTH_MODES(stack)
BOTH_MODES(resize)
BOTH_MODES(double_push)
BOTH_MODES(stop)
BOTH_MODES(all_classes)

/* The sequences that malloc and free inline. */
static void test_fast_path(void **state)
{
	unsigned int done = 0;

	(void)state;
	start(true);
	assert_int_equal(percpu_online(), 0);
	assert_null(rseq_pop(CLASS));
	assert_false(rseq_push(CLASS, obj(0)));
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	for (int i = 0; i < 1000 && done < 20; i++)
		done += rseq_push(CLASS, obj(done));
	assert_int_equal(done, 20);
	assert_false(rseq_push(CLASS, obj(20)));
	for (int i = 0; i < 1000 && done; i++) {
		void *p = rseq_pop(CLASS);

		if (p)
			assert_ptr_equal(p, obj(--done));
	}
	assert_int_equal(done, 0);
	assert_null(rseq_pop(CLASS));
	assert_int_equal(nr_objects(), 0);
}

/* --- a nested call never waits for a shard --- */

static void test_nested_takes_another_shard(void **state)
{
	unsigned int other;
	void *objs[5];

	(void)state;
	start(false);
	assert_true(percpu.nr >= 2);
	assert_int_equal(percpu_online(), 0);
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	other = thread_word.shard;
	push(0, 5);
	/* Another shard, where nothing is online: as if it were empty. */
	thread_word.shard = (uint16_t)(other % percpu.nr + 1);
	assert_int_equal(percpu_popn(CLASS, objs, 5, false), 0);
	assert_int_equal(percpu_header(CLASS).word, 0);
	assert_false(percpu_resize(CLASS, (union sheaf_header){ 0 },
				   run_at(RUN_B, 0, 20), true));
	thread_word.shard = (uint16_t)other;
	assert_int_equal(percpu_popn(CLASS, objs, 5, true), 5);
}

/* --- which mode --- */

static void test_rseq_needs_memory(void **state)
{
	(void)state;
	params_parse("percpu=rseq");
	/* Not enough for all CPUs: fewer shards will do. */
	os_fake_fail_nth(OS_BIT(OS_RESERVE), 1);
	assert_int_equal(percpu_init(), 0);
	assert_int_equal(percpu.mode, PERCPU_MODE_LOCK);
	assert_true(percpu.can_stop);
	assert_string_equal(control.modes[MODE_PERCPU], "lock");
	assert_true(control.modes[MODE_PERCPU][5] != '\0');
}

static void test_no_memory_at_all(void **state)
{
	(void)state;
	params_parse("percpu=auto");
	os_fake_fail_from(OS_BIT(OS_RESERVE), 1);
	assert_int_equal(percpu_init(), -ENOMEM);
}

static void test_commit_refused(void **state)
{
	void *p = obj(1);

	(void)state;
	start(false);
	os_fake_fail_nth(OS_BIT(OS_COMMIT), 1);
	assert_int_equal(percpu_online(), -ENOMEM);
	assert_int_equal(percpu_pushn(CLASS, &p, 1, false), 0);
	assert_int_equal(control.percpu.online, 0);
	assert_int_equal(percpu_online(), 0);
	assert_true(resize((union sheaf_header){ 0 }, run_at(RUN_A, 0, 20)));
	push(0, 20);
}

static void test_asked_for_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=64");
	assert_int_equal(percpu.mode, PERCPU_MODE_LOCK);
	assert_string_equal(control.modes[MODE_PERCPU], "lock");
	assert_string_equal(control.modes[MODE_PERCPU] + 5, "asked for");
	assert_int_equal(control.percpu.nr, percpu.nr);
	assert_int_equal(control.percpu.base, percpu.real_base);
	assert_int_equal(percpu_vfork_cid, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack_rseq),
		cmocka_unit_test(test_stack_lock),
		cmocka_unit_test(test_resize_rseq),
		cmocka_unit_test(test_resize_lock),
		cmocka_unit_test(test_double_push_rseq),
		cmocka_unit_test(test_double_push_lock),
		cmocka_unit_test(test_stop_rseq),
		cmocka_unit_test(test_stop_lock),
		cmocka_unit_test(test_all_classes_rseq),
		cmocka_unit_test(test_all_classes_lock),
		cmocka_unit_test(test_fast_path),
		cmocka_unit_test(test_nested_takes_another_shard),
		cmocka_unit_test(test_rseq_needs_memory),
		cmocka_unit_test(test_no_memory_at_all),
		cmocka_unit_test(test_commit_refused),
		cmocka_unit_test(test_asked_for_lock),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
