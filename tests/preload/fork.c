/* SPDX-License-Identifier: MIT */
/*
 * Proves that a process may be duplicated at any moment. Locks held by other
 * threads at the time must not stay locked in the child, and a block must not
 * be half given out there.
 *
 *   busy     hundreds of forks while 64 threads allocate; the children allocate
 *            and free blocks of all sizes, their own and inherited ones, start
 *            threads and fork again;
 *   several  threads that fork at the same time;
 *   raw      _Fork() and the clone system call, which run no fork handlers, in
 *            a program of one thread: children, and children that share memory.
 */
#include "workload.h"

#include <sched.h>
#include <sys/syscall.h>

/* ---- what a child does ------------------------------------------------- */

enum { INHERITED = 400 };
static struct box *inherited[INHERITED];

static void make_inherited(void)
{
	struct rng r = rng_for(0);
	size_t i;

	for (i = 0; i < INHERITED; i++)
		inherited[i] = box_new(box_size(&r, i % 40 ? 3000 : 400000));
}

static void use_inherited(struct rng *r)
{
	size_t i;

	for (i = 0; i < INHERITED; i++) {
		if (!inherited[i])
			continue;
		box_check(inherited[i]);
		if (rng_below(r, 2)) {
			box_end(inherited[i]);
			inherited[i] = NULL;
		}
	}
}

static void *allocate_in_thread(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	use_all_layers(&r);
	return NULL;
}

static void child(size_t number)
{
	struct rng r = rng_for(1000 + number);

	use_all_layers(&r);
	use_inherited(&r);
	if (number % 4 == 1)
		CHECK(!pthread_join(start_thread(allocate_in_thread,
						 (void *)(uintptr_t)number, 0),
				    NULL));
	if (number % 8 == 2) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			use_all_layers(&r);
			use_inherited(&r);
			_exit(0);
		}
		CHECK_STATUS(wait_for(pid), 0, "grandchild");
	}
	malloc_trim(0);
	use_all_layers(&r);
}

/* ---- busy -------------------------------------------------------------- */

static pid_t fork_child(size_t number)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		watchdog(30);
		child(number);
		_exit(0);
	}
	return pid;
}

static void busy(void)
{
	enum { FORKS = 300, AT_ONCE = 3, MOST_SECONDS = 10, THREADS = 64 };
	/* Nice, so that the children get to run. */
	static struct churn churn = {
		.common = 2000, .rare = 1000000, .nice = 19};
	pid_t pid[AT_ONCE] = {0};
	double start = now();
	size_t n, i;

	make_inherited();
	churn_start(&churn, THREADS);
	for (n = 0; n < FORKS && now() - start < MOST_SECONDS; n++) {
		if (pid[n % AT_ONCE])
			CHECK_STATUS(wait_for(pid[n % AT_ONCE]), 0, "child");
		pid[n % AT_ONCE] = fork_child(n);
	}
	for (i = 0; i < AT_ONCE; i++)
		if (pid[i])
			CHECK_STATUS(wait_for(pid[i]), 0, "child");
	churn_stop(&churn);
	printf("%zu forks in %.1f s\n", n, now() - start);
	CHECK_MSG(n >= 30, "only %zu forks", n);
	for (i = 0; i < INHERITED; i++)
		box_end(inherited[i]);
}

/* ---- several ----------------------------------------------------------- */

static void *forking_thread(void *arg)
{
	size_t i, number = (size_t)(uintptr_t)arg * 1000;
	double end = now() + 15;

	for (i = 0; i < 30 && (i < 8 || now() < end); i++) {
		free(malloc(100 + i));
		CHECK_STATUS(wait_for(fork_child(number + i)), 0, "child");
	}
	return NULL;
}

static void several(void)
{
	enum { FORKERS = 4, OTHERS = 8 };
	static struct churn churn = {.common = 2000, .rare = 1000000};
	pthread_t thread[FORKERS];
	uintptr_t i;

	make_inherited();
	churn_start(&churn, OTHERS);
	for (i = 0; i < FORKERS; i++)
		thread[i] = start_thread(forking_thread, (void *)i, 0);
	for (i = 0; i < FORKERS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	churn_stop(&churn);
}

/* ---- raw --------------------------------------------------------------- */

static int shared_child(void *arg)
{
	struct rng *r = arg;

	/* Not the inherited ones: the parent still has them. */
	use_all_layers(r);
	return 0;
}

static void raw(void)
{
	enum { ROUNDS = 60, STACK = 1 << 20 };
	struct rng r = rng_for(0);
	char *stack = malloc(STACK);
	size_t i;
	pid_t pid;

	CHECK(stack);
	make_inherited();
	for (i = 0; i < ROUNDS; i++) {
		switch (i % 3) {
		case 0:
			pid = _Fork();
			break;
		case 1:
			pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL,
					     NULL, NULL);
			break;
		default:
			/* As vfork does: the same memory, the parent waits. */
			pid = clone(shared_child, stack + STACK,
				    CLONE_VM | CLONE_VFORK | SIGCHLD, &r);
		}
		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			use_all_layers(&r);
			use_inherited(&r);
			malloc_trim(0);
			use_all_layers(&r);
			_exit(0);
		}
		use_all_layers(&r);
		CHECK_STATUS(wait_for(pid), 0, "child");
	}
	use_inherited(&r);
	free(stack);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"busy", busy, 60},
		{"several", several, 60},
		{"raw", raw, 60},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
