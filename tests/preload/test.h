/* SPDX-License-Identifier: MIT */
/*
 * What every test of the preloaded library shares: checks, a watchdog that
 * turns a deadlock into a failure, contents that can be verified, a seeded
 * generator, and ways to run the test program again in another setting.
 *
 * A failure is reported while the allocator may be broken or locked, so
 * nothing on the way from CHECK() to the exit allocates.
 *
 * The programs are linked against nothing of ours. Without LD_PRELOAD they
 * test glibc's own allocator, which is how a test is shown to be right.
 */
#ifndef PRELOAD_TEST_H
#define PRELOAD_TEST_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)
#define GIB ((size_t)1024 * 1024 * 1024)

/* How Meson reads "skipped"; the reason is on standard output. */
#define EXIT_SKIP 77

/* ---- reports ---------------------------------------------------------- */

__attribute__((noreturn, format(printf, 3, 4), unused)) static void
test_fail(const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list args;
	size_t used;

	used = (size_t)snprintf(text, sizeof(text), "%s:%d: ", file, line);
	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used - 1, format, args);
	va_end(args);
	used = strlen(text);
	text[used++] = '\n';
	if (write(STDERR_FILENO, text, used) < 0)
		_exit(2);
	/* Stop here for a debugger, with every thread where it is. */
	if (getenv("TEST_PAUSE"))
		pause();
	_exit(1);
}

#define CHECK(condition)                                                       \
	((condition) ?                                                         \
		 (void)0 :                                                     \
		 test_fail(__FILE__, __LINE__, "CHECK(%s) failed, errno %d",   \
			   #condition, errno))

#define CHECK_MSG(condition, ...)                                              \
	((condition) ? (void)0 : test_fail(__FILE__, __LINE__, __VA_ARGS__))

__attribute__((noreturn, format(printf, 1, 2), unused)) static void
test_skip(const char *format, ...)
{
	va_list args;

	printf("skipped: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(EXIT_SKIP);
}

static void watchdog_bark(int sig)
{
	static const char text[] = "watchdog: stuck, a deadlock?\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	if (getenv("TEST_PAUSE"))
		pause();
	_exit(1);
}

/* Fail unless called again, or finished, within three times the @seconds that suffice on
 * most machines. Not inherited by fork(): a child sets its own. */
__attribute__((unused)) static void watchdog(unsigned int seconds)
{
	enum { SLOWER = 3 };
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = watchdog_bark;
	CHECK(!sigaction(SIGALRM, &action, NULL));
	alarm(SLOWER * seconds);
}

/* ---- values the compiler must not see through ------------------------- */

/* Sizes that no allocation can have draw warnings when they are constants. */
static inline size_t opaque(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

/* A dangling or invented pointer that a test uses on purpose. */
static inline void *opaque_pointer(void *p)
{
	__asm__ volatile("" : "+r"(p));
	return p;
}

/* ---- random numbers --------------------------------------------------- */

struct rng {
	uint64_t state;
};

static inline uint64_t mix64(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline uint64_t rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return mix64(r->state);
}

/* Uniform in 0 .. @bound - 1. */
static inline size_t rng_below(struct rng *r, size_t bound)
{
	return (size_t)(rng_next(r) % bound);
}

/* Log-uniform in 1 .. @most: as many small sizes as large ones. */
static inline size_t rng_size(struct rng *r, size_t most)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(most);
	size_t top = (size_t)1 << rng_below(r, bits);
	size_t n = top + rng_below(r, top);

	return n > most ? most : n;
}

/* TEST_SEED=N repeats a failed run as far as threads allow. */
__attribute__((unused)) static uint64_t test_seed(void)
{
	const char *text = getenv("TEST_SEED");

	return text ? strtoull(text, NULL, 0) : 20240607;
}

static inline struct rng rng_for(uint64_t thread)
{
	struct rng r = {mix64(test_seed()) + mix64(thread + 1)};

	return r;
}

/* ---- contents --------------------------------------------------------- */

/*
 * Word i of a block with key k is a function of both, so that a block's prefix
 * can be checked after realloc() moved or cut it, and a word that belongs to
 * another block, or to another place of this one, is seen.
 */
static inline uint64_t pattern_word(uint64_t key, size_t i)
{
	return (key ^ 0xa5a5a5a5a5a5a5a5u) * (2 * (uint64_t)i + 1) + i;
}

static inline void fill_key(void *block, size_t n, uint64_t key)
{
	unsigned char *p = (unsigned char *)block;
	uint64_t word;
	size_t i;

	for (i = 0; i < n / 8; i++) {
		word = pattern_word(key, i);
		memcpy(p + 8 * i, &word, 8);
	}
	word = pattern_word(key, i);
	memcpy(p + 8 * i, &word, n % 8);
}

static inline bool check_key(const void *block, size_t n, uint64_t key)
{
	const unsigned char *p = (const unsigned char *)block;
	uint64_t word, wrong = 0;
	size_t i;

	for (i = 0; i < n / 8; i++) {
		memcpy(&word, p + 8 * i, 8);
		wrong |= word ^ pattern_word(key, i);
	}
	word = pattern_word(key, i);
	return !wrong && !memcmp(p + 8 * i, &word, n % 8);
}

/* The key of a block that stays where it is. */
static inline uint64_t key_of(const void *block, size_t n)
{
	return mix64((uint64_t)(uintptr_t)block + n * 0x9e3779b97f4a7c15u);
}

static inline void fill(void *block, size_t n)
{
	fill_key(block, n, key_of(block, n));
}

static inline bool check_fill(const void *block, size_t n)
{
	return check_key(block, n, key_of(block, n));
}

static inline bool all_zero(const void *block, size_t n)
{
	const unsigned char *p = (const unsigned char *)block;

	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

/* ---- the process ------------------------------------------------------ */

/*
 * Read a small file of /proc without stdio, which would allocate.
 * Return: its length, or -1; @text is always terminated.
 */
__attribute__((unused)) static ssize_t read_text(const char *path, char *text,
						 size_t size)
{
	size_t used = 0;
	ssize_t n = 1;
	int fd;

	text[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (n > 0 && used < size - 1) {
		n = read(fd, text + used, size - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	text[used] = '\0';
	return (ssize_t)used;
}

/* A "Name:  123 kB" line of /proc/self/status, -1 if there is none. */
__attribute__((unused)) static long status_kib(const char *name)
{
	static char text[8192];
	const char *line;

	read_text("/proc/self/status", text, sizeof(text));
	line = strstr(text, name);
	return line ? strtol(line + strlen(name) + 1, NULL, 10) : -1;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The file that @symbol comes from, as the loader resolved it. */
__attribute__((unused)) static const char *symbol_file(const char *symbol)
{
	void *address = dlsym(RTLD_DEFAULT, symbol);
	Dl_info info;

	if (!address || !dladdr(address, &info))
		return "";
	return info.dli_fname;
}

/* Whether the loader was asked to preload anything. */
static inline bool preloaded(void)
{
	const char *path = getenv("LD_PRELOAD");

	return path && *path;
}

/*
 * To be called first: a library that the loader could not preload is ignored
 * with a message, and the test would pass on glibc's allocator.
 */
__attribute__((unused)) static void test_begin(unsigned int seconds)
{
	static char buffer[4096];

	/* So that what a failing test said before is not lost. */
	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	watchdog(seconds);
	if (preloaded())
		CHECK_MSG(strstr(getenv("LD_PRELOAD"), symbol_file("malloc")),
			  "malloc comes from %s", symbol_file("malloc"));
	else
		printf("no LD_PRELOAD: this tests glibc's own malloc\n");
	fflush(stdout);
}

/* ---- children --------------------------------------------------------- */

/* Fail, saying how the child ended, unless it ended with @code. */
#define CHECK_STATUS(status, code, what)                                       \
	do {                                                                   \
		int status_ = (status);                                        \
		CHECK_MSG(!WIFSIGNALED(status_), "%s: killed by signal %d",    \
			  what, WTERMSIG(status_));                            \
		CHECK_MSG(WEXITSTATUS(status_) == (code),                      \
			  "%s: exit status %d", what, WEXITSTATUS(status_));   \
	} while (0)

__attribute__((unused)) static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		CHECK(errno == EINTR);
	return status;
}

/* Run @body in a forked child and expect it to return. */
__attribute__((unused)) static void in_child(const char *what,
					     unsigned int seconds,
					     void (*body)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		watchdog(seconds);
		body(arg);
		fflush(NULL);
		_exit(0);
	}
	CHECK_STATUS(wait_for(pid), 0, what);
}

enum {
	RUN_PLAIN = 1,	/* without the preloaded library */
	RUN_STDERR = 2, /* standard error is captured, too */
};

struct run {
	int status;
	struct rusage usage;
	size_t length; /* of text, which is terminated */
	char text[1024 * 1024];
};

/*
 * Run this program again with @args (NULL at the end, the name not included)
 * and collect what it prints. @setup, if any, is called just before exec.
 */
__attribute__((unused)) static void run_self(struct run *run,
					     unsigned int flags,
					     const char *const *args,
					     void (*setup)(void *), void *arg)
{
	char *argv[16];
	size_t i;
	ssize_t n;
	int fds[2];
	pid_t pid;

	argv[0] = program_invocation_name;
	for (i = 1; i < ARRAY_SIZE(argv) - 1 && args[i - 1]; i++)
		argv[i] = strdup(args[i - 1]);
	argv[i] = NULL;
	fflush(NULL);
	CHECK(!pipe2(fds, O_CLOEXEC));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(dup2(fds[1], STDOUT_FILENO) >= 0);
		if (flags & RUN_STDERR)
			CHECK(dup2(fds[1], STDERR_FILENO) >= 0);
		if (flags & RUN_PLAIN)
			unsetenv("LD_PRELOAD");
		if (setup)
			setup(arg);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(fds[1]);
	run->length = 0;
	do {
		n = read(fds[0], run->text + run->length,
			 sizeof(run->text) - 1 - run->length);
		run->length += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	run->text[run->length] = '\0';
	close(fds[0]);
	CHECK(wait4(pid, &run->status, 0, &run->usage) == pid);
	while (i-- > 1)
		free(argv[i]);
}

/* ---- threads ---------------------------------------------------------- */

__attribute__((unused)) static pthread_t start_thread(void *(*body)(void *),
						      void *arg, size_t stack)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	CHECK(!pthread_attr_init(&attr));
	if (stack)
		CHECK(!pthread_attr_setstacksize(&attr, stack));
	error = pthread_create(&thread, &attr, body, arg);
	CHECK_MSG(!error, "pthread_create: %s", strerror(error));
	pthread_attr_destroy(&attr);
	return thread;
}

/*
 * Threads that begin together: who creates a thousand of them would not get far
 * while hundreds already run.
 */
static pthread_mutex_t start_line __attribute__((unused)) =
	PTHREAD_MUTEX_INITIALIZER;

__attribute__((unused)) static void hold_threads(void)
{
	CHECK(!pthread_mutex_lock(&start_line));
}

__attribute__((unused)) static void let_threads_go(void)
{
	CHECK(!pthread_mutex_unlock(&start_line));
}

__attribute__((unused)) static void wait_for_start(void)
{
	hold_threads();
	let_threads_go();
}

/* ---- one program, several cases --------------------------------------- */

struct test_case {
	const char *name;
	void (*run)(void);
	unsigned int seconds; /* for the watchdog */
};

/* Run the case that the command line names, or all of them. */
__attribute__((unused)) static int
run_cases(int argc, char **argv, const struct test_case *cases, size_t n)
{
	bool found = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name))
			continue;
		found = true;
		test_begin(cases[i].seconds);
		cases[i].run();
		printf("%s: ok\n", cases[i].name);
		fflush(stdout);
	}
	CHECK_MSG(found, "no such case: %s", argc > 1 ? argv[1] : "");
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif
