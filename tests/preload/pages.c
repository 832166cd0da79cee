/* SPDX-License-Identifier: MIT */
/*
 * Proves what include/pagoda/pages.h and include/pagoda/vmalloc.h say: blocks are
 * aligned, one's own and where they were asked for; areas grow with their contents
 * and without copies; every error of every function; free(), realloc() and children
 * know them; threads, and handlers that interrupt the allocator.
 */
#define PAGODA_OPTIONAL
#include <pagoda/pages.h>
#include <pagoda/vmalloc.h>

#include "workload.h"

#include <malloc.h>
#include <sys/mman.h>

enum {
	KERNEL = PAGODA_GFP_KERNEL,
	ATOMIC = PAGODA_GFP_ATOMIC,
	ZERO = PAGODA_GFP_ZERO,
	DMA = PAGODA_GFP_DMA,
	DMA32 = PAGODA_GFP_DMA32,
	MOVABLE = PAGODA_GFP_HIGHUSER_MOVABLE,
	PAGE = PAGODA_PAGE_SIZE,
};

static bool is_resident(void *p, size_t size)
{
	unsigned char there[1024];
	size_t i;

	CHECK(size <= sizeof(there) * PAGE);
	CHECK(!mincore(p, size, there));
	for (i = 0; i < size / PAGE; i++)
		if (!(there[i] & 1))
			return false;
	return true;
}

/* ---- blocks ------------------------------------------------------------ */

static void one_block(unsigned int gfp, enum pagoda_zone zone,
		      unsigned int order)
{
	size_t size = (size_t)PAGE << order;
	struct pagoda_page page;
	char *p;

	errno = 77;
	p = pagoda_alloc_pages(gfp, order);
	CHECK_MSG(p, "gfp %u, order %u: errno %d", gfp, order, errno);
	CHECK(errno == 77 && (uintptr_t)p % size == 0);
	if (gfp & ZERO)
		CHECK(all_zero(p, size));
	if (gfp & DMA32)
		CHECK((uintptr_t)p + size <= 4 * GIB);
	if (gfp & DMA)
		CHECK(is_resident(p, size) && status_kib("VmLck") >= (long)(size / KIB));
	CHECK(malloc_usable_size(p) == size);
	CHECK(!pagoda_virt_to_page(p + size - 1, &page));
	CHECK(page.address == p && page.size == size && page.order == order);
	CHECK(page.node < pagoda_nr_nodes());
	CHECK(page.zone == zone || gfp & MOVABLE);
	fill(p, size);
	CHECK(check_fill(p, size));
	/* Either way. */
	if (order % 2)
		pagoda_free_pages(p, order);
	else
		free(p);
	CHECK(errno == 77);
}

static void blocks(void)
{
	unsigned int order, i;

	for (i = 0; i < 3; i++)
		for (order = 0; order <= PAGODA_MAX_ORDER; order++) {
			one_block(KERNEL, PAGODA_ZONE_NORMAL, order);
			one_block(ATOMIC, PAGODA_ZONE_NORMAL, 0);
			one_block(ZERO, PAGODA_ZONE_NORMAL, order);
			one_block(DMA, PAGODA_ZONE_DMA, order);
			one_block(DMA | ZERO, PAGODA_ZONE_DMA, order);
			one_block(DMA32, PAGODA_ZONE_DMA32, order);
			one_block(DMA32 | ZERO, PAGODA_ZONE_DMA32, order);
			one_block(MOVABLE, PAGODA_ZONE_MOVABLE, order);
		}
	malloc_trim(0);
	one_block(DMA | ZERO, PAGODA_ZONE_DMA, 3);
}

static void exact(void)
{
	struct rng r = rng_for(1);
	struct pagoda_page page;
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		size_t size = rng_size(&r, 4 * MIB);
		size_t pages = (size + PAGE - 1) / PAGE * PAGE;
		unsigned int gfp = i % 2 ? ZERO : KERNEL;
		char *p = pagoda_alloc_pages_exact(size, gfp);

		CHECK(p && (uintptr_t)p % PAGE == 0);
		CHECK(malloc_usable_size(p) == pages);
		CHECK(!pagoda_virt_to_page(p + size / 2, &page));
		CHECK(page.address == p && page.size == pages);
		if (gfp)
			CHECK(all_zero(p, size));
		memset(p, 1, size);
		pagoda_free_pages_exact(p, size);
	}
	CHECK(all_zero(pagoda_get_zeroed_page(KERNEL), PAGE));
}

static void fails(int error, void *p)
{
	CHECK_MSG(!p && errno == error, "%p, errno %d, not %d", p, errno,
		  error);
	errno = 0;
}

static void errors(void)
{
	unsigned int nodes = pagoda_nr_nodes();
	struct pagoda_page page;
	char *p, *q;

	CHECK(nodes >= 1);
	errno = 0;
	fails(EINVAL, pagoda_alloc_pages(KERNEL, 11));
	fails(EINVAL, pagoda_alloc_pages(KERNEL, UINT_MAX));
	fails(EINVAL, pagoda_alloc_pages(1u << 5, 0));
	fails(EINVAL, pagoda_alloc_pages(1u << 31, 0));
	fails(EINVAL, pagoda_alloc_pages(DMA | DMA32, 0));
	fails(EINVAL, pagoda_alloc_pages(DMA | MOVABLE, 0));
	fails(EINVAL, pagoda_alloc_pages_node(nodes, KERNEL, 0));
	fails(EINVAL, pagoda_alloc_pages_node(UINT_MAX, KERNEL, 0));
	fails(EINVAL, pagoda_get_zeroed_page(64));
	fails(EINVAL, pagoda_alloc_pages_exact(0, KERNEL));
	fails(EINVAL, pagoda_alloc_pages_exact(4 * MIB + 1, KERNEL));
	fails(EINVAL, pagoda_alloc_pages_exact(SIZE_MAX, KERNEL));
	fails(EINVAL, pagoda_alloc_pages_exact(100, 32));
	fails(EINVAL, pagoda_alloc_pages_exact_node(nodes, 100, KERNEL));
	pagoda_free_pages(NULL, 3);
	pagoda_free_pages_exact(NULL, 3);
	p = pagoda_alloc_pages_node(nodes - 1, KERNEL, 2);
	q = pagoda_alloc_pages_exact_node(nodes - 1, 5000, ZERO);
	CHECK(p && q && all_zero(q, 5000));
	/* Not such blocks. */
	CHECK(pagoda_virt_to_page(&page, &page) == -1 && errno == EINVAL);
	CHECK(pagoda_virt_to_page(NULL, &page) == -1);
	pagoda_free_pages(p, 2);
	pagoda_free_pages_exact(q, 5000);
	CHECK(pagoda_virt_to_page(p, &page) == -1);
	p = malloc(100);
	CHECK(pagoda_virt_to_page(p, &page) == -1);
	free(p);
	/* Those of malloc are. */
	p = malloc(200000);
	CHECK(!pagoda_virt_to_page(p + 199999, &page) && page.address == p);
	free(p);
}

/* What realloc() makes of blocks that are somewhere special. */
static void moved(void)
{
	static const unsigned int zones[] = {KERNEL, DMA, DMA32, MOVABLE};
	struct pagoda_page page;
	size_t i, size;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		char *p = pagoda_alloc_pages(zones[i], 9), *q;

		CHECK(p);
		fill_key(p, 2 * MIB, i);
		for (size = 3 * MIB; size < 100 * MIB; size *= 2) {
			q = realloc(p, size);
			CHECK(q && check_key(q, 2 * MIB, i));
			p = q;
		}
		p = realloc(p, 100000);
		CHECK(p && check_key(p, 100000, i));
		free(p);
		/* And that the heap did not get them. */
		p = malloc(2 * MIB);
		CHECK(p && !pagoda_virt_to_page(p, &page));
		CHECK(page.zone == PAGODA_ZONE_NORMAL);
		free(p);
		p = malloc(64 * KIB);
		CHECK(p && !pagoda_virt_to_page(p, &page));
		CHECK(page.zone == PAGODA_ZONE_NORMAL);
		free(p);
	}
}

/* No address space below 4 GiB is to be had. */
static void no_window(void *unused)
{
	rlim_t size = (rlim_t)status_kib("VmSize") * KIB + MIB;
	struct rlimit limit = {size, size};

	(void)unused;
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	errno = 0;
	fails(ENOMEM, pagoda_alloc_pages(DMA32, 0));
	CHECK(pagoda_alloc_pages(KERNEL, 0));
}

/* As much as there is, and no more. */
static void whole_window(void *unused)
{
	static void *p[100];
	size_t n = 0, i;

	(void)unused;
	while (n < ARRAY_SIZE(p) && (p[n] = pagoda_alloc_pages(DMA32, 10)))
		fill(p[n++], PAGE);
	printf("%zu MiB below 4 GiB\n", 4 * n);
	CHECK(n <= 64 && errno == ENOMEM);
	fails(ENOMEM, pagoda_alloc_pages(DMA32, 10));
	for (i = 0; i < n; i++)
		CHECK(check_fill(p[i], PAGE));
	while (n--)
		pagoda_free_pages(p[n], 10);
	CHECK(pagoda_alloc_pages(DMA32, 10));
}

static void limited(void)
{
	struct rlimit limit = {3 * MIB, 3 * MIB};
	void *p[10];
	size_t n;

	in_child("no window", 10, no_window, NULL);
	in_child("whole window", 10, whole_window, NULL);
	/* Root may lock what it likes. */
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	if (!getuid() && setuid(65534))
		test_skip("cannot become someone else");
	for (n = 0; n < ARRAY_SIZE(p); n++) {
		errno = 0;
		p[n] = pagoda_alloc_pages(DMA, 8);
		if (!p[n])
			break;
	}
	printf("%zu MiB of 3 MiB\n", n);
	CHECK(n < ARRAY_SIZE(p) && errno == ENOMEM);
	while (n--)
		pagoda_free_pages(p[n], 8);
	CHECK(pagoda_alloc_pages(KERNEL, 8));
}

/* ---- areas ------------------------------------------------------------- */

static void grow(size_t to)
{
	char *p = pagoda_vmalloc(1), *q;
	struct pagoda_page page;
	size_t size = 1;

	CHECK(p);
	p[0] = 0;
	while (size < to) {
		size_t more = size * 3 / 2 + 1000;

		fill_key(p, size, 5);
		q = pagoda_vrealloc(p, more);
		CHECK(q && check_key(q, size, 5));
		CHECK(pagoda_vmalloc_size(q) == (more + PAGE - 1) / PAGE * PAGE);
		CHECK(!pagoda_vmalloc_to_page(q + more - 1, &page));
		CHECK(page.address == q);
		q[more - 1] = 1;
		p = q;
		size = more;
	}
	while (size > 1000) {
		fill_key(p, size, 7);
		size /= 3;
		q = pagoda_vrealloc(p, size);
		CHECK(q && check_key(q, size, 7));
		p = q;
	}
	errno = 77;
	pagoda_vfree(p);
	CHECK(errno == 77);
}

static void areas(void)
{
	char *p, *q, *blocker;
	size_t i;

	for (i = 0; i < 3; i++)
		grow(64 * MIB);
	/* In the way of one that grows, so that it moves. */
	p = pagoda_vzalloc(10 * MIB);
	blocker = pagoda_vmalloc(10 * MIB);
	CHECK(p && blocker && all_zero(p, 10 * MIB));
	fill_key(p, 10 * MIB, 3);
	for (i = 2; i < 40; i++) {
		q = pagoda_vrealloc(p, i * 10 * MIB);
		CHECK(q && check_key(q, 10 * MIB, 3));
		p = q;
		pagoda_vfree(blocker);
		blocker = pagoda_vmalloc(10 * MIB);
	}
	/* Others know them. */
	CHECK(malloc_usable_size(p) == 390 * MIB);
	q = realloc(p, 20 * MIB);
	CHECK(q && check_key(q, 10 * MIB, 3));
	free(q);
	pagoda_vfree(blocker);
	p = pagoda_vrealloc(NULL, 100);
	CHECK(p && pagoda_vmalloc_size(p) == PAGE);
	pagoda_vfree(p);
	pagoda_vfree(NULL);
	CHECK(!pagoda_vmalloc_size(NULL));
	for (i = 0; i < 100; i++) {
		p = pagoda_vzalloc(100 * PAGE);
		CHECK(p && all_zero(p, 100 * PAGE));
		memset(p, 1, 100 * PAGE);
		free(p);
	}
}

static void area_errors(void)
{
	struct pagoda_page page;
	struct rlimit limit = {100 * MIB, 100 * MIB};
	char *p;

	errno = 0;
	fails(EINVAL, pagoda_vmalloc(0));
	fails(EINVAL, pagoda_vzalloc(0));
	fails(EINVAL, pagoda_vrealloc(NULL, 0));
	fails(ENOMEM, pagoda_vmalloc(opaque(SIZE_MAX)));
	fails(ENOMEM, pagoda_vzalloc(opaque(PTRDIFF_MAX)));
	fails(ENOMEM, pagoda_vmalloc((size_t)1 << 46));
	p = pagoda_vmalloc(50 * MIB);
	fill_key(p, 50 * MIB, 1);
	fails(EINVAL, pagoda_vrealloc(p, 0));
	fails(ENOMEM, pagoda_vrealloc(p, opaque(SIZE_MAX)));
	fails(ENOMEM, pagoda_vrealloc(p, (size_t)1 << 46));
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	fails(ENOMEM, pagoda_vrealloc(p, 500 * MIB));
	fails(ENOMEM, pagoda_vmalloc(500 * MIB));
	CHECK(check_key(p, 50 * MIB, 1));
	pagoda_vfree(p);
	CHECK(pagoda_vmalloc_to_page(p, &page) == -1 && errno == EINVAL);
}

/* ---- threads, children, handlers --------------------------------------- */

static void use_blocks(struct rng *r, unsigned int gfp)
{
	unsigned int order = (unsigned int)rng_below(r, 6);
	size_t size = rng_size(r, 300000);
	char *p = pagoda_alloc_pages(gfp, order);
	char *q = pagoda_alloc_pages_exact(size, gfp | ZERO);
	char *area = gfp & ATOMIC ? NULL : pagoda_vmalloc(size);

	CHECK(gfp & ATOMIC || (p && q && area));
	if (p)
		fill(p, (size_t)PAGE << order);
	if (q)
		CHECK(all_zero(q, size));
	if (area) {
		fill_key(area, size, size);
		area = pagoda_vrealloc(area, 2 * size);
		CHECK(area && check_key(area, size, size));
	}
	if (p)
		CHECK(check_fill(p, (size_t)PAGE << order));
	pagoda_free_pages(p, order);
	pagoda_free_pages_exact(q, size);
	pagoda_vfree(area);
}

static atomic_bool over;

static void *worker(void *arg)
{
	static const unsigned int gfp[] = {KERNEL, DMA, DMA32, ATOMIC, MOVABLE};
	struct rng r = rng_for((uintptr_t)arg);

	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	while (!atomic_load(&over))
		use_blocks(&r, gfp[rng_below(&r, ARRAY_SIZE(gfp))]);
	return NULL;
}

static void child(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	size_t i;

	for (i = 0; i < 100; i++)
		use_blocks(&r, i % 2 ? KERNEL : DMA32);
}

static void threads(void)
{
	enum { N = 200 };
	static pthread_t thread[N];
	double end = now() + 2;
	size_t i, forks = 0;

	for (i = 0; i < N; i++)
		thread[i] = start_thread(worker, (void *)i, 64 * KIB);
	for (; now() < end; forks++)
		in_child("child", 20, child, (void *)forks);
	atomic_store(&over, true);
	for (i = 0; i < N; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu forks\n", forks);
}

static unsigned int signals, refused;

static void handler(int sig)
{
	int saved = errno;
	void *p = pagoda_alloc_pages(ATOMIC, signals % 5);

	(void)sig;
	signals++;
	refused += !p;
	pagoda_free_pages(p, (signals - 1) % 5);
	p = pagoda_vmalloc(10000);
	refused += !p;
	pagoda_vfree(p);
	errno = saved;
}

static void interrupted(void)
{
	struct rng r = rng_for(9);
	double end = now() + 2;
	timer_t timer = start_signals(handler);

	while (now() < end) {
		use_blocks(&r, KERNEL);
		CHECK(try_all_layers(&r));
	}
	CHECK(!timer_delete(timer));
	printf("%u signals, %u refused\n", signals, refused);
	CHECK(signals > 500 && refused < signals / 4);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"blocks", blocks, 30},
		{"exact", exact, 30},
		{"errors", errors, 30},
		{"moved", moved, 30},
		{"limited", limited, 30},
		{"areas", areas, 60},
		{"area_errors", area_errors, 30},
		{"threads", threads, 60},
		{"interrupted", interrupted, 30},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
