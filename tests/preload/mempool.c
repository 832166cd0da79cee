/* SPDX-License-Identifier: MIT */
/*
 * Proves what include/pagoda/mempool.h says: the reserve is there when memory is
 * not, resident before it is needed; who may wait gets an element as soon as one
 * is freed; nothing is lost or handed out twice with threads, in handlers that
 * interrupt the allocator and the pool, and in children; every error of every
 * function.
 */
#define PAGODA_OPTIONAL
#include <pagoda/mempool.h>

#include "workload.h"

#include <sys/mman.h>

enum { KERNEL = PAGODA_GFP_KERNEL, ATOMIC = PAGODA_GFP_ATOMIC };

typedef struct pagoda_mempool mempool_t;

/* ---- a source that can run dry ----------------------------------------- */

static atomic_bool dry;
static atomic_int live, allocs_left = INT_MAX;

static void *source_alloc(unsigned int gfp, void *data)
{
	CHECK(data == &dry && gfp <= ATOMIC);
	errno = 99;
	if (atomic_load(&dry) || atomic_fetch_sub(&allocs_left, 1) <= 0)
		return NULL;
	atomic_fetch_add(&live, 1);
	return malloc(100);
}

static void source_free(void *element, void *data)
{
	CHECK(data == &dry);
	atomic_fetch_sub(&live, 1);
	free(element);
}

static mempool_t *source_pool(unsigned int min_nr)
{
	mempool_t *pool = pagoda_mempool_create(min_nr, source_alloc,
						source_free, &dry);

	CHECK(pool);
	return pool;
}

/* ---- one thread -------------------------------------------------------- */

/* How many are to be had when there is no memory. */
static size_t reserve_of(mempool_t *pool)
{
	static void *p[1000];
	bool before = atomic_exchange(&dry, true);
	size_t n, i;

	for (n = 0; n < ARRAY_SIZE(p); n++) {
		errno = 0;
		p[n] = pagoda_mempool_alloc(pool, ATOMIC);
		if (!p[n])
			break;
		CHECK(!errno);
		for (i = 0; i < n; i++)
			CHECK(p[i] != p[n]);
	}
	CHECK(errno == ENOMEM);
	for (i = 0; i < n; i++)
		pagoda_mempool_free(p[i], pool);
	atomic_store(&dry, before);
	return n;
}

static void basics(void)
{
	mempool_t *pool = source_pool(20);
	void *p[50];
	size_t i;

	CHECK(live == 20);
	for (i = 0; i < 50; i++) {
		p[i] = pagoda_mempool_alloc(pool, i % 2);
		CHECK(p[i]);
	}
	/* The reserve is the last resort. */
	CHECK(live == 70 && reserve_of(pool) == 20);
	pagoda_mempool_free(NULL, pool);
	for (i = 0; i < 50; i++) {
		errno = 77;
		pagoda_mempool_free(p[i], pool);
		CHECK(errno == 77);
	}
	CHECK(live == 20 && reserve_of(pool) == 20);

	CHECK(!pagoda_mempool_resize(pool, 300));
	CHECK(live == 300 && reserve_of(pool) == 300);
	CHECK(!pagoda_mempool_resize(pool, 300));
	CHECK(!pagoda_mempool_resize(pool, 7));
	CHECK(live == 7 && reserve_of(pool) == 7);
	/* Those in use are missed by a reserve that shrinks. */
	atomic_store(&dry, true);
	for (i = 0; i < 5; i++)
		p[i] = pagoda_mempool_alloc(pool, ATOMIC);
	CHECK(!pagoda_mempool_resize(pool, 3) && live == 7);
	for (i = 0; i < 5; i++)
		pagoda_mempool_free(p[i], pool);
	CHECK(live == 3 && reserve_of(pool) == 3);
	atomic_store(&dry, false);
	pagoda_mempool_destroy(pool);
	CHECK(!live);
	pagoda_mempool_destroy(NULL);
}

static void refuses(int error, mempool_t *pool)
{
	CHECK_MSG(!pool && errno == error, "%p, errno %d, not %d",
		  (void *)pool, errno, error);
	errno = 0;
}

/* As mlock2(2) says. Root may lock what it likes. */
static void locked_as_user(void *unused)
{
	struct rlimit limit = {8192, 8192};
	mempool_t *p;

	(void)unused;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	if (!geteuid() && setuid(65534)) {
		printf("cannot become someone else\n");
		return;
	}
	errno = 0;
	refuses(ENOMEM, pagoda_mempool_create_locked_pool(100, 1000));
	p = pagoda_mempool_create_locked_pool(8, 1000);
	CHECK(p);
	refuses(ENOMEM, pagoda_mempool_create_locked_pool(1, 1));
	pagoda_mempool_destroy(p);
	limit.rlim_cur = 0;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	refuses(EPERM, pagoda_mempool_create_locked_pool(1, 1));
}

static void errors(void)
{
	struct pagoda_kmem_cache *c;
	mempool_t *pool;

	errno = 0;
	refuses(EINVAL, pagoda_mempool_create(0, source_alloc, source_free,
					      &dry));
	refuses(EINVAL, pagoda_mempool_create(UINT_MAX, source_alloc,
					      source_free, &dry));
	refuses(EINVAL, pagoda_mempool_create(1, NULL, source_free, &dry));
	refuses(EINVAL, pagoda_mempool_create(1, source_alloc, NULL, &dry));
	refuses(EINVAL, pagoda_mempool_create_kmalloc_pool(1, 0));
	refuses(EINVAL, pagoda_mempool_create_kmalloc_pool(1, SIZE_MAX));
	refuses(EINVAL, pagoda_mempool_create_locked_pool(0, 100));
	refuses(ENOMEM, pagoda_mempool_create_locked_pool(100, SIZE_MAX / 100));
	c = pagoda_kmem_cache_create("panics", 100, 0, PAGODA_SLAB_PANIC, NULL);
	refuses(EINVAL, pagoda_mempool_create_slab_pool(1, c));
	CHECK(!pagoda_kmem_cache_destroy(c));
	/* In the middle of filling it. */
	atomic_store(&allocs_left, 10);
	refuses(ENOMEM, pagoda_mempool_create(20, source_alloc, source_free,
					      &dry));
	CHECK(!live);
	atomic_store(&allocs_left, INT_MAX);

	pool = source_pool(5);
	refuses(EINVAL, pagoda_mempool_alloc(pool, PAGODA_GFP_ZERO));
	refuses(EINVAL, pagoda_mempool_alloc(pool, 8));
	CHECK(pagoda_mempool_resize(pool, 0) == -1 && errno == EINVAL);
	CHECK(pagoda_mempool_resize(pool, UINT_MAX) == -1 && errno == EINVAL);
	atomic_store(&allocs_left, 10);
	CHECK(pagoda_mempool_resize(pool, 50) == -1 && errno == ENOMEM);
	CHECK(live == 5 && reserve_of(pool) == 5);
	pagoda_mempool_destroy(pool);

	pool = pagoda_mempool_create_locked_pool(2, 100);
	CHECK(pool && pagoda_mempool_resize(pool, 3) == -1 && errno == EINVAL);
	pagoda_mempool_destroy(pool);
	in_child("who may lock little", 10, locked_as_user, NULL);
}

/* ---- the reserve is there ---------------------------------------------- */

static bool is_resident(void *p, size_t size)
{
	uintptr_t start = (uintptr_t)p & ~(uintptr_t)4095;
	unsigned char vec[64] = {0};
	size_t i, pages = ((uintptr_t)p + size - start + 4095) / 4096;

	CHECK(pages <= sizeof(vec));
	CHECK(!mincore((void *)start, pages * 4096, vec));
	for (i = 0; i < pages; i++)
		if (!(vec[i] & 1))
			return false;
	return true;
}

/*
 * Where there is no memory to be had, there are @n elements, resident before they
 * are used. (There may be more: nested calls find what others may not have.)
 */
static void use_up(mempool_t *pool, size_t n, size_t size)
{
	static void *p[400000], *extra[400000];
	struct rlimit limit, none;
	size_t i, got = 0, nr, there = 0;

	CHECK(!getrlimit(RLIMIT_DATA, &limit));
	none = limit;
	/* Not 0, which Linux takes for no limit, for valgrind's sake. */
	none.rlim_cur = 4096;
	CHECK(!setrlimit(RLIMIT_DATA, &none));
	while (got < ARRAY_SIZE(extra)) {
		extra[got] = malloc(size);
		if (!extra[got])
			break;
		got++;
	}
	for (nr = 0; nr < ARRAY_SIZE(p); nr++) {
		p[nr] = pagoda_mempool_alloc(pool, ATOMIC);
		if (!p[nr])
			break;
		there += is_resident(p[nr], size);
		memset(p[nr], 1, size);
	}
	printf("%zu elements, %zu of them resident\n", nr, there);
	CHECK(nr < ARRAY_SIZE(p) && there >= n);
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	while (got--)
		free(extra[got]);
	for (i = 0; i < nr; i++)
		pagoda_mempool_free(p[i], pool);
	pagoda_mempool_destroy(pool);
}

static void resident(void)
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("elements", 3000, 0, 0, NULL);
	long locked = status_kib("VmLck");
	mempool_t *pool;

	use_up(pagoda_mempool_create_kmalloc_pool(20, 60), 20, 60);
	use_up(pagoda_mempool_create_kmalloc_pool(20, 100000), 20, 100000);
	use_up(pagoda_mempool_create_slab_pool(50, c), 50, 3000);
	CHECK(!pagoda_kmem_cache_destroy(c));
	pool = pagoda_mempool_create_locked_pool(10, 5000);
	if (!pool)
		test_skip("may lock nothing");
	CHECK(status_kib("VmLck") - locked == 52);
	use_up(pool, 10, 5000);
	CHECK(status_kib("VmLck") == locked);
}

/* ---- who waits --------------------------------------------------------- */

static mempool_t *pool;
static atomic_bool over;

static void *waiter(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	size_t i;

	for (i = 0; i < 3000; i++) {
		struct box *box = pagoda_mempool_alloc(pool, KERNEL);

		CHECK(box);
		box_fill(box, 100);
		if (!rng_below(&r, 8))
			sched_yield();
		box_check(box);
		pagoda_mempool_free(box, pool);
	}
	return NULL;
}

/* More threads than elements: all of them get their turn. */
static void waiting(void)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	uintptr_t i;

	pool = source_pool(3);
	atomic_store(&dry, true);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(waiter, (void *)i, 0);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(live == 3 && reserve_of(pool) == 3);
	pagoda_mempool_destroy(pool);
}

/* ---- threads, with a reserve that changes ------------------------------ */

static void *taker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	/* Nice, so that the test's own thread gets to run. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	while (!atomic_load(&over)) {
		struct box *box[4];
		size_t i, n = 1 + rng_below(&r, 4);

		for (i = 0; i < n; i++) {
			box[i] = pagoda_mempool_alloc(pool, ATOMIC);
			if (box[i])
				box_fill(box[i], 100);
		}
		for (i = 0; i < n; i++)
			if (box[i])
				box_check(box[i]);
		for (i = 0; i < n; i++)
			pagoda_mempool_free(box[i], pool);
	}
	return NULL;
}

static void resizing(void)
{
	enum { THREADS = 200 };
	static pthread_t thread[THREADS];
	struct rng r = rng_for(THREADS);
	size_t n = 0;
	double end;
	uintptr_t i;

	pool = source_pool(3);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(taker, (void *)i, 64 * KIB);
	end = now() + 2;
	while (now() < end) {
		CHECK(!pagoda_mempool_resize(pool,
					     1 + (unsigned int)rng_below(&r, 100)));
		atomic_store(&dry, n % 4 == 0);
		sched_yield();
		atomic_store(&dry, false);
		n++;
	}
	atomic_store(&over, true);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(!pagoda_mempool_resize(pool, 10));
	printf("%zu sizes; %d live\n", n, live);
	CHECK(live == (int)reserve_of(pool));
	pagoda_mempool_destroy(pool);
	CHECK(!live);
}

/* ---- handlers and children --------------------------------------------- */

static size_t signals;

/* Always served: the pool has more elements than are in use at a time. */
static void handler(int sig)
{
	struct box *box = pagoda_mempool_alloc(pool, ATOMIC);
	int saved = errno;

	(void)sig;
	CHECK(box);
	signals++;
	box_fill(box, 100);
	box_check(box);
	pagoda_mempool_free(box, pool);
	errno = saved;
}

static void interrupted_by(void (*handle)(int), mempool_t *p)
{
	enum { LEAST = 100 };
	double begin = now();
	timer_t timer;
	struct rng r = rng_for(1);
	struct box *box;

	pool = p;
	CHECK(pool);
	signals = 0;
	timer = start_signals(handle);
	/* On a busy machine few come, for a round takes long. */
	while (now() < begin + 1.5 || (signals <= LEAST && now() < begin + 10)) {
		use_all_layers(&r);
		malloc_trim(0);
		for (int i = 0; i < 1000; i++) {
			box = pagoda_mempool_alloc(pool, KERNEL);
			CHECK(box);
			box_fill(box, 100);
			box_check(box);
			pagoda_mempool_free(box, pool);
		}
	}
	CHECK(!timer_delete(timer));
	printf("%zu signals\n", signals);
	CHECK(signals > LEAST);
	pagoda_mempool_destroy(pool);
}

static void interrupted(void)
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("elements", 100, 0, 0, NULL);

	interrupted_by(handler, pagoda_mempool_create_slab_pool(16, c));
	CHECK(!pagoda_kmem_cache_destroy(c));
	interrupted_by(handler, pagoda_mempool_create_kmalloc_pool(16, 100));
	interrupted_by(handler, pagoda_mempool_create_locked_pool(16, 100));
	/* Only the reserve. */
	pool = source_pool(16);
	atomic_store(&dry, true);
	interrupted_by(handler, pool);
}

static void child(void *arg)
{
	size_t i;

	/* Of the reserve, only what others had in hand is missing. */
	for (i = 0; i < 50; i++)
		CHECK(reserve_of(arg) >= 100 - 8 * 4);
	CHECK(!pagoda_mempool_resize(arg, 150));
	CHECK(!pagoda_mempool_resize(arg, 1));
	pagoda_mempool_destroy(arg);
}

static void forks(void)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	uintptr_t i;

	pool = source_pool(100);
	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(taker, (void *)i, 0);
	for (i = 0; i < 40; i++)
		in_child("child", 30, child, pool);
	atomic_store(&over, true);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(live == 100 && reserve_of(pool) == 100);
	pagoda_mempool_destroy(pool);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"basics", basics, 30},
		{"errors", errors, 30},
		{"resident", resident, 30},
		{"waiting", waiting, 60},
		{"resizing", resizing, 60},
		{"interrupted", interrupted, 60},
		{"forks", forks, 60},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
