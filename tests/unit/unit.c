/* SPDX-License-Identifier: MIT */
/* unit.c - see unit.h. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "base/params.h"
#include "page_alloc/page_alloc.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "slab/slab.h"
#include "vmalloc/vmalloc.h"

enum { EXIT_SKIPPED = 77 };

static uint64_t seed = 20240607;

void unit_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s (seed %lu)\n", file, line, what,
		(unsigned long)seed);
	fflush(NULL);
	abort();
}

/* --- the runner --- */

static bool was_skipped;

/* cmocka counts a skipped test as a success: find out by a line of its own. */
static int run_one(const struct CMUnitTest *test)
{
	int failed = _cmocka_run_group_tests(test->name, test, 1, NULL, NULL);

	fflush(NULL);
	if (failed)
		return EXIT_FAILURE;
	return was_skipped ? EXIT_SKIPPED : EXIT_SUCCESS;
}

static int run_forked(const struct CMUnitTest *test)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return EXIT_FAILURE;
	}
	if (!pid)
		_exit(run_one(test));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "%s: ended by signal %d (seed %lu)\n", test->name,
		WTERMSIG(status), (unsigned long)seed);
	return EXIT_FAILURE;
}

int unit_main(int argc, char **argv, const struct CMUnitTest *tests, size_t nr)
{
	const char *text = getenv("PAGODA_TEST_SEED");
	unsigned int failed = 0, skipped = 0, run = 0;

	if (text)
		seed = strtoull(text, NULL, 0);
	for (size_t i = 0; i < nr; i++) {
		int ret;

		if (argc > 1 && !strstr(tests[i].name, argv[1]))
			continue;
		ret = run_forked(&tests[i]);
		run++;
		skipped += ret == EXIT_SKIPPED;
		if (ret != EXIT_SUCCESS && ret != EXIT_SKIPPED) {
			fprintf(stderr, "FAILED: %s\n", tests[i].name);
			failed++;
		}
	}
	printf("%u tests, %u failed, %u skipped\n", run, failed, skipped);
	if (failed || !run)
		return EXIT_FAILURE;
	return skipped == run ? EXIT_SKIPPED : EXIT_SUCCESS;
}

/* --- random numbers --- */

struct rng rng_seeded(uint64_t stream)
{
	struct rng r = { seed * 0x9e3779b97f4a7c15ull + stream };

	rng_next(&r);
	return r;
}

/* splitmix64 */
uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

size_t rng_below(struct rng *r, size_t n)
{
	return rng_next(r) % n;
}

size_t rng_log(struct rng *r, size_t max)
{
	unsigned int bits = 64u - (unsigned int)__builtin_clzll(max);
	size_t top = (size_t)1 << rng_below(r, bits);

	return top + rng_below(r, (2 * top <= max + 1 ? 2 * top : max + 1) - top);
}

/* --- death tests --- */

static size_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return len;
}

static void run_doomed(void (*fn)(void *arg), void *arg, int err)
{
	dup2(err, STDERR_FILENO);
	/* Not cmocka's: the child must not go on as a second runner. */
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	alarm(20);
	fn(arg);
	_exit(EXIT_SUCCESS);
}

static int run_child(void (*fn)(void *arg), void *arg, char *text, size_t size)
{
	int status, fds[2];
	pid_t pid;

	CHECK(pipe(fds) == 0);
	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		run_doomed(fn, arg, fds[1]);
	close(fds[1]);
	read_all(fds[0], text, size);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		CHECK(errno == EINTR);
	return status;
}

void expect_bug(void (*fn)(void *arg), void *arg, const char *want)
{
	char text[4096];
	int status = run_child(fn, arg, text, sizeof(text));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
	    !strstr(text, want))
		fail_msg("status 0x%x, expected SIGABRT and \"%s\", got \"%s\"",
			 (unsigned int)status, want, text);
}

void in_child(void (*fn)(void *arg), void *arg)
{
	char text[4096];
	int status = run_child(fn, arg, text, sizeof(text));

	if (status)
		fail_msg("the child ended with 0x%x: %s", (unsigned int)status,
			 text);
}

/* --- the library --- */

static void drain(void)
{
	slab_drain();
	vmalloc_release();
}

const struct reclaim_ops core_reclaim = {
	.shrink = slab_reap,
	.drain = drain,
	.count = slab_reclaimable,
	.make_up = vmalloc_make_up,
};

void core_start(const char *options)
{
	params_parse(options);
	control_init();
	CHECK(percpu_init() == 0);
	CHECK(slab_init() == 0);
	CHECK(page_alloc_init() == 0);
	page_alloc_set_reclaim(&core_reclaim);
}

void core_start_rseq(const char *options)
{
	if (!unit_has_tsan())
		core_start(options);
	if (percpu.mode != PERCPU_MODE_RSEQ)
		unit_skip("no restartable sequences here");
}

static void *pass_gate(void *unused)
{
	gate_enter();
	gate_leave();
	return unused;
}

void core_have_threads(void)
{
	pthread_t thread;

	pass_gate(NULL);
	CHECK(pthread_create(&thread, NULL, pass_gate, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

bool pages_are_zero(const void *p, size_t nr)
{
	const char *c = p;

	return !*c && !memcmp(c, c + 1, (nr << PAGE_SHIFT) - 1);
}

bool kernel_has_huge_pages(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char text[64] = "";

	if (!f)
		return false;
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	return !strstr(text, "[never]");
}

size_t resident_pages(void *p, size_t nr)
{
	static unsigned char vec[1 << 20];
	size_t sum = 0;

	CHECK(nr <= sizeof(vec));
	CHECK(mincore(p, nr << PAGE_SHIFT, vec) == 0);
	for (size_t i = 0; i < nr; i++)
		sum += vec[i] & 1;
	return sum;
}

struct kmem_cache *create_cache(const char *name, size_t size, size_t align,
				unsigned int flags, void (*ctor)(void *obj))
{
	struct kmem_cache *c = NULL;

	return kmem_cache_create(&c, name, size, align, flags, ctor) ? NULL : c;
}

void unit_skip(const char *why)
{
	printf("skipped: %s\n", why);
	was_skipped = true;
	skip();
	abort();
}

bool unit_has_tsan(void)
{
#ifdef __SANITIZE_THREAD__
	return true;
#elif defined(__has_feature)
	return __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

bool unit_is_slow(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || unit_has_tsan();
#else
	return unit_has_tsan();
#endif
}

unsigned int rounds(unsigned int n)
{
	return unit_is_slow() ? n / 8 + 1 : n;
}
