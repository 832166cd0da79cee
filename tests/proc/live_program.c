/* SPDX-License-Identifier: MIT */
/*
 * live_program.c - allocates and frees as it is told on standard input, so that
 * what the allocator shows can be compared with what was done.
 *
 *	alloc SIZE COUNT THREADS   COUNT objects of SIZE bytes in each thread
 *	free THREADS               all of them, shared out among the threads
 *	thin N                     all but every Nth of them
 *	churn MS THREADS           allocate and free at random, end with none
 *	fork                       a child that allocates and exits
 *	grow SIZE TO COUNT         COUNT times: allocate, grow by realloc, free
 *	trim                       malloc_trim(0)
 *
 * Each line is answered by "ok". Nothing else allocates: no stdio, and the
 * threads are made and joined once before, so that libc keeps their stacks.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_OBJECTS = 1 << 20, MAX_THREADS = 8, CHURN_OBJECTS = 500 };

static void *objects[MAX_OBJECTS];
static size_t nr_objects;

struct job {
	void (*run)(const struct job *job);
	unsigned long number; /* size or milliseconds */
	size_t first;
	size_t last;
};

static void die(const char *why)
{
	if (write(STDERR_FILENO, why, strlen(why)) < 0)
		_exit(2);
	_exit(1);
}

static void job_alloc(const struct job *job)
{
	for (size_t i = job->first; i < job->last; i++) {
		objects[i] = malloc(job->number);
		if (!objects[i])
			die("malloc failed\n");
		*(char *)objects[i] = 1;
	}
}

static void job_free(const struct job *job)
{
	for (size_t i = job->first; i < job->last; i++)
		free(objects[i]);
}

static void thin(size_t n)
{
	for (size_t i = 0; i < nr_objects; i++) {
		if (i % n == 0)
			continue;
		free(objects[i]);
		objects[i] = NULL;
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void job_churn(const struct job *job)
{
	uint64_t end = now_ms() + job->number;
	void *mine[CHURN_OBJECTS] = { 0 };
	uint32_t seed = (uint32_t)job->first + 1;

	while (now_ms() < end) {
		for (int n = 0; n < 1000; n++) {
			seed = seed * 1664525 + 1013904223;
			void **p = &mine[(seed >> 16) % CHURN_OBJECTS];

			free(*p);
			*p = malloc(seed >> 8 & 0x3fff);
		}
	}
	for (size_t i = 0; i < CHURN_OBJECTS; i++)
		free(mine[i]);
}

static void *thread_main(void *arg)
{
	struct job *job = arg;

	job->run(job);
	return NULL;
}

/* The indexes below @count are shared out evenly. */
static void run_jobs(void (*run)(const struct job *job), unsigned long number,
		     size_t first, size_t count, size_t nr_threads)
{
	static struct job jobs[MAX_THREADS];
	pthread_t threads[MAX_THREADS];

	for (size_t i = 0; i < nr_threads; i++) {
		jobs[i].run = run;
		jobs[i].number = number;
		jobs[i].first = first + count * i / nr_threads;
		jobs[i].last = first + count * (i + 1) / nr_threads;
		if (nr_threads > 1 && pthread_create(&threads[i], NULL,
						     thread_main, &jobs[i]))
			die("no thread\n");
	}
	if (nr_threads == 1)
		run(&jobs[0]);
	for (size_t i = 0; i < nr_threads && nr_threads > 1; i++)
		pthread_join(threads[i], NULL);
}

static void do_fork(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 10000; i++)
			objects[i] = malloc(40);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("the child failed\n");
}

static void do_grow(size_t size, size_t to, size_t count)
{
	while (count--) {
		void *p = realloc(malloc(size), to);

		if (!p)
			die("realloc failed\n");
		free(p);
	}
}

static size_t next_number(char **text)
{
	return strtoul(*text, text, 10);
}

static void obey(char *line)
{
	char *args = line + strcspn(line, " \n");
	size_t a = next_number(&args);
	size_t b = next_number(&args);
	size_t c = next_number(&args);

	if (line[0] == 'a' && nr_objects + b * c <= MAX_OBJECTS) {
		run_jobs(job_alloc, a, nr_objects, b * c, c);
		nr_objects += b * c;
	} else if (!strncmp(line, "free", 4)) {
		run_jobs(job_free, 0, 0, nr_objects, a);
		nr_objects = 0;
	} else if (line[0] == 'c') {
		run_jobs(job_churn, a, 0, b, b);
	} else if (!strncmp(line, "fork", 4)) {
		do_fork();
	} else if (!strncmp(line, "grow", 4)) {
		do_grow(a, b, c);
	} else if (!strncmp(line, "thin", 4) && a) {
		thin(a);
	} else if (!strncmp(line, "trim", 4)) {
		malloc_trim(0);
	} else {
		die("what?\n");
	}
}

/* The first few objects of a size are lodged by a larger cache: get past it. */
static void settle(void)
{
	struct job job = { .last = 8 };

	for (job.number = 16; job.number <= 32768; job.number += 16) {
		job_alloc(&job);
		job_free(&job);
	}
}

int main(void)
{
	char line[128];
	ssize_t len;

	settle();
	run_jobs(job_free, 0, 0, 0, MAX_THREADS);
	while ((len = read(STDIN_FILENO, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		obey(line);
		if (write(STDOUT_FILENO, "ok\n", 3) != 3)
			return 1;
	}
	return 0;
}
