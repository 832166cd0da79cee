/* SPDX-License-Identifier: MIT */
/*
 * Proves that an area of VMALLOC space is made of memory that lies free elsewhere:
 *
 *   scattered   single free pages become 64 MiB in a row: memory does not grow, what
 *               lies between them keeps its contents, and it is usable again;
 *   zeroed      such an area reads as zeros if it was asked for so;
 *   shared      pages that a child has, too, stay where they are: same semantics;
 *   refused     no userfaultfd, no new thread: same semantics;
 *   threads     32 threads gather, free and fork all the time;
 *   closed      no descriptor of the program's changes, however many it has.
 *
 * In each: the area is the caller's alone, and the counters say how it was made.
 */
#define PAGODA_OPTIONAL
#include <pagoda/pages.h>
#include <pagoda/vmalloc.h>

#include "counted.h"
#include "hostile.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096, NR = 32768, AREA = NR / 2 * PAGE };

static char *pages[NR];

/* Every second page is free, so no two free ones are neighbours. */
static void scatter(void)
{
	size_t i;

	for (i = 0; i < NR; i++) {
		pages[i] = pagoda_alloc_pages(PAGODA_GFP_KERNEL, 0);
		CHECK(pages[i]);
		fill_key(pages[i], PAGE, i);
	}
	for (i = 0; i < NR; i++) {
		size_t slot = ((uintptr_t)pages[i] / PAGE) & 1;

		if (slot) {
			pagoda_free_pages(pages[i], 0);
			pages[i] = NULL;
		}
	}
}

static void check_rest(void)
{
	size_t i;

	for (i = 0; i < NR; i++)
		CHECK(!pages[i] || check_key(pages[i], PAGE, i));
}

static void use(char *area, size_t size, uint64_t key)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		fill_key(area + i, PAGE, key + i);
	for (i = 0; i < size; i += PAGE)
		CHECK(check_key(area + i, PAGE, key + i));
}

static bool gathers(void)
{
	return counted("pgmove") > 0;
}

static void need_moves(void)
{
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);

	if (gathers())
		return;
	if (uffd < 0)
		test_skip("no userfaultfd here: %s", strerror(errno));
	close(uffd);
	if (counted("gather_fail"))
		test_skip("the kernel has no UFFDIO_MOVE");
	CHECK_MSG(false, "no page was moved");
}

static void scattered(void)
{
	long before, grown;
	char *area;
	size_t i;

	scatter();
	before = status_kib("VmRSS");
	area = pagoda_vmalloc(AREA);
	CHECK(area);
	need_moves();
	CHECK_MSG(counted("pgmove") > AREA / PAGE * 95 / 100,
		  "%zu pages of %d were moved", counted("pgmove"), AREA / PAGE);
	use(area, AREA, 7);
	grown = status_kib("VmRSS") - before;
	CHECK_MSG(grown < (long)(AREA / KIB / 16), "memory grew by %ld KiB", grown);
	check_rest();
	/* Where they were taken from there is memory again when it is needed. */
	for (i = 0; i < NR; i++)
		if (!pages[i]) {
			pages[i] = pagoda_alloc_pages(PAGODA_GFP_KERNEL, 0);
			CHECK(pages[i]);
			fill_key(pages[i], PAGE, i);
		}
	check_rest();
	use(area, AREA, 11);
	pagoda_vfree(area);
	printf("%zu pages moved, memory grew by %ld KiB\n", counted("pgmove"),
	       grown);
}

static void zeroed(void)
{
	char *area;

	scatter();
	/* More than is there. */
	area = pagoda_vzalloc(2 * (size_t)AREA);
	CHECK(area && all_zero(area, 2 * (size_t)AREA));
	need_moves();
	use(area, 2 * (size_t)AREA, 3);
	check_rest();
	pagoda_vfree(area);
}

static void hold(void *fds)
{
	char c;

	close(((int *)fds)[1]);
	CHECK(read(((int *)fds)[0], &c, 1) == 0);
	check_rest();
}

static void shared(void)
{
	char *area;
	int fds[2];
	pid_t pid;

	scatter();
	CHECK(!pipe(fds));
	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		watchdog(60);
		hold(fds);
		_exit(0);
	}
	area = pagoda_vmalloc(AREA);
	CHECK(area);
	CHECK(counted("gather_fail") + counted("gather_refused") > 0);
	use(area, AREA, 5);
	check_rest();
	pagoda_vfree(area);
	close(fds[1]);
	CHECK_STATUS(wait_for(pid), 0, "the child");
}

static void refuse_one(void *nr)
{
	size_t before = counted("gather_refused");
	char *area;

	refuse_calls(*(int *)nr, *(int *)nr);
	errno = 77;
	area = pagoda_vmalloc(AREA);
	CHECK(area && errno == 77);
	CHECK(counted("gather_refused") == before + 1);
	use(area, AREA, 5);
	check_rest();
	pagoda_vfree(area);
}

static void refused(void)
{
	int calls[] = {SYS_userfaultfd, SYS_clone};
	size_t i;

	scatter();
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		in_child("a refused call", 60, refuse_one, &calls[i]);
}

static void *gather_and_free(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	double end = now() + 25;
	int i;

	/* Where page faults are dear, for a while. */
	for (i = 0; i < 60 && (i < 4 || now() < end); i++) {
		size_t n = rng_below(&r, 600), size = (300 + n) * PAGE, j;
		char *blocks[128], *area;

		for (j = 0; j < ARRAY_SIZE(blocks); j++) {
			blocks[j] = malloc(32768);
			CHECK(blocks[j]);
			memset(blocks[j], 1, 32768);
		}
		for (j = 0; j < ARRAY_SIZE(blocks); j++)
			free(blocks[j]);
		area = n & 1 ? pagoda_vzalloc(size) : pagoda_vmalloc(size);
		CHECK(area);
		CHECK(!(n & 1) || all_zero(area, size));
		use(area, size, n);
		pagoda_vfree(area);
		if (i % 20 == 0) {
			pid_t pid = fork();

			CHECK(pid >= 0);
			if (!pid) {
				area = pagoda_vmalloc(size);
				CHECK(area);
				use(area, size, n);
				_exit(0);
			}
			CHECK_STATUS(wait_for(pid), 0, "a child");
		}
	}
	return NULL;
}

static void threads(void)
{
	pthread_t all[32];
	size_t i;

	scatter();
	for (i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = start_thread(gather_and_free, (void *)i, 0);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		CHECK(!pthread_join(all[i], NULL));
	check_rest();
	need_moves();
	printf("%zu pages moved, %zu times none, %zu refused\n",
	       counted("pgmove"), counted("gather_fail"),
	       counted("gather_refused"));
}

static volatile bool stop;

/* The lowest free number is always the same. */
static void *watch_descriptors(void *lowest)
{
	while (!stop) {
		int fd = open("/dev/null", O_RDONLY);

		CHECK_MSG(fd == *(int *)lowest, "descriptor %d", fd);
		CHECK(!close(fd));
	}
	return NULL;
}

static void closed(void)
{
	pthread_t watcher;
	double end = now() + 10;
	int lowest = dup(0), i;

	CHECK(lowest >= 0 && !close(lowest));
	scatter();
	watcher = start_thread(watch_descriptors, &lowest, 0);
	for (i = 0; i < 20 && (i < 3 || now() < end); i++) {
		char *area = pagoda_vmalloc(AREA);

		CHECK(area);
		use(area, MIB, (uint64_t)i);
		pagoda_vfree(area);
		/* Its memory goes, so that the next is gathered again. */
		CHECK(malloc_trim(0) == 1);
		scatter();
	}
	stop = true;
	CHECK(!pthread_join(watcher, NULL));
	need_moves();
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"scattered", scattered, 60},
		{"zeroed", zeroed, 60},
		{"shared", shared, 60},
		{"refused", refused, 60},
		{"threads", threads, 60},
		{"closed", closed, 60},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
