/* SPDX-License-Identifier: MIT */
/*
 * race_gate.c - the gate: while it is closed nobody is in a slow path, whoever
 * wants in sleeps and gets in afterwards, a nested entry never waits, and the
 * child of a fork finds it open.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "percpu/gate.h"

enum { NR_THREADS = 8, NR_CLOSERS = 2 };

static uint32_t inside; /* Atomic: threads past the gate */
static bool quit; /* Atomic */
static uint64_t entries; /* Atomic */
static uint64_t nested_entries; /* Atomic */

static void go_through(void)
{
	CHECK(gate_enter() == SLOW_NORMAL);
	fetch_add_full(&inside, 1);
	CHECK(gate_enter() == SLOW_NESTED);
	CHECK(gate_enter() == SLOW_NESTED);
	gate_leave();
	gate_leave();
	CHECK(thread_word.depth == 1 && thread_word.gated);
	fetch_sub_full(&inside, 1);
	gate_leave();
	CHECK(thread_word.depth == 0 && !thread_word.gated);
	fetch_add_relaxed(&entries, 1);
}

static void *pass(void *arg)
{
	(void)arg;
	while (!load_relaxed(&quit))
		go_through();
	return NULL;
}

static void *shut(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);

	while (!load_relaxed(&quit)) {
		gate_close();
		for (int i = 0; i < 50; i++)
			CHECK(load_full(&inside) == 0);
		if (rng_below(&rng, 16) == 0)
			usleep(500);
		CHECK(load_full(&inside) == 0);
		gate_open();
		usleep((useconds_t)rng_below(&rng, 300));
	}
	return NULL;
}

static void run_threads(unsigned int ms)
{
	pthread_t threads[NR_THREADS + NR_CLOSERS];
	size_t i;

	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, pass, NULL));
	for (; i < NR_THREADS + NR_CLOSERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, shut, (void *)i));
	usleep(ms * 1000);
	store_relaxed(&quit, true);
	/* Nobody is left sleeping. */
	for (i = 0; i < NR_THREADS + NR_CLOSERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(load_relaxed(&inside) == 0);
	CHECK(load_relaxed(&entries) > 1000);
}

static void test_close_under_load(void **state)
{
	(void)state;
	alarm(40);
	run_threads(1500);
}

/* --- handlers: at any instruction of entering and leaving --- */

static void handler(int sig)
{
	enum slow_path how;

	(void)sig;
	how = gate_enter();
	/* Normal only if the thread was outside. */
	CHECK((how == SLOW_NORMAL) == (thread_word.depth == 1));
	gate_leave();
	fetch_add_relaxed(&nested_entries, how != SLOW_NORMAL);
}

static void test_signals(void **state)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 200 }, { 0, 200 } };

	(void)state;
	if (unit_has_tsan())
		unit_skip("ThreadSanitizer puts signals off");
	alarm(40);
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &it, NULL);
	run_threads(1500);
	it = (struct itimerval){ 0 };
	setitimer(ITIMER_PROF, &it, NULL);
	CHECK(load_relaxed(&nested_entries) > 0);
}

/* A handler that runs while its thread waits at the gate gets no further. */
static volatile int barred = -1;

static void ask(int sig)
{
	(void)sig;
	barred = gate_enter();
	gate_leave();
}

static pthread_t waiter;
static pid_t waiter_tid; /* Atomic */

static void *wait_at_gate(void *arg)
{
	(void)arg;
	store_relaxed(&waiter_tid, gettid());
	go_through();
	return NULL;
}

/* Where, there is no doubt. */
static void until_it_sleeps(void)
{
	char path[64], state = 'R';

	while (state != 'S') {
		FILE *stat;

		usleep(1000);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
			 load_relaxed(&waiter_tid));
		stat = fopen(path, "r");
		if (!stat)
			continue;
		CHECK(fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
		fclose(stat);
	}
}

static void test_barred(void **state)
{
	struct sigaction sa = { .sa_handler = ask };

	(void)state;
	if (unit_has_tsan())
		unit_skip("ThreadSanitizer puts signals off");
	alarm(20);
	sigaction(SIGUSR1, &sa, NULL);
	gate_close();
	CHECK(!pthread_create(&waiter, NULL, wait_at_gate, NULL));
	until_it_sleeps();
	assert_int_equal(entries, 0);
	pthread_kill(waiter, SIGUSR1);
	while (barred < 0)
		usleep(1000);
	assert_int_equal(barred, SLOW_BARRED);
	assert_int_equal(entries, 0);
	gate_open();
	CHECK(!pthread_join(waiter, NULL));
	assert_int_equal(entries, 1);
}

/* --- fork --- */

static void test_fork(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	if (unit_has_tsan())
		unit_skip("no fork of threads under ThreadSanitizer");
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, pass, NULL));
	for (int i = 0; i < 100; i++) {
		int status;
		pid_t pid;

		gate_close();
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			alarm(10);
			gate_open_in_child();
			for (int k = 0; k < 100; k++)
				go_through();
			/* Nobody of the parent's is waited for. */
			gate_close();
			gate_open();
			_exit(0);
		}
		gate_open();
		while (waitpid(pid, &status, 0) < 0)
			CHECK(errno == EINTR);
		CHECK(status == 0);
	}
	store_relaxed(&quit, true);
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

/* --- how many there were --- */

/* As many as were counted in 16 bits. */
static void test_saw_threads(void **state)
{
	(void)state;
	go_through();
	go_through();
	assert_false(gate_saw_threads());
	for (int i = 0; i < 1 << 16; i++) {
		thread_word.stripe = 0;
		go_through();
		assert_true(gate_saw_threads());
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_under_load),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_barred),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_saw_threads),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
