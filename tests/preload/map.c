/* SPDX-License-Identifier: MIT */
/*
 * Mappings whose pages come from the program (pagoda/map.h):
 *
 *   contents     every page is asked for once and stays what it became;
 *   dropped      MADV_DONTNEED has a page asked for again, MADV_POPULATE_WRITE
 *                asks ahead, mlock brings all;
 *   syscalls     the kernel's own accesses wait for the pager, too;
 *   unmap        whole, head, tail, middle; what the owner is told; what is left
 *                behind is not accessible;
 *   failing      an operation that fails is a SIGBUS and a message, not a hang;
 *   arguments    every refusal, with its errno;
 *   threads      64 threads fault on the same pages;
 *   unmapping    threads fault while others unmap: SIGSEGV at worst, no hang;
 *   fork         children do without, and may make their own, while 32 threads
 *                fault in the parent;
 *   spawn        vfork and posix_spawn while pages are missing;
 *   descriptors  none is ours, and none that is closed or replaced matters;
 *   user         without privilege: refused, or not for system calls;
 *   refused      userfaultfd answered with EPERM by seccomp;
 *   quiet        no thread in quiet mode;
 *   killed       a process that dies with faults under way leaves nothing behind.
 */
#include "hostile.h"

#include <setjmp.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGODA_OPTIONAL
#include <pagoda/map.h>

enum { PAGE = 4096 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- a pager that knows what belongs where ------------------------------ */

struct table {
	uint64_t key;
	_Atomic size_t faults, pages, opened, closed_bytes, released;
	_Atomic int fail_with; /* 0 or an errno value */
	_Atomic size_t slow_us;
	/* Of the last close(). */
	size_t closed_offset, closed_size;
};

static int table_fault(void *data, const struct pagoda_vm_fault *vmf)
{
	struct table *t = data;
	char *buf = vmf->buf;
	size_t i;

	t->faults++;
	t->pages += vmf->size / PAGE;
	if (t->slow_us)
		usleep((useconds_t)t->slow_us);
	if (t->fail_with)
		return -t->fail_with;
	for (i = 0; i < vmf->size; i += PAGE)
		fill_key(buf + i, PAGE, t->key + (vmf->offset + i) / PAGE);
	return 0;
}

static void table_open(void *data, void *addr, size_t size)
{
	struct table *t = data;

	CHECK(addr && size && size % PAGE == 0);
	t->opened++;
}

static void table_close(void *data, size_t offset, size_t size)
{
	struct table *t = data;

	t->closed_bytes += size;
	t->closed_offset = offset;
	t->closed_size = size;
}

static void table_release(void *data)
{
	((struct table *)data)->released++;
}

static const struct pagoda_vm_operations page_ops = {
	.fault = table_fault,
	.open = table_open,
	.close = table_close,
	.release = table_release,
};

static const struct pagoda_vm_operations block_ops = {
	.fault = table_fault,
	.block_size = 16 * PAGE,
};

static void need_map(void)
{
	struct table t = {0};
	void *p;

	if (!pagoda_map)
		test_skip("no library that has pagoda_map()");
	p = pagoda_map(PAGE, &page_ops, &t, 0);
	if (!p && (errno == EPERM || errno == ENOSYS))
		test_skip("no userfaultfd for kernel faults: %s",
			  strerror(errno));
	CHECK(p);
	CHECK(!pagoda_unmap(p, PAGE));
	CHECK(t.opened == 1 && t.released == 1 && t.closed_bytes == PAGE);
}

static bool page_ok(const struct table *t, const char *map, size_t page)
{
	return check_key(map + page * PAGE, PAGE, t->key + page);
}

/* ---- accesses that may be refused ---------------------------------------- */

static __thread sigjmp_buf jump;
static __thread volatile sig_atomic_t armed;

static void on_fault(int sig)
{
	if (!armed) {
		signal(sig, SIG_DFL);
		return;
	}
	armed = 0;
	siglongjmp(jump, sig);
}

/* Return: 0, or the signal that touching @p raised. */
static int touch(const volatile char *p)
{
	int sig = sigsetjmp(jump, 1);

	if (sig)
		return sig;
	armed = 1;
	(void)*p;
	armed = 0;
	return 0;
}

static int poke(volatile char *p)
{
	int sig = sigsetjmp(jump, 1);

	if (sig)
		return sig;
	armed = 1;
	*p = *p;
	armed = 0;
	return 0;
}

static void catch_faults(void)
{
	struct sigaction action = {.sa_handler = on_fault};

	CHECK(!sigaction(SIGSEGV, &action, NULL));
	CHECK(!sigaction(SIGBUS, &action, NULL));
}

/* ---- cases ---------------------------------------------------------------- */

static void contents(void)
{
	enum { PAGES = 2000 };
	struct table t = {.key = 1000}, b = {.key = 5000};
	struct rng r = rng_for(1);
	char *p, *q;
	size_t i;

	need_map();
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	q = pagoda_map(PAGES * PAGE - 100, &block_ops, &b, 0);
	CHECK(p && q && t.opened == 1);
	CHECK((uintptr_t)p % PAGE == 0 && (uintptr_t)q % (16 * PAGE) == 0);
	for (i = 0; i < 500; i++) {
		size_t page = rng_below(&r, PAGES);

		CHECK(page_ok(&t, p, page));
		CHECK(page_ok(&b, q, page));
	}
	for (i = 0; i < PAGES; i++) {
		CHECK(page_ok(&t, p, i));
		CHECK(page_ok(&b, q, i));
	}
	CHECK_MSG(t.faults == PAGES, "%zu faults", (size_t)t.faults);
	CHECK_MSG(b.faults == PAGES / 16, "%zu faults", (size_t)b.faults);
	CHECK(b.pages == PAGES);
	/* What the program writes stays. */
	memset(p, 'x', PAGES * PAGE / 2);
	CHECK(p[0] == 'x' && p[PAGES * PAGE / 2 - 1] == 'x');
	CHECK(page_ok(&t, p, PAGES / 2) && t.faults == PAGES);
	CHECK(!pagoda_unmap(p, PAGES * PAGE));
	CHECK(!pagoda_unmap(q, PAGES * PAGE));
	CHECK(t.released == 1 && t.closed_bytes == PAGES * PAGE);
}

static void dropped(void)
{
	enum { PAGES = 64 };
	struct table t = {.key = 7};
	char *p;

	need_map();
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p && page_ok(&t, p, 3) && t.faults == 1);
	memset(p + 3 * PAGE, 0, PAGE);
	CHECK(!madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED));
	CHECK(page_ok(&t, p, 3) && t.faults == 2);
	CHECK(!madvise(p, 10 * PAGE, MADV_POPULATE_WRITE));
	CHECK(t.faults == 11);
	CHECK(!mlock(p, PAGES * PAGE));
	CHECK(t.faults == PAGES + 1);
	CHECK(page_ok(&t, p, 0) && page_ok(&t, p, PAGES - 1));
	CHECK(t.faults == PAGES + 1);
	/* Also when it is locked. */
	CHECK(!pagoda_unmap(p, PAGES * PAGE) && t.released == 1);
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p && page_ok(&t, p, 5) && t.faults == PAGES + 2);
}

static void syscalls(void)
{
	enum { PAGES = 64 };
	struct table t = {.key = 99};
	static char copy[8 * PAGE];
	struct iovec local = {copy, sizeof(copy)}, remote;
	char *p;
	int fds[2];

	need_map();
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p && !socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	/* From missing pages. */
	CHECK(write(fds[0], p, 4 * PAGE) == 4 * PAGE && t.faults == 4);
	CHECK(read(fds[1], copy, 4 * PAGE) == 4 * PAGE);
	CHECK(check_key(copy + PAGE, PAGE, t.key + 1));
	/* To missing pages: what is not written comes from the pager. */
	CHECK(write(fds[0], "hello", 5) == 5);
	CHECK(read(fds[1], p + 10 * PAGE + 8, 5) == 5);
	CHECK(!memcmp(p + 10 * PAGE + 8, "hello", 5));
	CHECK(check_key(p + 10 * PAGE, 8, t.key + 10));
	remote = (struct iovec){p + 20 * PAGE, sizeof(copy)};
	CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	      sizeof(copy));
	CHECK(check_key(copy + 7 * PAGE, PAGE, t.key + 27));
	/* A path, and a futex. */
	CHECK(access(p + 40 * PAGE, F_OK) < 0 && errno != EFAULT);
	CHECK(syscall(SYS_futex, p + 50 * PAGE, 0, 1, NULL, NULL, 0) < 0);
	CHECK_MSG(errno == EAGAIN, "futex: %s", strerror(errno));
}

static void unmap(void)
{
	enum { PAGES = 64 };
	struct table t = {.key = 3}, b = {.key = 4};
	char *p, *q;

	need_map();
	catch_faults();
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p && page_ok(&t, p, 0) && page_ok(&t, p, PAGES - 1));
	/* Nothing lies behind a mapping. */
	CHECK(touch(p + PAGES * PAGE) == SIGSEGV);
	/* Middle, head, tail; a hole counts as done. */
	CHECK(!pagoda_unmap(p + 10 * PAGE, 5 * PAGE));
	CHECK(t.closed_offset == 10 * PAGE && t.closed_size == 5 * PAGE);
	CHECK(touch(p + 9 * PAGE) == 0 && touch(p + 15 * PAGE) == 0);
	CHECK(touch(p + 10 * PAGE) == SIGSEGV &&
	      touch(p + 15 * PAGE - 1) == SIGSEGV);
	CHECK(page_ok(&t, p, 15) && page_ok(&t, p, 9));
	CHECK(!pagoda_unmap(p, 12 * PAGE));
	CHECK(t.closed_bytes == 15 * PAGE && !t.released);
	CHECK(!pagoda_unmap(p + 60 * PAGE, 4 * PAGE - 5));
	CHECK(touch(p + 60 * PAGE) == SIGSEGV && touch(p + 59 * PAGE) == 0);
	CHECK(page_ok(&t, p, 59) && !t.released);
	/* Several mappings at once. */
	q = pagoda_map(PAGES * PAGE, &block_ops, &b, 0);
	CHECK(q && touch(q + 20 * PAGE) == 0 && b.pages == 16);
	/* A block is cut where its area ends. */
	CHECK(!pagoda_unmap(q + 40 * PAGE, 2 * PAGE));
	CHECK(page_ok(&b, q, 44) && b.pages == 16 + 6);
	CHECK(page_ok(&b, q, 33) && b.pages == 16 + 6 + 8);
	if (p < q)
		CHECK(!pagoda_unmap(p, (size_t)(q - p) + PAGES * PAGE));
	else
		CHECK(!pagoda_unmap(q, (size_t)(p - q) + PAGES * PAGE));
	CHECK(t.released == 1 && t.closed_bytes == PAGES * PAGE);
	CHECK(touch(p + 20 * PAGE) == SIGSEGV && touch(q) == SIGSEGV);
	/* Read-only ones. */
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, PAGODA_MAP_READONLY);
	CHECK(p && page_ok(&t, p, 30) && poke(p + 30 * PAGE) == SIGSEGV);
	CHECK(poke(p + 31 * PAGE) == SIGSEGV);
}

/* What the library says on standard error, as the program has it now. */
static void message_of(char *p, char *text, size_t size)
{
	int fds[2], kept = dup(2);
	ssize_t n;

	CHECK(kept >= 0 && !pipe(fds) && dup2(fds[1], 2) == 2);
	CHECK(touch(p) == SIGBUS);
	CHECK(dup2(kept, 2) == 2 && !close(kept) && !close(fds[1]));
	n = read(fds[0], text, size - 1);
	CHECK(n > 0 && !close(fds[0]));
	text[n] = '\0';
}

static void failing(void)
{
	enum { PAGES = 64 };
	struct table t = {.key = 3};
	char text[256];
	int pipe_fds[2];
	char *p;

	need_map();
	catch_faults();
	p = pagoda_map(PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p && page_ok(&t, p, 1));
	t.fail_with = EIO;
	message_of(p + 2 * PAGE, text, sizeof(text));
	CHECK_MSG(strstr(text, "pager failed at offset 8192 with error 5"),
		  "said: %s", text);
	CHECK(t.faults == 2);
	CHECK(poke(p + 2 * PAGE) == SIGBUS && t.faults == 2);
	CHECK(!pipe(pipe_fds));
	CHECK(write(pipe_fds[1], p + 2 * PAGE, 10) < 0 && errno == EFAULT);
	CHECK(write(pipe_fds[1], p + 3 * PAGE, 10) < 0 && errno == EFAULT);
	t.fail_with = 0;
	CHECK(page_ok(&t, p, 1) && page_ok(&t, p, 4));
	CHECK(touch(p + 2 * PAGE) == SIGBUS);
	/* Dropped, it is asked for again. */
	CHECK(!madvise(p, PAGES * PAGE, MADV_DONTNEED));
	CHECK(page_ok(&t, p, 2) && page_ok(&t, p, 3));
	t.fail_with = EIO;
	CHECK(touch(p + 20 * PAGE) == SIGBUS);
	CHECK(!pagoda_unmap(p, PAGES * PAGE));
	t.fail_with = 0;
	/* The same addresses, without what was wrong with them. */
	CHECK(pagoda_map(PAGES * PAGE, &page_ops, &t, 0) == p);
	CHECK(page_ok(&t, p, 20));
}

static void *nested_map;

/* Maps and unmaps from the pager, and tries what it must not. */
static int nesting_fault(void *data, const struct pagoda_vm_fault *vmf)
{
	struct table other = {0};
	void *block = malloc(100000);
	char *p = pagoda_map(3 * PAGE, &page_ops, &other, 0);
	sigset_t mask;

	(void)data;
	CHECK(block && p && other.opened == 1);
	CHECK(!pagoda_unmap(p, 3 * PAGE) && other.released == 1);
	CHECK(pagoda_unmap(nested_map, PAGE) < 0 && errno == EDEADLK);
	free(block);
	CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &mask));
	CHECK(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGALRM));
	memset(vmf->buf, 'n', vmf->size);
	return 0;
}

static void arguments(void)
{
	static const struct pagoda_vm_operations
		none = {0},
		odd = {.fault = table_fault, .block_size = 3 * PAGE},
		tiny = {.fault = table_fault, .block_size = 512},
		huge = {.fault = table_fault, .block_size = (size_t)1 << 22},
		most = {.fault = table_fault,
			.block_size = PAGODA_MAP_MAX_BLOCK},
		nesting = {.fault = nesting_fault};
	struct table t = {.key = 1};
	char *p;

	need_map();
#define REFUSED(error, ...)                                                    \
	do {                                                                   \
		errno = 0;                                                     \
		CHECK(!pagoda_map(__VA_ARGS__) && errno == (error));           \
	} while (0)
	REFUSED(EINVAL, 0, &page_ops, &t, 0);
	REFUSED(EINVAL, PAGE, NULL, &t, 0);
	REFUSED(EINVAL, PAGE, &none, &t, 0);
	REFUSED(EINVAL, PAGE, &odd, &t, 0);
	REFUSED(EINVAL, PAGE, &tiny, &t, 0);
	REFUSED(EINVAL, PAGE, &huge, &t, 0);
	REFUSED(EINVAL, PAGE, &page_ops, &t, 1u << 20);
	REFUSED(ENOMEM, SIZE_MAX, &page_ops, &t, 0);
	REFUSED(ENOMEM, SIZE_MAX / 2 - 1, &page_ops, &t, 0);
	REFUSED(ENOMEM, (size_t)1 << 46, &page_ops, &t, 0);
	CHECK(!t.opened && !t.released);
	p = pagoda_map(5 * PAGODA_MAP_MAX_BLOCK, &most, &t, 0);
	CHECK(p && (uintptr_t)p % PAGODA_MAP_MAX_BLOCK == 0);
	CHECK(page_ok(&t, p, 700) && t.pages == PAGODA_MAP_MAX_BLOCK / PAGE);
#define NOT_UNMAPPED(error, ...)                                               \
	do {                                                                   \
		errno = 0;                                                     \
		CHECK(pagoda_unmap(__VA_ARGS__) < 0 && errno == (error));      \
	} while (0)
	NOT_UNMAPPED(EINVAL, p, 0);
	NOT_UNMAPPED(EINVAL, p + 1, PAGE);
	NOT_UNMAPPED(EINVAL, p, SIZE_MAX);
	NOT_UNMAPPED(EINVAL, &t, PAGE);
	NOT_UNMAPPED(EINVAL, NULL, PAGE);
	CHECK(page_ok(&t, p, 701) && !pagoda_unmap(p, 5 * PAGODA_MAP_MAX_BLOCK));
	nested_map = p = pagoda_map(PAGE, &nesting, NULL, 0);
	CHECK(p && p[17] == 'n');
}

/* ---- many threads ---------------------------------------------------------- */

enum { SHARED_PAGES = 4096 };

static struct table shared = {.key = 12345};
static char *shared_map;
static _Atomic bool stop;

static void *sweep(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	size_t i, from = rng_below(&r, SHARED_PAGES);

	for (i = 0; i < SHARED_PAGES; i++)
		CHECK(page_ok(&shared, shared_map,
			      (from + i) % SHARED_PAGES));
	return NULL;
}

static void threads(void)
{
	enum { THREADS = 64 };
	pthread_t thread[THREADS];
	size_t i;

	need_map();
	shared_map = pagoda_map(SHARED_PAGES * PAGE, &block_ops, &shared, 0);
	CHECK(shared_map);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(sweep, (void *)i, 64 * KIB);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	/* A block may be filled again for one who came too late, but not often. */
	CHECK(shared.faults >= SHARED_PAGES / 16);
	CHECK_MSG(shared.faults < SHARED_PAGES / 2, "%zu faults",
		  (size_t)shared.faults);
}

static void *touch_all(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	while (!stop) {
		int sig = touch(shared_map +
				rng_below(&r, SHARED_PAGES) * PAGE);

		CHECK_MSG(sig == 0 || sig == SIGSEGV, "signal %d", sig);
	}
	return NULL;
}

static void unmapping(void)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	struct rng r = rng_for(50);
	double end = now() + 3;
	size_t rounds = 0, i;

	need_map();
	catch_faults();
	shared_map = pagoda_map(SHARED_PAGES * PAGE, &block_ops, &shared, 0);
	CHECK(shared_map);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(touch_all, (void *)i, 64 * KIB);
	while (now() < end) {
		for (i = 0; i < 20; i++)
			CHECK(!pagoda_unmap(
				shared_map + rng_below(&r, SHARED_PAGES) * PAGE,
				PAGE * (1 + rng_below(&r, 300)) %
						(SHARED_PAGES * PAGE) +
					PAGE));
		CHECK(!pagoda_unmap(shared_map, SHARED_PAGES * PAGE));
		/* Back at the same place: it is the lowest hole that fits. */
		CHECK(pagoda_map(SHARED_PAGES * PAGE, &block_ops, &shared, 0) ==
		      shared_map);
		rounds++;
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu rounds, %zu faults\n", rounds, (size_t)shared.faults);
	CHECK(rounds > 5 && shared.faults > 100);
}

/* ---- fork and spawn -------------------------------------------------------- */

static void *drop_and_touch(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	while (!stop) {
		size_t page = rng_below(&r, SHARED_PAGES);

		madvise(shared_map + page * PAGE, PAGE, MADV_DONTNEED);
		CHECK(page_ok(&shared, shared_map, page));
	}
	return NULL;
}

static void child_of_fork(void *arg)
{
	struct table mine = {.key = 77};
	size_t i = (size_t)arg;
	char *p;

	catch_faults();
	CHECK(touch(shared_map + i % SHARED_PAGES * PAGE) == SIGSEGV);
	free(malloc(100 + i));
	/* A thread for each child would only take longer. */
	if (i % 20)
		return;
	p = pagoda_map(100 * PAGE, &page_ops, &mine, 0);
	CHECK(p && page_ok(&mine, p, 55) && mine.faults == 1);
	CHECK(!pagoda_unmap(p, 100 * PAGE) && mine.released == 1);
}

static void forks(void)
{
	enum { THREADS = 32, FORKS = 1000, LEAST = 100 };
	pthread_t thread[THREADS];
	/* Where page faults are dear, for a while. */
	double end = now() + 8;
	size_t i;

	need_map();
	shared_map = pagoda_map(SHARED_PAGES * PAGE, &page_ops, &shared, 0);
	CHECK(shared_map);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(drop_and_touch, (void *)i, 64 * KIB);
	for (i = 0; i < FORKS && (i < LEAST || now() < end); i++)
		in_child("forked child", 20, child_of_fork, (void *)i);
	stop = true;
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (i = 0; i < SHARED_PAGES; i++)
		CHECK(page_ok(&shared, shared_map, i));
}

static void spawns(void)
{
	char *argv[] = {(char *)"true", NULL};
	struct table t = {.key = 8};
	char *p;
	pid_t pid;
	int i;

	need_map();
	p = pagoda_map(SHARED_PAGES * PAGE, &page_ops, &t, 0);
	CHECK(p);
	for (i = 0; i < 50; i++) {
		/* The name's page is missing when the child asks for it. */
		CHECK(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				   environ));
		CHECK_STATUS(wait_for(pid), 0, "/bin/true");
		pid = vfork();
		if (!pid) {
			/* Shares the memory, and the pager. */
			_exit(page_ok(&t, p, (size_t)i) ? 0 : 3);
		}
		CHECK(pid > 0);
		CHECK_STATUS(wait_for(pid), 0, "vfork");
	}
	CHECK(t.faults == 50);
}

static void killed(void)
{
	int i;

	need_map();
	for (i = 0; i < 40; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			size_t j;

			watchdog(20);
			shared.slow_us = 100;
			shared_map = pagoda_map(SHARED_PAGES * PAGE, &page_ops,
						&shared, 0);
			CHECK(shared_map);
			for (j = 1; j < 8; j++)
				start_thread(sweep, (void *)j, 64 * KIB);
			sweep(NULL);
			_exit(0);
		}
		usleep((useconds_t)(i * 500));
		CHECK(!kill(pid, SIGKILL));
		wait_for(pid);
	}
}

/* ---- what the program does to descriptors and rights ----------------------- */

static char *described_map;

static void check_described(void *t, size_t step)
{
	CHECK(page_ok(t, described_map, step));
}

static void descriptors(void)
{
	size_t before = count_descriptors();
	struct table t = {.key = 8};

	need_map();
	described_map = pagoda_map(SHARED_PAGES * PAGE, &page_ops, &t, 0);
	CHECK(described_map && page_ok(&t, described_map, 5));
	CHECK(count_descriptors() == before);
	lose_descriptors(check_described, &t);
	CHECK(!pagoda_unmap(described_map, SHARED_PAGES * PAGE));
}

static void as_nobody(void *arg)
{
	static const int refusals[] = {EPERM, ENOSYS};
	struct table t = {.key = 8};
	int fds[2];
	char *p;

	(void)arg;
	CHECK(!geteuid() ? !setgid(65534) && !setuid(65534) : 1);
	catch_faults();
	p = pagoda_map(64 * PAGE, &page_ops, &t, 0);
	if (p) {
		printf("this system lets everyone have a userfaultfd\n");
		CHECK(page_ok(&t, p, 1));
		return;
	}
	CHECK(errno == refusals[0] || errno == refusals[1]);
	p = pagoda_map(64 * PAGE, &page_ops, &t, PAGODA_MAP_USER_FAULTS);
	if (!p) {
		CHECK(errno == refusals[0] || errno == refusals[1]);
		printf("not even for faults of the program itself\n");
		return;
	}
	CHECK(page_ok(&t, p, 1));
	CHECK(!pipe(fds));
	CHECK(write(fds[1], p + PAGE, 100) == 100);
	CHECK(write(fds[1], p + 2 * PAGE, 100) < 0 && errno == EFAULT);
	t.fail_with = EIO;
	CHECK(touch(p + 3 * PAGE) == SIGBUS);
	CHECK(!pagoda_unmap(p, 64 * PAGE));
	/* Asking for more than there is stays refused. */
	CHECK(!pagoda_map(PAGE, &page_ops, &t, 0) && errno == EPERM);
}

static void user(void)
{
	if (!pagoda_map)
		test_skip("no library that has pagoda_map()");
	in_child("as nobody", 20, as_nobody, NULL);
}

static void refused(void)
{
	struct table t = {.key = 8};
	int i;

	if (!pagoda_map)
		test_skip("no library that has pagoda_map()");
	refuse_calls(SYS_userfaultfd, SYS_openat);
	for (i = 0; i < 3; i++) {
		CHECK(!pagoda_map(PAGE, &page_ops, &t, 0) && errno == EPERM);
		CHECK(!pagoda_map(PAGE, &page_ops, &t, PAGODA_MAP_USER_FAULTS) &&
		      errno == EPERM);
	}
	CHECK(!t.opened && !t.released);
}

static void quiet_child(void)
{
	struct table t = {.key = 8};

	CHECK(!pagoda_map(PAGE, &page_ops, &t, PAGODA_MAP_USER_FAULTS));
	CHECK_MSG(errno == EPERM, "errno %d", errno);
}

static void be_quiet(void *arg)
{
	(void)arg;
	CHECK(!setenv("PAGODA_OPTIONS", "quiet=on", 1));
}

static void quiet(void)
{
	static const char *const args[] = {"quiet_child", NULL};
	static struct run run;

	if (!pagoda_map)
		test_skip("no library that has pagoda_map()");
	run_self(&run, RUN_STDERR, args, be_quiet, NULL);
	CHECK_STATUS(run.status, 0, run.text);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"contents", contents, 30},
		{"dropped", dropped, 30},
		{"syscalls", syscalls, 30},
		{"unmap", unmap, 30},
		{"failing", failing, 30},
		{"arguments", arguments, 30},
		{"threads", threads, 60},
		{"unmapping", unmapping, 60},
		{"fork", forks, 100},
		{"spawn", spawns, 60},
		{"killed", killed, 60},
		{"descriptors", descriptors, 30},
		{"user", user, 60},
		{"refused", refused, 30},
		{"quiet", quiet, 30},
		{"quiet_child", quiet_child, 30},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
