/* SPDX-License-Identifier: MIT */
/*
 * What the program unmaps may serve its next mapping of that size. mmap_sequences
 * shows that nobody can tell; this shows that it happens, and when it must not:
 *
 *   reuse      a loop of mappings: kept, and reused, and clean; nothing accessible
 *              remains where they were;
 *   different  what is locked, protected, a file's or half a child's is not kept,
 *              whoever made it so, wrapper or system call;
 *   sparse     what is hardly touched is not kept for long, nor made whole;
 *   once       nor what is not mapped again soon;
 *   returned   malloc_trim() gives back what is kept, and so does time;
 *   forked     children start without, and use their own;
 *   handlers   signal handlers that map and unmap at any moment;
 *   threads    many at once, each with contents of its own;
 *   spliced    what was handed to a pipe by reference stays as it is;
 *   zerocopy   nothing is kept once a socket may send by reference;
 *   limited    what is kept is no reason for ENOMEM, nor what was;
 *   off        nothing of it with mmap_cache=0, nor below a limit of address space.
 */
#include "counted.h"
#include "mapping.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { SIZE = 1024 * 1024 };

static void need_library(void)
{
	if (!pagoda_proc_read)
		test_skip("no library that reuses mappings");
	mapping_begin();
}

/* ---- mappings ---------------------------------------------------------------- */

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static char *map_dirty(size_t size)
{
	char *p = map(size);

	CHECK(all_zero(p, size));
	memset(p, 0x5a, size);
	return p;
}

static void peek(unsigned char *p)
{
	(void)*(volatile unsigned char *)p;
}

static bool accessible(void *p)
{
	return !guarded(peek, p);
}

/*
 * In some virtual machines the host looks after page tables: what was moved takes as
 * long to clear as new memory to get, so the library rightly keeps next to nothing.
 */
static void need_reuse(void)
{
	double least = 1;
	int i;

	need_library();
	for (i = 0; i < 10; i++) {
		char *p = map_dirty(SIZE), *to = map(SIZE);
		double start;

		CHECK(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
		      to);
		start = now();
		memset(to, 0, SIZE);
		if (now() - start < least)
			least = now() - start;
		CHECK(!munmap(to, SIZE));
	}
	if (least > 400e-9 * SIZE / 4096)
		test_skip("clearing memory that was moved takes %.0f ns a page here",
			  least * 1e9 * 4096 / SIZE);
}

/* ---- cases ------------------------------------------------------------------- */

/* Clearing that is slow, as on a busy machine, has the library keep nothing for up
 * to 4,096 rounds. */
enum { MANY_ROUNDS = 5000 };

/* Map one and @change it, until it is kept. */
static void change_until_kept(size_t size, void (*change)(char *p))
{
	size_t before = counted("mmap_kept"), i;

	for (i = 0; i < MANY_ROUNDS && counted("mmap_kept") == before; i++) {
		char *p = map_dirty(size);

		change(p);
		CHECK(!munmap(p, size));
	}
	CHECK_MSG(counted("mmap_kept") == before + 1, "%zu: not kept", size);
}

static void leave_alone(char *p)
{
	(void)p;
}

/* From now on this size is kept. */
static void come_back(size_t size)
{
	change_until_kept(size, leave_alone);
}

static void reuse(void)
{
	static const size_t sizes[] = {64 * KIB, 256 * KIB, 1000 * KIB + 5,
				       4 * MIB, 32 * MIB};
	size_t before, i, j;
	char *p, *q;

	need_reuse();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		before = counted("mmap_reuse");
		for (j = 0; j < MANY_ROUNDS && counted("mmap_reuse") < before + 50;
		     j++) {
			p = map_dirty(sizes[i]);
			CHECK(!munmap(p, sizes[i]));
			CHECK(!accessible(p));
			CHECK(!accessible(p + sizes[i] - 1));
		}
		CHECK_MSG(j < MANY_ROUNDS, "%zu: hardly any reused", sizes[i]);
	}
	/* Two at a time, and of other sizes in between. */
	for (j = 0; j < 50; j++) {
		p = map_dirty(SIZE);
		q = map_dirty(SIZE);
		CHECK(p != q && !munmap(map_dirty(300 * KIB), 300 * KIB));
		CHECK(!munmap(p, SIZE) && q[SIZE - 1] == 0x5a);
		CHECK(!munmap(q, SIZE));
	}
	/* Below the threshold, and above what is kept. */
	before = counted("mmap_managed");
	for (j = 0; j < 10; j++) {
		CHECK(!munmap(map_dirty(60 * KIB), 60 * KIB));
		CHECK(!munmap(map_dirty(32 * MIB + 1), 32 * MIB + 1));
	}
	CHECK(counted("mmap_managed") == before);
}

/* One that would be kept, were it not for what the caller does to it. */
static void not_kept(void (*change)(char *p), const char *what)
{
	size_t before, i;

	come_back(SIZE);
	before = counted("mmap_kept");
	for (i = 0; i < 3; i++) {
		char *p = map_dirty(SIZE);

		change(p);
		CHECK(!munmap(p, SIZE));
		CHECK(!accessible(p) && !accessible(p + SIZE - 1));
	}
	CHECK_MSG(counted("mmap_kept") == before, "kept though %s", what);
}

static void lock_it(char *p)
{
	CHECK(!mlock(p, 4096));
}

static void protect(char *p)
{
	CHECK(!mprotect(p + 8192, 4096, PROT_READ));
}

static void protect_directly(char *p)
{
	CHECK(!syscall(SYS_mprotect, p + 8192, 4096, PROT_NONE));
}

static void unmap_middle(char *p)
{
	CHECK(!munmap(p + 8192, 4096));
}

static void unmap_directly(char *p)
{
	CHECK(!syscall(SYS_munmap, p + 8192, 4096));
}

static void protect_all_directly(char *p)
{
	CHECK(!syscall(SYS_mprotect, p, SIZE, PROT_READ));
}

static void keep_from_children(char *p)
{
	CHECK(!madvise(p, SIZE, MADV_DONTFORK));
}

static void wipe_in_children(char *p)
{
	CHECK(!madvise(p, SIZE, MADV_WIPEONFORK));
}

static int file;

static void put_file_over_it(char *p)
{
	CHECK(mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   file, 0) == p);
}

static void put_file_directly(char *p)
{
	CHECK(syscall(SYS_mmap, p, SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, file, 0) == (long)p);
}

static void different(void)
{
	static char back[SIZE], content[SIZE];
	char *p;

	need_reuse();
	file = (int)syscall(SYS_memfd_create, "content", 0);
	memset(content, 'c', SIZE);
	CHECK(file >= 0 && write(file, content, SIZE) == SIZE);
	not_kept(lock_it, "locked");
	not_kept(protect, "partly read-only");
	not_kept(protect_directly, "partly inaccessible");
	not_kept(unmap_middle, "partly unmapped");
	not_kept(unmap_directly, "partly unmapped directly");
	not_kept(keep_from_children, "not for children");
	not_kept(wipe_in_children, "wiped in children");
	not_kept(put_file_over_it, "a file's");
	not_kept(put_file_directly, "a file's, mapped directly");
	/* The last moment is early enough: this one was kept already. */
	change_until_kept(SIZE, protect_all_directly);
	p = map_dirty(SIZE);
	CHECK(p[5] == 0x5a);
	/* Content that is given back is not clean by itself. */
	CHECK(!madvise(p, SIZE, MADV_FREE) && !munmap(p, SIZE));
	CHECK(!munmap(map_dirty(SIZE), SIZE));
	CHECK(pread(file, back, SIZE, 0) == SIZE);
	CHECK_MSG(!memcmp(back, content, SIZE), "the file was changed");
}

/* Several at once, as the buffers of a database. */
static void sparse(void)
{
	enum { ROUNDS = 1000, AT_ONCE = 5 };
	size_t i, j, kept, faults;
	char *p[AT_ONCE];

	need_library();
	faults = minor_faults();
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < AT_ONCE; j++) {
			p[j] = map(4 * MIB);
			p[j][i * 4001 % (4 * MIB)] = 1;
		}
		for (j = 0; j < AT_ONCE; j++)
			CHECK(!munmap(p[j], 4 * MIB));
	}
	faults = minor_faults() - faults;
	kept = counted("mmap_kept");
	CHECK_MSG(kept < 50, "%zu of 5,000 kept", kept);
	CHECK_MSG(faults < ROUNDS * AT_ONCE + 2000, "%zu pages made", faults);
}

/* Stacks that grow, and what is needed now and then. */
static void once(void)
{
	size_t size = 64 * KIB, i;
	double end;
	char *p, *q;

	need_library();
	p = map_dirty(size);
	for (; size < 16 * MIB; size *= 2, p = q) {
		q = map_dirty(2 * size);
		CHECK(!munmap(p, size));
	}
	CHECK(!munmap(p, size));
	CHECK(counted("mmap_managed") >= 9);
	CHECK(counted("mmap_kept") == 0);
	for (i = 0; i < 2; i++) {
		CHECK(!munmap(map_dirty(SIZE + 4096), SIZE + 4096));
		CHECK(counted("mmap_kept") == 0);
		for (end = now() + 3; now() < end; usleep(1000))
			free(malloc(100000 + (size_t)now() % 1000));
	}
}

static void keep_eight(void)
{
	size_t i, j, kept;
	char *p[8];

	for (i = 0; i < MANY_ROUNDS; i++) {
		kept = counted("mmap_kept");
		for (j = 0; j < 8; j++)
			p[j] = map_dirty(SIZE);
		for (j = 0; j < 8; j++)
			CHECK(!munmap(p[j], SIZE));
		if (counted("mmap_kept") == kept + 8)
			return;
	}
	test_fail(__FILE__, __LINE__, "never all eight kept");
}

static void returned(void)
{
	size_t resident;
	double end;

	need_reuse();
	come_back(SIZE);
	keep_eight();
	resident = (size_t)status_kib("VmRSS");
	malloc_trim(0);
	CHECK((size_t)status_kib("VmRSS") + 8 * 900 < resident);
	/* Without being asked, while the program does something else. */
	keep_eight();
	resident = (size_t)status_kib("VmRSS");
	for (end = now() + 10; now() < end; usleep(10000)) {
		free(malloc(100000 + (size_t)now() % 1000));
		CHECK(!munmap(map(SIZE / 2), SIZE / 2));
		if ((size_t)status_kib("VmRSS") + 8 * 900 < resident)
			return;
	}
	test_fail(__FILE__, __LINE__, "%zu KiB, still %ld", resident,
		  status_kib("VmRSS"));
}

static void use_mappings(void *arg)
{
	size_t before = counted("mmap_reuse"), i;
	char *kept = arg;

	CHECK(kept[0] == 0x5a && kept[SIZE - 1] == 0x5a);
	for (i = 0; i < 20 || (i < MANY_ROUNDS && counted("mmap_reuse") == before);
	     i++)
		CHECK(!munmap(map_dirty(SIZE), SIZE));
	CHECK(!munmap(kept, SIZE) && !accessible(kept));
	CHECK(counted("mmap_reuse") > before);
}

static void forked(void)
{
	char *p;
	size_t i;

	need_reuse();
	p = map_dirty(SIZE);
	for (i = 0; i < 20; i++) {
		CHECK(!munmap(map_dirty(SIZE), SIZE));
		in_child("child", 20, use_mappings, p);
		CHECK(p[0] == 0x5a && p[SIZE - 1] == 0x5a);
	}
}

static volatile size_t handled;

static void mapping_handler(int sig)
{
	static char *held[4];
	size_t i = handled++ % ARRAY_SIZE(held);

	(void)sig;
	if (held[i]) {
		CHECK(held[i][0] == 'h' && held[i][128 * KIB - 1] == 'h');
		CHECK(!munmap(held[i], 128 * KIB));
	}
	held[i] = map(128 * KIB);
	CHECK(all_zero(held[i], 128 * KIB));
	memset(held[i], 'h', 128 * KIB);
}

static void handlers(void)
{
	struct itimerspec every = {{0, 300000}, {0, 300000}};
	struct sigaction action = {.sa_handler = mapping_handler,
				   .sa_flags = SA_RESTART};
	double end = now() + 4;
	timer_t timer;
	size_t n = 0;

	need_reuse();
	CHECK(!sigaction(SIGALRM + 1, &action, NULL));
	CHECK(!timer_create(CLOCK_MONOTONIC,
			    &(struct sigevent){.sigev_notify = SIGEV_SIGNAL,
					       .sigev_signo = SIGALRM + 1},
			    &timer));
	CHECK(!timer_settime(timer, 0, &every, NULL));
	while (now() < end) {
		size_t size = 64 * KIB + n % 7 * 32 * KIB;
		char *p = map_dirty(size);

		CHECK(p[size - 1] == 0x5a && !munmap(p, size));
		free(malloc(n++ % 3000));
	}
	CHECK(!timer_delete(timer));
	printf("%zu handlers in %zu rounds\n", (size_t)handled, n);
	CHECK(handled > 100);
}

static void *map_in_thread(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	char *held[8] = {NULL};
	size_t size[8], i, j;

	for (i = 0; i < 600; i++) {
		j = rng_below(&r, 8);
		if (held[j]) {
			CHECK(check_fill(held[j], size[j]));
			CHECK(!munmap(held[j], size[j]));
		}
		size[j] = (64 + 64 * rng_below(&r, 4)) * KIB;
		held[j] = map(size[j]);
		CHECK(all_zero(held[j], size[j]));
		fill(held[j], size[j]);
	}
	return NULL;
}

static void many_threads(void)
{
	enum { THREADS = 16 };
	pthread_t thread[THREADS];
	size_t i;

	need_reuse();
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(map_in_thread, (void *)i, 64 * KIB);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(counted("mmap_reuse") > 0);
}

static void spliced(void)
{
	struct iovec pages = {.iov_len = 64 * KIB};
	static char back[64 * KIB];
	int fds[2];
	size_t i;

	need_library();
	for (i = 0; i < 5; i++)
		CHECK(!munmap(map_dirty(64 * KIB), 64 * KIB));
	CHECK(counted("mmap_kept") > 0 && !pipe(fds));
	pages.iov_base = map_dirty(64 * KIB);
	CHECK(vmsplice(fds[1], &pages, 1, 0) == 64 * KIB);
	CHECK(!munmap(pages.iov_base, 64 * KIB));
	for (i = 0; i < 5; i++)
		CHECK(!munmap(map(64 * KIB), 64 * KIB));
	for (i = 0; i < sizeof(back);) {
		ssize_t n = read(fds[0], back + i, sizeof(back) - i);

		CHECK(n > 0);
		i += (size_t)n;
	}
	for (i = 0; i < sizeof(back); i++)
		CHECK_MSG(back[i] == 0x5a, "byte %zu is %#x", i, back[i]);
}

static void zerocopy(void)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t kept, i;

	need_library();
	CHECK(fd >= 0);
	CHECK(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	CHECK(setsockopt(fd, SOL_SOCKET, -1, &one, sizeof(one)) < 0 &&
	      errno == ENOPROTOOPT);
	come_back(SIZE);
	kept = counted("mmap_kept");
	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		CHECK(errno != EFAULT);
	for (i = 0; i < 5; i++)
		CHECK(!munmap(map_dirty(SIZE), SIZE));
	CHECK(counted("mmap_kept") == kept);
}

static void limited(void)
{
	struct rlimit limit;
	char *p[8];
	size_t i;
	long before;

	need_library();
	come_back(4 * MIB);
	malloc_trim(0);
	before = status_kib("VmData");
	for (i = 0; i < 8; i++)
		p[i] = map_dirty(4 * MIB);
	for (i = 0; i < 8; i++)
		CHECK(!munmap(p[i], 4 * MIB));
	CHECK(counted("mmap_kept") > 4);
	CHECK(!getrlimit(RLIMIT_DATA, &limit));
	limit.rlim_cur = ((size_t)before + 14 * 1024) * KIB;
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	/* One that could be made of what is kept, and one that could not. */
	p[0] = map_dirty(4 * MIB);
	p[1] = map_dirty(6 * MIB);
	CHECK(!munmap(p[0], 4 * MIB) && !munmap(p[1], 6 * MIB));
	malloc_trim(0);
	CHECK_MSG(status_kib("VmData") < before + 1024,
		  "VmData %ld KiB, %ld at first", status_kib("VmData"), before);
}

static void switched_off(void)
{
	size_t i;

	need_library();
	for (i = 0; i < 20; i++)
		CHECK(!munmap(map_dirty(SIZE), SIZE));
	CHECK(counted("mmap_kept") == 0);
	printf("nothing was kept, %zu managed\n", counted("mmap_managed"));
}

static void turn_off(void *arg)
{
	(void)arg;
	CHECK(!setenv("PAGODA_OPTIONS", "mmap_cache=0", 1));
}

static void limit_space(void *arg)
{
	struct rlimit limit = {GIB, GIB};

	(void)arg;
	CHECK(!setrlimit(RLIMIT_AS, &limit));
}

static void off(void)
{
	static const char *const args[] = {"switched_off", NULL};
	static struct run run;

	need_library();
	run_self(&run, 0, args, turn_off, NULL);
	CHECK_STATUS(run.status, 0, "mmap_cache=0");
	CHECK(strstr(run.text, "nothing was kept, 0 managed"));
	run_self(&run, 0, args, limit_space, NULL);
	CHECK_STATUS(run.status, 0, "a limit of address space");
	CHECK(strstr(run.text, "nothing was kept"));
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"reuse", reuse, 30},
		{"different", different, 30},
		{"sparse", sparse, 60},
		{"once", once, 60},
		{"returned", returned, 60},
		{"forked", forked, 60},
		{"handlers", handlers, 60},
		{"threads", many_threads, 60},
		{"spliced", spliced, 30},
		{"zerocopy", zerocopy, 30},
		{"limited", limited, 30},
		{"off", off, 30},
		{"switched_off", switched_off, 30},
	};

	CHECK_MSG(argc > 1, "usage: mmap_reuse CASE");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
