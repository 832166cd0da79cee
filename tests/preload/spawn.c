/* SPDX-License-Identifier: MIT */
/*
 * Proves that programs can be started from any thread while others allocate:
 * posix_spawn(), system(), popen(), fork() and exec, vfork() and exec; and that
 * a vfork() child, which runs on its parent's memory and thread-local data
 * without the kernel's rseq registration, may allocate as some programs do.
 */
#include "workload.h"

#include <spawn.h>

extern char **environ;

/* Run @body with two busy threads around it. */
static void while_busy(void (*body)(void))
{
	static struct churn churn = {.common = 600, .rare = 200000};

	churn_start(&churn, 2);
	body();
	churn_stop(&churn);
}

/* ---- vfork ------------------------------------------------------------- */

/*
 * The children exchange these with the parent: allocated here, freed there and
 * the other way round. Volatile, as a vfork child's writes are not expected.
 */
static void *volatile swapped[200];

static void swap_blocks(struct rng *r)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(swapped); i++) {
		if (swapped[i])
			CHECK(check_fill(swapped[i], 64 + i * 8));
		free(swapped[i]);
		n = 64 + i * 8;
		swapped[i] = malloc(n);
		CHECK(swapped[i]);
		fill(swapped[i], n);
		n = rng_size(r, i ? 1000 : 300000);
		free(malloc(n));
	}
}

/* Apart, so that no local variable of the parent's is shared by registers. */
__attribute__((noinline)) static void vfork_once(struct rng *r, bool exec)
{
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (!pid) {
		swap_blocks(r);
		if (!exec)
			_exit(7);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	CHECK_STATUS(wait_for(pid), exec ? 0 : 7, "vfork child");
}

static void vfork_children(void)
{
	struct rng r = rng_for(9);
	size_t i;

	for (i = 0; i < 600; i++) {
		vfork_once(&r, i % 8 == 7);
		swap_blocks(&r);
	}
}

static void *vfork_thread(void *arg)
{
	size_t i;
	pid_t pid;

	for (i = 0; i < 150; i++) {
		free(malloc(i * 16));
		pid = vfork();
		CHECK(pid >= 0);
		if (!pid) {
			free(calloc(1, 300));
			_exit(3);
		}
		CHECK_STATUS(wait_for(pid), 3, "vfork child");
	}
	return arg;
}

static void vfork_threads(void)
{
	pthread_t thread[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thread); i++)
		thread[i] = start_thread(vfork_thread, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void by_vfork(void)
{
	while_busy(vfork_children);
	while_busy(vfork_threads);
}

/* ---- the usual ways ---------------------------------------------------- */

static void *spawning_thread(void *arg)
{
	char *true_args[] = {strdup("true"), NULL};
	char line[64], *text;
	FILE *pipe;
	size_t i;
	pid_t pid;

	for (i = 0; i < 12; i++) {
		text = malloc(200 + i);
		CHECK(text);
		CHECK(!posix_spawn(&pid, "/bin/true", NULL, NULL, true_args,
				   environ));
		CHECK_STATUS(wait_for(pid), 0, "posix_spawn");
		CHECK_STATUS(system("exit 7"), 7, "system");
		snprintf(text, 200, "echo number %zu", i);
		pipe = popen(text, "r");
		CHECK(pipe && fgets(line, sizeof(line), pipe));
		CHECK(!strncmp(line, "number ", 7) &&
		      strtoul(line + 7, NULL, 10) == i);
		CHECK_STATUS(pclose(pipe), 0, "popen");
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		CHECK_STATUS(wait_for(pid), 0, "fork and exec");
		free(text);
	}
	free(true_args[0]);
	return arg;
}

static void spawn_from_threads(void)
{
	pthread_t thread[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thread); i++)
		thread[i] = start_thread(spawning_thread, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void usual(void)
{
	while_busy(spawn_from_threads);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"vfork", by_vfork, 60},
		{"usual", usual, 60},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
