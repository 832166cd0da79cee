/* SPDX-License-Identifier: MIT */
/*
 * test_stats_file.c - the file that gets all statistics.
 *
 * Real files in a new folder; messages and the process id come from here.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host.h"
#include "fake_control.h"
#include "os/os.h"
#include "proc/proc.h"
#include "proc/stats_file.h"

struct control_block control;
static uint64_t headers[FAKE_CPUS][NR_CLASSES];

/* --- what stats_file.c needs from below --- */

static char said[1024];
static int times_said;

void host_write_stderr(const char *buf, size_t len)
{
	times_said++;
	snprintf(said, sizeof(said), "%.*s", (int)len, buf);
}

void host_abort(void)
{
	abort();
}

void host_yield(void)
{
	usleep(50);
}

uint32_t os_getpid(void)
{
	return (uint32_t)getpid();
}

/* --- helpers --- */

static char text[65536];

/* Return: whether there is such a file; its contents are in text[]. */
static bool load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	assert_true(len >= 0);
	text[len] = '\0';
	close(fd);
	return true;
}

/* Every file with its title, in order, and nothing else. */
static bool is_whole(void)
{
	const char *at = text;

	for (size_t i = 0; i < nr_proc_files; i++) {
		char title[64];

		snprintf(title, sizeof(title), "%s==> %s <==\n",
			 i ? "\n\n" : "", proc_files[i].name);
		at = strstr(at, title);
		if (!at || (!i && at != text))
			return false;
		at += strlen(title);
	}
	return strlen(at) > 2 && !strcmp(at + strlen(at) - 2, "\n\n") &&
	       !strstr(at, "<==");
}

static unsigned int count_entries(const char *path)
{
	DIR *folder = opendir(path);
	unsigned int n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static char folder[64];

/* In memory if possible: replacing files may wait for a disk. */
static int enter_folder(void **state)
{
	bool shm = !access("/dev/shm", W_OK | X_OK);

	(void)state;
	fake_control_fill(&control, headers);
	snprintf(folder, sizeof(folder), "%s/pagoda-stats.XXXXXX",
		 shm ? "/dev/shm" : "/tmp");
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int leave_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Run @test in a child, whose "reported once" is its own. */
static void in_child(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In a child, where cmocka cannot report. */
#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                    \
			_exit(1);                                          \
		}                                                          \
	} while (0)

static void write_from_child(void)
{
	stats_file_write("child");
	CHECK(load("child") && is_whole());
	CHECK(unlink("child") == 0);
}

/* --- tests --- */

static void test_write(void **state)
{
	unsigned int fds = count_entries("/proc/self/fd");
	struct stat st;

	(void)state;
	umask(027);
	errno = 4242;
	stats_file_write("plain");
	assert_int_equal(errno, 4242);
	assert_true(load("plain"));
	assert_true(is_whole());
	assert_non_null(strstr(text, "\npercpu: rseq (glibc's area)\n"));
	assert_int_equal(stat("plain", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(count_entries("/proc/self/fd"), fds);
	assert_int_equal(count_entries("."), 3);
	assert_int_equal(times_said, 0);
}

static void test_no_pattern(void **state)
{
	unsigned int entries = count_entries(".");

	(void)state;
	stats_file_write("");
	stats_file_write_last("");
	assert_int_equal(count_entries("."), entries);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *format;
	} cases[] = {
		{ "a.%p", "a.%1$d" },
		{ "%p", "%1$d" },
		{ "%p%p.b", "%1$d%1$d.b" },
		{ "c%%p", "c%%p" },
		{ "d%%%p", "d%%%1$d" },
		{ "e%", "e%%" },
		{ "f%x", "f%%x" },
		{ "./g", "g" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[64];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(name, sizeof(name), cases[i].format, (int)getpid());
#pragma GCC diagnostic pop
		stats_file_write(cases[i].pattern);
		assert_true(load(name));
		assert_int_equal(unlink(name), 0);
	}
}

/* Who has the old file open keeps the old text. */
static void test_replace(void **state)
{
	char start[8] = "";
	int fd;

	(void)state;
	fd = open("old", O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "old text", 8), 8);
	stats_file_write("old");
	assert_int_equal(pread(fd, start, 8, 0), 8);
	assert_memory_equal(start, "old text", 8);
	close(fd);
	assert_true(load("old"));
	assert_true(is_whole());
}

/* What lies about under the temporary name is not written through. */
static void test_planted_link(void **state)
{
	char name[64];
	FILE *f = fopen("victim", "w");

	(void)state;
	fputs("precious", f);
	fclose(f);
	snprintf(name, sizeof(name), "planted.%d.tmp", (int)getpid());
	assert_int_equal(symlink("victim", name), 0);
	stats_file_write("planted");
	assert_true(load("victim"));
	assert_string_equal(text, "precious");
	assert_true(load("planted"));
	assert_true(is_whole());
}

static void fail_once(void)
{
	char name[600];

	errno = 4242;
	stats_file_write("missing/x");
	CHECK(times_said == 1);
	CHECK(strstr(said, "missing/x"));
	stats_file_write("missing/x");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	stats_file_write(name);
	CHECK(times_said == 1);
	CHECK(errno == 4242);
	/* It is not given up. */
	CHECK(mkdir("missing", 0700) == 0);
	stats_file_write("missing/x");
	CHECK(load("missing/x") && is_whole());
}

static void fail_without_descriptors(void)
{
	struct rlimit lim = { 0, 0 };

	CHECK(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	stats_file_write("nofile");
	CHECK(times_said == 1);
	CHECK(access("nofile", F_OK) < 0);
}

/* The kernel would end the program with SIGXFSZ. */
static void fail_under_size_limit(void)
{
	struct rlimit lim = { 4096, 4096 };

	CHECK(setrlimit(RLIMIT_FSIZE, &lim) == 0);
	stats_file_write("toobig");
	CHECK(times_said == 1);
	CHECK(access("toobig", F_OK) < 0);
}

static void fail_to_rename(void)
{
	unsigned int entries = count_entries(".");

	CHECK(mkdir("isfolder", 0700) == 0);
	entries++;
	stats_file_write("isfolder");
	CHECK(times_said == 1);
	CHECK(count_entries(".") == entries);
}

static void test_failures(void **state)
{
	(void)state;
	in_child(fail_once);
	in_child(fail_without_descriptors);
	in_child(fail_under_size_limit);
	in_child(fail_to_rename);
}

static int stop_threads;

static void *write_often(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop_threads, __ATOMIC_RELAXED))
		stats_file_write("busy");
	return NULL;
}

static void start_threads(pthread_t threads[], int n)
{
	__atomic_store_n(&stop_threads, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_often,
						NULL),
				 0);
}

static void join_threads(pthread_t threads[], int n)
{
	__atomic_store_n(&stop_threads, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void test_readers_see_whole_files(void **state)
{
	pthread_t threads[3];

	(void)state;
	stats_file_write("busy");
	start_threads(threads, 3);
	for (int i = 0; i < 200; i++) {
		assert_true(load("busy"));
		assert_true(is_whole());
	}
	join_threads(threads, 3);
	assert_int_equal(times_said, 0);
}

/* The last writing waits for the one under way, and no other comes after. */
static void write_last(void)
{
	pthread_t threads[3];

	start_threads(threads, 3);
	usleep(2000);
	stats_file_write_last("last");
	CHECK(load("last") && is_whole());
	stats_file_write("later");
	CHECK(access("later", F_OK) < 0);
	join_threads(threads, 3);
	/* A child begins anew. */
	in_child(write_from_child);
}

static void test_last(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		in_child(write_last);
}

/* A child of a process in which another thread was writing can write, too. */
static void test_fork(void **state)
{
	pthread_t threads[1];

	(void)state;
	start_threads(threads, 1);
	for (int i = 0; i < 50; i++)
		in_child(write_from_child);
	join_threads(threads, 1);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals = 1;
	stats_file_write("nested");
}

/* A signal handler that interrupts the writing. */
static void test_nested(void **state)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 150 }, { 0, 150 } };
	struct itimerval off = { 0 };

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < 200; i++)
		stats_file_write("outer");
	setitimer(ITIMER_REAL, &off, NULL);
	assert_true(load("outer"));
	assert_true(is_whole());
	assert_true(signals > 0);
	/* Nearly all of them found the file busy. */
	assert_true(!load("nested") || is_whole());
	assert_int_equal(times_said, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_no_pattern),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_planted_link),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_readers_see_whole_files),
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_nested),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
