/* SPDX-License-Identifier: MIT */
/*
 * Proves lazy=on: large mappings of the program's own get their pages from what is
 * kept of earlier ones when they are touched, and nobody can tell but by the
 * counters.
 *
 *   forward      from one end to the other: zeros, and few faults for many pages;
 *   random       touched all over: handed back to the kernel, zeros as well;
 *   syscalls     the kernel itself misses the pages: read, write, futex, madvise,
 *                mlock, process_vm_readv from another process;
 *   changed      mprotect, mremap, MAP_FIXED, part of it unmapped, advice;
 *   changed_raw  the same by system calls that no wrapper sees;
 *   huge         more than a gigabyte, kept in parts;
 *   stacks       threads whose stacks are lazy call what takes our locks;
 *   threads      64 threads fault, change and unmap;
 *   handlers     signals every 100 us, whose handlers map and unmap;
 *   forks        up to 1,000 children of 32 faulting threads; each has zeros, and a pager;
 *   spawns       vfork, posix_spawn, a raw clone;
 *   killed       a process that dies with faults under way leaves nothing behind;
 *   descriptors  all of them closed, overwritten, forbidden; chroot;
 *   alone        unshare() and setns() find one thread;
 *   user         without privilege, and with userfaultfd refused: off, and it works;
 *   automatic    lazy=auto: nothing happens before the program has a pager.
 */
#include <pagoda/map.h>

#include "counted.h"
#include "hostile.h"
#include "workload.h"

#include <dirent.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

extern __typeof__(pagoda_map) pagoda_map __attribute__((weak));
extern __typeof__(pagoda_unmap) pagoda_unmap __attribute__((weak));

enum { PAGE = 4096, SIZE = 8 * 1024 * 1024, PAGES = SIZE / PAGE };

/* ---- mappings -------------------------------------------------------------- */

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Leave @size bytes of memory behind. */
static void leave(size_t size)
{
	char *p = map(size);

	memset(p, 0xee, size);
	CHECK(!munmap(p, size));
}

static bool is_lazy(void)
{
	char text[4096];

	CHECK(pagoda_proc_read("modes", text, sizeof(text)) > 0);
	return strstr(text, "\nlazy: on");
}

static void need_lazy(void)
{
	if (!pagoda_proc_read)
		test_skip("no library that fills mappings lazily");
	leave(SIZE);
	CHECK(!munmap(map(SIZE + PAGE), SIZE + PAGE));
	if (!is_lazy())
		test_skip("no userfaultfd for all faults");
}

/* A mapping whose pages all are missing, and the pager's. */
static char *map_lazy(size_t size)
{
	size_t before = counted("lazy_armed");
	char *p;
	int i;

	/* Of another size: what fits is used at once. */
	leave(12 * MIB);
	leave(3 * MIB);
	p = map(size);
	/* Memory that a size was slow to clear with is not kept for a while. */
	for (i = 0; i < 10000 && counted("lazy_armed") == before; i++) {
		CHECK(!munmap(p, size));
		leave(12 * MIB);
		p = map(size);
	}
	CHECK_MSG(counted("lazy_armed") > before, "%zu bytes are not armed",
		  size);
	return p;
}

static void check_zero(const char *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		CHECK_MSG(all_zero(p + i, PAGE), "page %zu holds old data",
			  i / PAGE);
}

/* Zeros at first, then what was written. */
static void use(char *p, size_t size, uint64_t key)
{
	size_t i;

	check_zero(p, size);
	for (i = 0; i < size; i += PAGE)
		fill_key(p + i, PAGE, key + i);
	for (i = 0; i < size; i += PAGE)
		CHECK(check_key(p + i, PAGE, key + i));
}

static size_t nr_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	size_t n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static sigjmp_buf jump;

static void on_fault(int sig)
{
	siglongjmp(jump, sig);
}

/* Return: 0, or the signal that writing to @p raised. */
static int poke(volatile char *p)
{
	int sig = sigsetjmp(jump, 1);

	if (!sig)
		*p = 1;
	return sig;
}

/* ---- touched by the program ------------------------------------------------ */

/* What smaps says of the mapping at @p: kB that came with faults. */
static size_t filled_kb(const char *p)
{
	static char text[65536];
	char line[64], *at;

	CHECK(pagoda_proc_read("smaps", text, sizeof(text)) > 0);
	snprintf(line, sizeof(line), "%lx-", (unsigned long)p);
	at = strstr(text, line);
	at = at ? strstr(at, "Filled:") : NULL;
	return at ? strtoul(at + strlen("Filled:"), NULL, 10) : 0;
}

static void forward(void)
{
	size_t faults, pages;
	char *p;

	need_lazy();
	faults = counted("lazy_fault");
	pages = counted("pgmove");
	p = map_lazy(SIZE);
	use(p, SIZE, 1);
	faults = counted("lazy_fault") - faults;
	pages = counted("pgmove") - pages;
	printf("%zu faults, %zu pages\n", faults, pages);
	CHECK(faults >= 4 && pages >= PAGES / 2);
	CHECK(pages / faults > 100);
	CHECK(filled_kb(p) >= SIZE / KIB / 2 && filled_kb(p) <= SIZE / KIB);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	use(p, SIZE, 2);
	CHECK(!munmap(p, SIZE));
}

static void touch_all_over(void)
{
	size_t back, faults, i;
	struct rng r = rng_for(3);
	char *p;

	need_lazy();
	back = counted("lazy_handed_back");
	p = map_lazy(64 * MIB);
	faults = counted("lazy_fault");
	for (i = 0; i < 500; i++) {
		size_t page = rng_below(&r, 64 * MIB / PAGE);

		if (all_zero(p + page * PAGE, PAGE))
			fill_key(p + page * PAGE, PAGE, page);
		CHECK(check_key(p + page * PAGE, PAGE, page));
	}
	CHECK(counted("lazy_handed_back") > back);
	CHECK(counted("lazy_fault") - faults < 30);
	CHECK(!munmap(p, 64 * MIB));
}

/* ---- touched by the kernel -------------------------------------------------- */

static void read_remotely(void *at)
{
	struct iovec there = {at, PAGE};
	char buf[PAGE];
	struct iovec here = {buf, PAGE};

	CHECK(process_vm_readv(getppid(), &here, 1, &there, 1, 0) == PAGE);
	CHECK(all_zero(buf, PAGE));
}

static void syscalls(void)
{
	char *p;
	int fds[2], zero = open("/dev/zero", O_RDONLY);

	need_lazy();
	CHECK(!prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) ||
	      errno == EINVAL);
	CHECK(zero >= 0 && !pipe(fds));
	p = map_lazy(SIZE);
	CHECK(write(fds[1], p + PAGE - 10, 20) == 20);
	CHECK(read(fds[0], p + 1000 * PAGE + 5, 20) == 20);
	CHECK(read(zero, p + MIB, 2 * MIB) == 2 * (ssize_t)MIB);
	CHECK(syscall(SYS_futex, p + 5 * MIB, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	CHECK(syscall(SYS_futex, p + 6 * MIB, FUTEX_WAIT, 1, NULL, NULL, 0) ==
		      -1 && errno == EAGAIN);
	in_child("process_vm_readv", 20, read_remotely, p + 7 * MIB);
	use(p, SIZE, 4);
	CHECK(!munmap(p, SIZE));

	p = map_lazy(SIZE);
	CHECK(!madvise(p, MIB, MADV_POPULATE_READ));
	CHECK(!madvise(p + MIB, MIB, MADV_POPULATE_WRITE));
	CHECK(!madvise(p + 2 * MIB, MIB, MADV_WILLNEED));
	CHECK(!madvise(p + 3 * MIB, MIB, MADV_FREE));
	CHECK(!mlock(p + 4 * MIB, 64 * KIB));
	CHECK(!munlock(p, SIZE));
	use(p, SIZE, 5);
	CHECK(!munmap(p, SIZE));
	close(zero);
	close(fds[0]);
	close(fds[1]);
}

/* ---- changed ---------------------------------------------------------------- */

static long raw_mprotect(void *p, size_t size, int prot)
{
	return syscall(SYS_mprotect, p, size, prot);
}

static long wrapped_mprotect(void *p, size_t size, int prot)
{
	return mprotect(p, size, prot);
}

static long raw_munmap(void *p, size_t size)
{
	return syscall(SYS_munmap, p, size);
}

static long wrapped_munmap(void *p, size_t size)
{
	return munmap(p, size);
}

static void *raw_mremap(void *p, size_t old, size_t size, int flags)
{
	return (void *)syscall(SYS_mremap, p, old, size, flags);
}

static void *wrapped_mremap(void *p, size_t old, size_t size, int flags)
{
	return mremap(p, old, size, flags);
}

struct calls {
	long (*protect)(void *p, size_t size, int prot);
	long (*unmap)(void *p, size_t size);
	void *(*remap)(void *p, size_t old, size_t size, int flags);
};

static void change(const struct calls *c)
{
	char *p, *q;

	signal(SIGSEGV, on_fault);
	/* Protections, before and after it was touched. */
	p = map_lazy(SIZE);
	CHECK(!c->protect(p + MIB, MIB, PROT_READ));
	CHECK(!c->protect(p + 3 * MIB, MIB, PROT_NONE));
	p[0] = 1;
	check_zero(p + MIB, MIB);
	CHECK(poke(p + MIB) == SIGSEGV && poke(p + 3 * MIB) == SIGSEGV);
	CHECK(!c->protect(p, SIZE, PROT_READ | PROT_WRITE));
	p[0] = 0;
	use(p, SIZE, 6);
	CHECK(!c->unmap(p, SIZE));

	/* Moved, grown, cut. */
	p = map_lazy(SIZE);
	p[0] = 7;
	q = c->remap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q[0] == 7);
	q[0] = 0;
	use(q, 2 * SIZE, 8);
	q = c->remap(q, 2 * SIZE, SIZE, 0);
	CHECK(q != MAP_FAILED && check_key(q, PAGE, 8));
	CHECK(!c->unmap(q, SIZE));

	/* A hole, and something else in it. */
	p = map_lazy(SIZE);
	p[0] = 0;
	CHECK(!c->unmap(p + MIB, MIB));
	CHECK(poke(p + MIB) == SIGSEGV);
	CHECK(mmap(p + MIB, MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + MIB);
	CHECK(mmap(p + 3 * MIB, MIB, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      p + 3 * MIB);
	use(p, SIZE, 9);
	CHECK(!c->unmap(p, SIZE));
	CHECK(poke(p) == SIGSEGV);
	signal(SIGSEGV, SIG_DFL);
}

static void changed(void)
{
	static const struct calls calls = {wrapped_mprotect, wrapped_munmap,
					   wrapped_mremap};

	need_lazy();
	change(&calls);
}

static void changed_raw(void)
{
	static const struct calls calls = {raw_mprotect, raw_munmap,
					   raw_mremap};

	need_lazy();
	change(&calls);
}

static void huge(void)
{
	size_t size = GIB + 3 * MIB, kept, i;
	char *p;

	need_lazy();
	kept = counted("mmap_kept");
	for (i = 0; i < 3; i++) {
		p = map(size);
		check_zero(p, 200 * MIB);
		memset(p, 1, 200 * MIB);
		check_zero(p + GIB, 3 * MIB);
		CHECK(!munmap(p, size));
	}
	CHECK(counted("mmap_kept") >= kept + 2);
	CHECK(counted("lazy_armed") >= 2);
}

/* ---- threads, handlers ------------------------------------------------------- */

static _Atomic bool stop;

/* Deeper than what is resident, and there it takes our locks. */
static void deep(int depth)
{
	volatile char frame[8 * KIB];

	frame[0] = (char)depth;
	if (depth) {
		deep(depth - 1);
	} else {
		char *p = map(MIB);

		p[0] = 1;
		CHECK(!mprotect(p, PAGE, PROT_READ));
		CHECK(!munmap(p, MIB));
		free(malloc(3 * MIB));
	}
	CHECK(frame[0] == (char)depth);
}

static void *go_deep(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 60; i++)
		deep(i);
	return NULL;
}

static void stacks(void)
{
	enum { THREADS = 8, STACK = 1024 * 1024 };
	pthread_t thread[THREADS];
	int round, i;

	need_lazy();
	for (round = 0; round < 10; round++) {
		char *stacks = map_lazy(SIZE);

		for (i = 0; i < THREADS; i++) {
			pthread_attr_t attr;

			CHECK(!pthread_attr_init(&attr));
			CHECK(!pthread_attr_setstack(&attr, stacks + i * STACK,
						     STACK));
			CHECK(!pthread_create(&thread[i], &attr, go_deep, NULL));
			pthread_attr_destroy(&attr);
		}
		for (i = 0; i < THREADS; i++)
			CHECK(!pthread_join(thread[i], NULL));
		CHECK(!munmap(stacks, SIZE));
	}
}

static char *shared_map;

static void *fault_and_map(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	double end = now() + 3;

	while (now() < end) {
		size_t size = (1 + rng_below(&r, 200)) * 64 * KIB, i;
		char *p = map(size);

		if (rng_below(&r, 2))
			use(p, size, size);
		for (i = 0; i < 20; i++)
			CHECK(all_zero(shared_map +
					       rng_below(&r, PAGES) * PAGE,
				       PAGE));
		if (rng_below(&r, 4) == 0)
			CHECK(!madvise(shared_map +
					       rng_below(&r, PAGES - 64) * PAGE,
				       64 * PAGE, MADV_DONTNEED));
		CHECK(!munmap(p, size));
	}
	return NULL;
}

static void threads(void)
{
	enum { THREADS = 64 };
	pthread_t thread[THREADS];
	size_t i;

	need_lazy();
	shared_map = map_lazy(SIZE);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(fault_and_map, (void *)i, 64 * KIB);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu armed, %zu faults, %zu handed back\n",
	       counted("lazy_armed"), counted("lazy_fault"),
	       counted("lazy_handed_back"));
}

static _Atomic size_t handled;

static void map_in_handler(int sig)
{
	int saved = errno;
	char *p = map(MIB);

	(void)sig;
	p[PAGE] = 1;
	CHECK(!p[0]);
	CHECK(!munmap(p, MIB));
	handled++;
	errno = saved;
}

static void handlers(void)
{
	double end = now() + 3;
	timer_t timer;
	uint64_t key = 0;

	need_lazy();
	timer = start_signals(map_in_handler);
	while (now() < end) {
		size_t size = (2 + key % 5) * MIB;
		char *p = map(size);

		use(p, size, key++);
		CHECK(!mprotect(p, PAGE, PROT_READ));
		CHECK(!munmap(p, size));
	}
	CHECK(!timer_delete(timer));
	printf("%zu signals, %zu armed\n", (size_t)handled,
	       counted("lazy_armed"));
	CHECK(handled > 500);
}

/* ---- fork, spawn, death ------------------------------------------------------ */

static void *drop_and_touch(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	while (!stop) {
		char *p = shared_map + rng_below(&r, PAGES) * PAGE;

		madvise(p, PAGE, MADV_DONTNEED);
		CHECK(all_zero(p, PAGE));
	}
	return NULL;
}

/* Faults are under way, or about to be, whenever a fork comes. */
static void *map_and_use(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	while (!stop) {
		size_t size = (4 + rng_below(&r, 12)) * 64 * KIB;
		char *p = map(size);

		use(p, size, size);
		CHECK(!munmap(p, size));
		usleep(2000);
	}
	return NULL;
}

static void child_of_fork(void *arg)
{
	size_t i = (size_t)arg;
	char *p = map(MIB);

	use(p, MIB, i);
	CHECK(!munmap(p, MIB));
	check_zero(shared_map + i % PAGES * PAGE, PAGE);
	CHECK(!mprotect(shared_map, SIZE, PROT_READ));
	/* A thread for each child would only take longer. */
	if (i % 20)
		return;
	leave(2 * MIB);
	p = map(SIZE);
	use(p, SIZE, i);
}

static void forks(void)
{
	enum { THREADS = 32, FORKS = 1000, LEAST = 20 };
	pthread_t thread[THREADS];
	/* Where page faults are dear, for a while. */
	double end = now() + 8;
	size_t i;

	need_lazy();
	shared_map = map_lazy(SIZE);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(map_and_use, (void *)i, 64 * KIB);
	for (i = 0; i < FORKS && (i < LEAST || now() < end); i++)
		in_child("forked child", 30, child_of_fork, (void *)i);
	stop = true;
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu armed, %zu faults\n", counted("lazy_armed"),
	       counted("lazy_fault"));
	CHECK(counted("lazy_fault") > 100);
}

static void spawns(void)
{
	char *argv[] = {(char *)"true", NULL};
	pid_t pid;
	char *p;
	int i;

	need_lazy();
	for (i = 0; i < 20; i++) {
		p = map_lazy(SIZE);
		CHECK(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				   environ));
		CHECK_STATUS(wait_for(pid), 0, "/bin/true");
		pid = vfork();
		if (!pid)
			/* Shares the memory, and the pager. */
			_exit(p[3 * MIB] ? 3 : 0);
		CHECK(pid > 0);
		CHECK_STATUS(wait_for(pid), 0, "vfork");
		/* No handler of ours runs. */
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
		if (!pid) {
			watchdog(20);
			check_zero(p + 5 * MIB, MIB);
			CHECK(!mprotect(p, PAGE, PROT_READ));
			CHECK(!munmap(p, SIZE));
			p = map(SIZE);
			check_zero(p, SIZE);
			_exit(0);
		}
		CHECK(pid > 0);
		CHECK_STATUS(wait_for(pid), 0, "clone");
		use(p, SIZE, 10);
		CHECK(!munmap(p, SIZE));
	}
}

static void killed(void)
{
	int i;

	need_lazy();
	for (i = 0; i < 40; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			size_t j;

			watchdog(20);
			shared_map = map_lazy(SIZE);
			for (j = 0; j < 8; j++)
				start_thread(drop_and_touch, (void *)j,
					     64 * KIB);
			drop_and_touch(NULL);
			_exit(0);
		}
		usleep((useconds_t)(i * 1000));
		CHECK(!kill(pid, SIGKILL));
		wait_for(pid);
	}
}

/* ---- descriptors, rights ------------------------------------------------------- */

static void check_part(void *p, size_t step)
{
	check_zero((char *)p + step * MIB, MIB);
}

static void descriptors(void)
{
	size_t before = count_descriptors();
	char *p;

	need_lazy();
	p = map_lazy(SIZE);
	CHECK(count_descriptors() == before);
	lose_descriptors(check_part, p);
	CHECK(!munmap(p, SIZE));
	use(map_lazy(SIZE), SIZE, 11);
}

static void alone(void)
{
	char *p, *q;
	int ns;

	need_lazy();
	p = map_lazy(SIZE);
	check_zero(p, MIB);
	CHECK(nr_threads() == 2);
	ns = open("/proc/self/ns/uts", O_RDONLY);
	CHECK(ns >= 0);
	/* Whatever the kernel says to it. */
	(void)!setns(ns, CLONE_NEWUTS);
	close(ns);
	CHECK(nr_threads() == 1);
	use(p, SIZE, 12);
	q = map_lazy(SIZE);
	CHECK(nr_threads() == 2);
	CHECK(!unshare(CLONE_NEWUSER) || errno == EPERM || errno == ENOSPC);
	CHECK(nr_threads() == 1);
	use(q, SIZE, 13);
	CHECK(!munmap(p, SIZE) && !munmap(q, SIZE));
	CHECK(unshare(0x123) == -1 && errno == EINVAL);
	CHECK(setns(-1, 0) == -1 && errno == EBADF);
}

static void without(void)
{
	char *p;

	leave(SIZE);
	p = map(3 * SIZE);
	use(p, 3 * SIZE, 14);
	CHECK(!munmap(p, 3 * SIZE));
	CHECK(counted("lazy_armed") == 0 && !is_lazy());
	CHECK(!unshare(0));
	CHECK(nr_threads() == 1);
}

static void as_nobody(void *arg)
{
	(void)arg;
	CHECK(!geteuid() ? !setgid(65534) && !setuid(65534) : 1);
	if (access("/dev/userfaultfd", R_OK | W_OK)) {
		without();
		printf("off for nobody\n");
	}
}

static void with_refusal(void *arg)
{
	(void)arg;
	refuse_calls(SYS_userfaultfd, SYS_openat);
	leave(SIZE);
	use(map(3 * SIZE), 3 * SIZE, 15);
	CHECK(counted("lazy_armed") == 0 && !is_lazy());
}

static void user(void)
{
	if (!pagoda_proc_read)
		test_skip("no library that fills mappings lazily");
	in_child("as nobody", 20, as_nobody, NULL);
	in_child("with a refusal", 20, with_refusal, NULL);
}

static int one(void *data, const struct pagoda_vm_fault *vmf)
{
	(void)data;
	memset(vmf->buf, 1, vmf->size);
	return 0;
}

static void automatic(void)
{
	static const struct pagoda_vm_operations ops = {.fault = one};
	char *p;

	if (!pagoda_proc_read)
		test_skip("no library that fills mappings lazily");
	without();
	p = pagoda_map(PAGE, &ops, NULL, 0);
	if (!p)
		test_skip("no userfaultfd for all faults");
	use(map_lazy(SIZE), SIZE, 16);
	CHECK(is_lazy() && nr_threads() == 3);
	CHECK(p[5] == 1 && !pagoda_unmap(p, PAGE));
}

/* ---- cases ----------------------------------------------------------------------- */

/* The options are read when the program starts. */
static void start_again(char **argv, const char *lazy)
{
	const char *options = getenv("PAGODA_OPTIONS");
	char text[256];

	if (options && strstr(options, "lazy="))
		return;
	snprintf(text, sizeof(text), "%s,lazy=%s,lazy_min=256",
		 options ? options : "quiet=auto", lazy);
	CHECK(!setenv("PAGODA_OPTIONS", text, 1));
	execv("/proc/self/exe", argv);
	CHECK(false);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"forward", forward, 30},
		{"random", touch_all_over, 30},
		{"syscalls", syscalls, 30},
		{"changed", changed, 30},
		{"changed_raw", changed_raw, 30},
		{"huge", huge, 60},
		{"stacks", stacks, 60},
		{"threads", threads, 60},
		{"handlers", handlers, 60},
		{"forks", forks, 120},
		{"spawns", spawns, 60},
		{"killed", killed, 60},
		{"descriptors", descriptors, 30},
		{"alone", alone, 30},
		{"user", user, 60},
		{"automatic", automatic, 30},
	};

	CHECK_MSG(argc > 1, "usage: lazy CASE");
	start_again(argv, strcmp(argv[1], "automatic") ? "on" : "auto");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
