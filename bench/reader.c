/*
 * reader HZ COMMAND [ARGUMENT...] - runs the command HZ times a second, its output
 * thrown away, until SIGTERM; then writes
 *
 *	runs failed missed cpu_seconds seconds
 *
 * `missed`: turns that passed while an earlier run took longer than its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t stop;

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Return: whether it ended with 0. */
static int run(char **argv, const posix_spawn_file_actions_t *actions)
{
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, argv[0], actions, NULL, argv, environ))
		return 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void sleep_until(double when)
{
	struct timespec ts = {
		.tv_sec = (time_t)when,
		.tv_nsec = (long)((when - (double)(time_t)when) * 1e9),
	};

	while (!stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
					NULL) == EINTR)
		;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	unsigned long runs = 0, failed = 0, missed = 0;
	double turn, start, next;

	if (argc < 3 || atof(argv[1]) <= 0)
		return 2;
	turn = 1 / atof(argv[1]);
	/* Without SA_RESTART: it ends the sleep. */
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	start = next = now();
	while (!stop) {
		failed += !run(argv + 2, &actions);
		runs++;
		for (next += turn; next < now(); next += turn)
			missed++;
		sleep_until(next);
	}
	printf("%lu %lu %lu %.3f %.3f\n", runs, failed, missed,
	       cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN),
	       now() - start);
	return 0;
}
