/* SPDX-License-Identifier: MIT */
/*
 * Proves what include/pagoda/kmem.h says: every error of every function; objects
 * that are aligned, one's own and constructed once; bulk calls, in which all or
 * none are there; caches that give memory back, or keep it when they are
 * TYPESAFE; and all that with a thousand threads, forks, and handlers that
 * interrupt the allocator and use the same cache.
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>
#include <pagoda/stats.h>

#include "workload.h"

#include <malloc.h>
#include <sys/mman.h>

enum { KERNEL = PAGODA_GFP_KERNEL, ATOMIC = PAGODA_GFP_ATOMIC };

typedef struct pagoda_kmem_cache cache_t;

static cache_t *create(const char *name, size_t size, unsigned int flags)
{
	cache_t *c = pagoda_kmem_cache_create(name, size, 0, flags, NULL);

	CHECK(c);
	return c;
}

static void *get(cache_t *c)
{
	void *p = pagoda_kmem_cache_alloc(c, KERNEL);

	CHECK(p);
	return p;
}

static void destroy(cache_t *c)
{
	CHECK(!pagoda_kmem_cache_destroy(c));
}

/* ---- create ------------------------------------------------------------ */

static void nothing(void *obj)
{
	(void)obj;
}

static void create_fails(int error, const char *name, size_t size, size_t align,
			 unsigned int flags, void (*ctor)(void *))
{
	errno = 0;
	CHECK(!pagoda_kmem_cache_create(name, size, align, flags, ctor));
	CHECK_MSG(errno == error, "%s: errno %d, not %d", name, errno, error);
}

/* 31 characters count. */
static void names(void)
{
	cache_t *c = create("a name of more than 31 characters is cut", 100, 0);

	CHECK(!strcmp(pagoda_kmem_cache_name(c),
		      "a_name_of_more_than_31_characte"));
	create_fails(EEXIST, "a name of more than 31 characters", 8, 0, 0, NULL);
	create_fails(EEXIST, "a_name_of_more_than_31_characte", 8, 0, 0, NULL);
	destroy(create("a name of more than 31 charact", 100, 0));
	create_fails(EINVAL, "caf\xc3\xa9", 8, 0, 0, NULL);
	create_fails(EINVAL, "del\x7f", 8, 0, 0, NULL);
	create_fails(EEXIST, "kmalloc-x", 8, 0, 0, NULL);
	create_fails(EEXIST, "block-65536", 8, 0, 0, NULL);
	destroy(create("!~", 100, 0));
	destroy(c);
}

static void errors(void)
{
	cache_t *c = create("taken", 100, 0), *all[300];
	char name[32];
	void *objs[4];
	size_t n;

	create_fails(EINVAL, NULL, 100, 0, 0, NULL);
	create_fails(EINVAL, "", 100, 0, 0, NULL);
	create_fails(EINVAL, "tab\tin it", 100, 0, 0, NULL);
	create_fails(EINVAL, "none", 0, 0, 0, NULL);
	create_fails(EINVAL, "big", 32769, 0, 0, NULL);
	create_fails(EINVAL, "huge", SIZE_MAX, 0, 0, NULL);
	create_fails(EINVAL, "align", 100, 24, 0, NULL);
	create_fails(EINVAL, "align", 100, 8192, 0, NULL);
	create_fails(EINVAL, "flags", 100, 0, 1u << 6, NULL);
	create_fails(EINVAL, "flags", 100, 0, 1u << 31, NULL);
	create_fails(EINVAL, "flags", 100, 0, PAGODA_SLAB_POISON, nothing);
	create_fails(EINVAL, "flags", 100, 0,
		     PAGODA_SLAB_POISON | PAGODA_SLAB_TYPESAFE, NULL);
	create_fails(EEXIST, "taken", 100, 0, 0, NULL);
	create_fails(EEXIST, "taken", 50, 64, PAGODA_SLAB_TYPESAFE, NULL);
	create_fails(EEXIST, "kmalloc-64", 64, 0, 0, NULL);

	errno = 0;
	CHECK(!pagoda_kmem_cache_alloc(c, 4) && errno == EINVAL);
	errno = 0;
	CHECK(!pagoda_kmem_cache_alloc_bulk(c, 8, 4, objs) && errno == EINVAL);
	CHECK(!pagoda_kmem_cache_alloc_bulk(c, KERNEL, 0, objs));
	pagoda_kmem_cache_free_bulk(c, 0, objs);
	CHECK(!pagoda_kmem_cache_destroy(NULL));
	CHECK(pagoda_kmem_cache_size(c) == 100);
	CHECK(!strcmp(pagoda_kmem_cache_name(c), "taken"));
	destroy(c);
	/* Not with a constructor, whose work it would undo. */
	c = pagoda_kmem_cache_create("built", 100, 0, 0, nothing);
	errno = 0;
	CHECK(!pagoda_kmem_cache_alloc(c, PAGODA_GFP_ZERO) && errno == EINVAL);
	destroy(c);

	for (n = 0; n < ARRAY_SIZE(all); n++) {
		snprintf(name, sizeof(name), "no %zu", n);
		errno = 0;
		all[n] = pagoda_kmem_cache_create(name, 100, 0, 0, NULL);
		if (!all[n])
			break;
	}
	CHECK(n == 187 && errno == ENOSPC);
	CHECK(!strcmp(pagoda_kmem_cache_name(all[3]), "no_3"));
	while (n--)
		destroy(all[n]);
	destroy(create("taken", 100, 0));
	names();
}

/* ---- where caches may not be made or ended ------------------------------ */

static cache_t *unrelated;
static volatile size_t refusals;

static void not_here(void)
{
	int saved = errno;

	errno = 0;
	if (!pagoda_kmem_cache_create("inside", 100, 0, 0, NULL))
		refusals = refusals + (errno == EDEADLK);
	errno = 0;
	CHECK(pagoda_kmem_cache_destroy(unrelated) == -1);
	CHECK(errno == EDEADLK || errno == EBUSY);
	CHECK(!pagoda_kmem_cache_shrink(unrelated) || errno == EBUSY);
	/* Nor is anything wrong with them afterwards. */
	CHECK(pagoda_kmem_cache_size(unrelated) == 64);
	errno = saved;
}

static void building(void *obj)
{
	(void)obj;
	not_here();
}

static void interrupting(int sig)
{
	cache_t *c;
	int saved = errno;

	(void)sig;
	errno = 0;
	c = pagoda_kmem_cache_create("inside", 100, 0, 0, NULL);
	/* Where nothing was interrupted, it may. */
	if (c)
		destroy(c);
	else
		refusals = refusals + (errno == EDEADLK);
	errno = saved;
}

static void inside(void)
{
	double end = now() + 1;
	struct rng r = rng_for(4);
	timer_t timer;
	void *used;
	cache_t *c;

	unrelated = create("unrelated", 64, 0);
	used = get(unrelated);
	c = pagoda_kmem_cache_create("building", 1000, 0, 0, building);
	CHECK(c);
	pagoda_kmem_cache_free(c, get(c));
	printf("%zu refusals in constructors\n", refusals);
	CHECK(refusals && pagoda_kmem_cache_size(c) == 1000);
	destroy(c);
	pagoda_kmem_cache_free(unrelated, used);
	destroy(unrelated);

	refusals = 0;
	timer = start_signals(interrupting);
	while (now() < end)
		use_all_layers(&r);
	CHECK(!timer_delete(timer));
	printf("%zu refusals in handlers\n", refusals);
	CHECK(refusals);
	destroy(create("inside", 100, 0));
}

/* ---- objects ----------------------------------------------------------- */

static void one_size(size_t size, size_t align, unsigned int flags)
{
	enum { N = 300 };
	cache_t *c = pagoda_kmem_cache_create("objects", size, align, flags,
					      NULL);
	unsigned char *p[N];
	size_t i;

	CHECK(c && pagoda_kmem_cache_size(c) == size);
	align = align < 16 ? 16 : align;
	if (flags & PAGODA_SLAB_HWCACHE_ALIGN && align < 64)
		align = 64;
	for (i = 0; i < N; i++) {
		p[i] = pagoda_kmem_cache_alloc(c, (unsigned int)i % 3);
		CHECK(p[i] && (uintptr_t)p[i] % align == 0);
		if (i % 3 == PAGODA_GFP_ZERO)
			CHECK(all_zero(p[i], size));
		CHECK(malloc_usable_size(p[i]) >= size);
		if (flags & PAGODA_SLAB_RED_ZONE)
			CHECK(malloc_usable_size(p[i]) == size);
		fill(p[i], size);
	}
	for (i = 0; i < N; i++) {
		CHECK(check_fill(p[i], size));
		errno = 77;
		/* Either way. */
		if (i % 2)
			pagoda_kmem_cache_free(c, p[i]);
		else
			free(p[i]);
		CHECK(errno == 77);
	}
	/* realloc may take it out of the cache. */
	p[0] = get(c);
	fill_key(p[0], size, 1);
	p[0] = realloc(p[0], 3 * size + 1);
	CHECK(p[0] && check_key(p[0], size, 1));
	free(p[0]);
	pagoda_kmem_cache_shrink(c);
	destroy(c);
}

static void objects(void)
{
	static const unsigned int flags[] = {
		0,
		PAGODA_SLAB_HWCACHE_ALIGN,
		PAGODA_SLAB_RECLAIM_ACCOUNT | PAGODA_SLAB_PANIC,
		PAGODA_SLAB_TYPESAFE,
		PAGODA_SLAB_POISON,
		PAGODA_SLAB_RED_ZONE,
		PAGODA_SLAB_POISON | PAGODA_SLAB_RED_ZONE,
	};
	static const size_t sizes[] = {1,   7,	 16,   24,   64,   100,
				       200, 500, 1000, 4096, 9000, 32768};
	size_t i, f;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (f = 0; f < ARRAY_SIZE(flags); f++) {
			one_size(sizes[i], 0, flags[f]);
			one_size(sizes[i], 1, flags[f]);
			one_size(sizes[i], 256, flags[f]);
			one_size(sizes[i], 4096, flags[f]);
		}
}

static void show(void)
{
	static char text[65536];
	cache_t *c = create("shown here", 200, 0);
	void *p = get(c);

	CHECK(pagoda_proc_read("slabinfo", text, sizeof(text)) > 0);
	CHECK_MSG(strstr(text, "\nshown_here "), "%s", text);
	pagoda_kmem_cache_free(c, p);
	destroy(c);
}

/* ---- constructors ------------------------------------------------------ */

struct built {
	struct built *self;
	size_t used;
};

static size_t constructed;

static void build(void *obj)
{
	struct built *b = obj;

	b->self = b;
	b->used = 0;
	constructed++;
	/* It may allocate. */
	free(malloc(100));
}

static void constructor(void)
{
	enum { N = 5000, ROUNDS = 20 };
	static struct built *b[N];
	cache_t *c = pagoda_kmem_cache_create("built", sizeof(**b), 0, 0,
					      build);
	size_t i, round, reused = 0;

	CHECK(c && !constructed);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < N; i++) {
			b[i] = get(c);
			CHECK(b[i]->self == b[i]);
			reused += b[i]->used++ > 0;
		}
		for (i = 0; i < N; i++)
			pagoda_kmem_cache_free(c, b[i]);
	}
	printf("%zu objects, %zu constructed, %zu reused\n",
	       (size_t)N * ROUNDS, constructed, reused);
	CHECK(reused >= N * ROUNDS / 2);
	CHECK(constructed + reused >= N * ROUNDS);
	destroy(c);
}

/* ---- bulk -------------------------------------------------------------- */

static void bulk_of(size_t size, unsigned int flags)
{
	enum { MOST = 3000 };
	static void *p[MOST];
	cache_t *c = create("bulk", size, flags);
	struct rng r = rng_for(size);
	size_t i, n, round;

	for (round = 0; round < 60; round++) {
		n = rng_size(&r, MOST);
		CHECK(pagoda_kmem_cache_alloc_bulk(
			      c, (unsigned int)round % 3, n, p) == n);
		for (i = 0; i < n; i++) {
			CHECK((uintptr_t)p[i] % 16 == 0);
			if (round % 3 == PAGODA_GFP_ZERO)
				CHECK(all_zero(p[i], size));
			fill(p[i], size);
		}
		for (i = 0; i < n; i++)
			CHECK(check_fill(p[i], size));
		errno = 77;
		/* Mixed with single ones. */
		for (i = 0; i < n / 4; i++)
			pagoda_kmem_cache_free(c, p[i]);
		pagoda_kmem_cache_free_bulk(c, n - i, p + i);
		CHECK(errno == 77);
	}
	destroy(c);
}

static void bulk(void)
{
	bulk_of(24, 0);
	bulk_of(200, 0);
	bulk_of(3000, PAGODA_SLAB_HWCACHE_ALIGN);
	bulk_of(200, PAGODA_SLAB_TYPESAFE);
	bulk_of(200, PAGODA_SLAB_POISON | PAGODA_SLAB_RED_ZONE);
}

/* ---- memory that goes back, and that does not -------------------------- */

static void shrink(void)
{
	enum { N = 20000, SIZE = 1000 };
	static void *p[N];
	cache_t *c = create("shrinks", SIZE, 0);
	cache_t *t = create("stays", SIZE, PAGODA_SLAB_TYPESAFE);
	size_t i, bytes;

	CHECK(pagoda_kmem_cache_alloc_bulk(c, KERNEL, N, p) == N);
	CHECK(pagoda_kmem_cache_shrink(c) < 16 * SIZE);
	pagoda_kmem_cache_free_bulk(c, N, p);
	bytes = pagoda_kmem_cache_shrink(c);
	printf("%zu of %zu bytes given back by shrink\n", bytes,
	       (size_t)N * SIZE);
	CHECK(bytes && !pagoda_kmem_cache_shrink(c));

	CHECK(pagoda_kmem_cache_alloc_bulk(t, KERNEL, N, p) == N);
	for (i = 0; i < N; i++)
		fill(p[i], SIZE);
	pagoda_kmem_cache_free_bulk(t, N, p);
	CHECK(!pagoda_kmem_cache_shrink(t));
	malloc_trim(0);
	/* Nobody else has it, so it is as it was. */
	for (i = 0; i < 1000; i++)
		free(malloc(SIZE));
	for (i = 0; i < N; i++)
		CHECK(check_fill(p[i], SIZE));
	destroy(t);
	destroy(c);
}

/* Destroys a cache with @nr objects in use, and shows the first. */
static int leak_objects(const char *nr)
{
	cache_t *c = create("leaky", 200, 0);
	int n = atoi(nr);
	void *p = NULL;

	while (n--)
		p = get(c);
	errno = 0;
	CHECK(pagoda_kmem_cache_destroy(c) == -1 && errno == EBUSY);
	printf("%p\n", p);
	return 0;
}

/* What standard error shows of them. */
static void leak_message(const char *nr, size_t lines, const char *rest)
{
	const char *args[] = {"leak-objects", nr, NULL};
	struct run *run = malloc(sizeof(*run));
	char line[128];
	size_t n = 0;
	char *at;

	CHECK(run);
	run_self(run, RUN_STDERR, args, NULL, NULL);
	CHECK_STATUS(run->status, 0, run->text);
	snprintf(line, sizeof(line),
		 "pagoda: cache leaky cannot be destroyed: objects still in use: %s\n",
		 nr);
	CHECK_MSG(strstr(run->text, line), "%s", run->text);
	for (at = run->text; (at = strstr(at, "leaky: object 0x")); at++)
		n++;
	CHECK_MSG(n == lines && strstr(run->text, rest), "%s", run->text);
	free(run);
}

static void leak(void)
{
	cache_t *c = create("leaks", 200, 0);
	void *p = get(c), *q = get(c);

	leak_message("1", 1, "0x");
	leak_message("16", 16, "0x");
	leak_message("100", 16, "pagoda: cache leaky: and 84 more\n");
	errno = 0;
	CHECK(pagoda_kmem_cache_destroy(c) == -1 && errno == EBUSY);
	/* It is as it was. */
	pagoda_kmem_cache_free(c, get(c));
	free(p);
	CHECK(pagoda_kmem_cache_destroy(c) == -1);
	pagoda_kmem_cache_free(c, q);
	destroy(c);
}

/* ---- out of memory ----------------------------------------------------- */

static void exhausted(void)
{
	enum { N = 200000, SIZE = 4000 };
	static void *p[N];
	cache_t *c = create("exhausted", SIZE, 0);
	struct rlimit limit;
	size_t n, i;

	pagoda_kmem_cache_free(c, get(c));
	CHECK(!getrlimit(RLIMIT_DATA, &limit));
	limit.rlim_cur = 200 * MIB;
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	for (n = 0; n < N; n++) {
		errno = 0;
		p[n] = pagoda_kmem_cache_alloc(c, (unsigned int)n % 2);
		if (!p[n])
			break;
		fill(p[n], SIZE);
	}
	printf("%zu MiB\n", n * SIZE / MIB);
	CHECK(n < N && errno == ENOMEM);
	errno = 0;
	CHECK(!pagoda_kmem_cache_alloc_bulk(c, KERNEL, 1000, p + n) &&
	      errno == ENOMEM);
	for (i = 0; i < n; i++)
		CHECK(check_fill(p[i], SIZE));
	pagoda_kmem_cache_free_bulk(c, n, p);
	CHECK(pagoda_kmem_cache_alloc_bulk(c, KERNEL, 1000, p) == 1000);
	pagoda_kmem_cache_free_bulk(c, 1000, p);
	destroy(c);
}

/* ---- threads and forks ------------------------------------------------- */

/* An object that says whose it is. */
struct item {
	uint64_t key;
	char rest[120];
};

static cache_t *shared;
static atomic_bool over;

static void item_start(struct item *it, uint64_t key)
{
	it->key = key;
	fill_key(it->rest, sizeof(it->rest), key);
}

static void item_check(struct item *it)
{
	CHECK(check_key(it->rest, sizeof(it->rest), it->key));
}

static void use_items(struct rng *r, unsigned int gfp)
{
	enum { N = 64 };
	struct item *it[N];
	size_t i, n = 1 + rng_below(r, N);

	if (rng_below(r, 2)) {
		CHECK(pagoda_kmem_cache_alloc_bulk(shared, gfp, n,
						   (void **)it) == n);
	} else {
		for (i = 0; i < n; i++)
			it[i] = get(shared);
	}
	for (i = 0; i < n; i++)
		item_start(it[i], rng_next(r));
	for (i = 0; i < n; i++)
		item_check(it[i]);
	if (rng_below(r, 2)) {
		pagoda_kmem_cache_free_bulk(shared, n, (void **)it);
	} else {
		for (i = 0; i < n; i++)
			pagoda_kmem_cache_free(shared, it[i]);
	}
}

static void *worker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);

	/* Nice, so that the test's own thread gets to run. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	wait_for_start();
	while (!atomic_load(&over))
		use_items(&r, KERNEL);
	return NULL;
}

static void threads(void)
{
	enum { N = 1000 };
	static pthread_t thread[N];
	struct rng r = rng_for(N);
	size_t i, n = 0;
	double end;

	shared = create("items", sizeof(struct item), 0);
	hold_threads();
	for (i = 0; i < N; i++)
		thread[i] = start_thread(worker, (void *)i, 64 * KIB);
	let_threads_go();
	end = now() + 2;
	/* Others come and go meanwhile. */
	while (now() < end) {
		cache_t *c = create("short lived", rng_size(&r, 5000), 0);
		void *p[50];

		CHECK(pagoda_kmem_cache_alloc_bulk(c, KERNEL, 50, p) == 50);
		pagoda_kmem_cache_free_bulk(c, 50, p);
		destroy(c);
		pagoda_kmem_cache_shrink(shared);
		n++;
	}
	atomic_store(&over, true);
	for (i = 0; i < N; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu caches\n", n);
	destroy(shared);
}

static void child(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	cache_t *own = create("the child's", 64, 0);
	size_t i;

	for (i = 0; i < 200; i++)
		use_items(&r, KERNEL);
	pagoda_kmem_cache_free(own, get(own));
	destroy(own);
	pagoda_kmem_cache_shrink(shared);
}

static void *creator(void *arg)
{
	(void)arg;
	while (!atomic_load(&over))
		destroy(create("comes and goes", 100, 0));
	return NULL;
}

static void forks(void)
{
	enum { N = 12 };
	pthread_t thread[N];
	size_t i;

	shared = create("items", sizeof(struct item), 0);
	for (i = 0; i < N; i++)
		thread[i] = start_thread(i ? worker : creator, (void *)i, 0);
	for (i = 0; i < 60; i++)
		in_child("child", 30, child, (void *)i);
	atomic_store(&over, true);
	for (i = 0; i < N; i++)
		CHECK(!pthread_join(thread[i], NULL));
	destroy(shared);
}

/* ---- signals ----------------------------------------------------------- */

static size_t signals, refused;

static void handler(int sig)
{
	struct item *it = pagoda_kmem_cache_alloc(shared,
						  ++signals % 2 ? KERNEL :
								  ATOMIC);
	int saved = errno;

	(void)sig;
	refused += !it;
	if (it) {
		item_start(it, signals);
		item_check(it);
		pagoda_kmem_cache_free(shared, it);
	}
	errno = saved;
}

/* Slow paths of the same cache: more objects than sheaves hold. */
static void interrupted(void)
{
	enum { N = 4000 };
	static struct item *it[N];
	double end = now() + 2;
	timer_t timer;
	size_t i;

	shared = create("items", sizeof(struct item), 0);
	timer = start_signals(handler);
	while (now() < end) {
		for (i = 0; i < N; i++) {
			it[i] = get(shared);
			item_start(it[i], i);
		}
		for (i = 0; i < N; i++) {
			item_check(it[i]);
			pagoda_kmem_cache_free(shared, it[i]);
		}
		CHECK(pagoda_kmem_cache_alloc_bulk(shared, KERNEL, N,
						   (void **)it) == N);
		pagoda_kmem_cache_free_bulk(shared, N, (void **)it);
		pagoda_kmem_cache_shrink(shared);
	}
	CHECK(!timer_delete(timer));
	printf("%zu signals, %zu refused\n", signals, refused);
	CHECK(signals > 1000 && refused < signals / 10);
	destroy(shared);
}

/* ---- before any constructor ---------------------------------------------- */

static struct {
	bool ran;
	int stats, stats_error;
	long modes;
	int modes_error;
	struct built *built;
	cache_t *cache;
} before;

/* Runs before the library's own constructor: the first call of all is ours. */
static void first_of_all(int argc, char **argv)
{
	struct pagoda_stats stats;

	/* A cache more would be in the way of other cases. */
	if (!pagoda_available() || argc < 2 || strcmp(argv[1], "early"))
		return;
	before.ran = true;
	errno = 0;
	before.stats = pagoda_stats(&stats, sizeof(stats));
	before.stats_error = errno;
	errno = 0;
	before.modes = pagoda_proc_read("modes", NULL, 0);
	before.modes_error = errno;
	before.cache = pagoda_kmem_cache_create("early", sizeof(struct built),
						0, 0, build);
	if (before.cache)
		before.built = pagoda_kmem_cache_alloc(before.cache, KERNEL);
}

__attribute__((section(".preinit_array"), used)) static void (
	*first_function)(int, char **) = first_of_all;

static void early(void)
{
	if (!before.ran) {
		printf("early: only by its name\n");
		return;
	}
	/* The loader may have called malloc already. */
	CHECK(!before.stats ||
	      (before.stats == -1 && before.stats_error == EAGAIN));
	CHECK(before.modes > 0 ||
	      (before.modes == -1 && before.modes_error == EAGAIN));
	printf("before any constructor the allocator is %s\n",
	       before.stats ? "not up" : "up");
	CHECK(before.cache && before.built->self == before.built);
	pagoda_kmem_cache_free(before.cache, before.built);
	destroy(before.cache);
}

/* ---- without the library ----------------------------------------------- */

static void fallback(void)
{
	static const char *const args[] = {"probe", NULL};
	struct run *run = malloc(sizeof(*run));

	CHECK(run && pagoda_available() && pagoda_version());
	run_self(run, RUN_PLAIN, args, NULL, NULL);
	CHECK_STATUS(run->status, 0, "without Pagoda");
	CHECK(!strcmp(run->text, "not available\n"));
	free(run);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"errors", errors, 30},
		{"inside", inside, 30},
		{"objects", objects, 60},
		{"show", show, 30},
		{"constructor", constructor, 30},
		{"bulk", bulk, 30},
		{"shrink", shrink, 30},
		{"leak", leak, 30},
		{"exhausted", exhausted, 30},
		{"threads", threads, 60},
		{"forks", forks, 60},
		{"interrupted", interrupted, 30},
		{"early", early, 30},
		{"fallback", fallback, 30},
	};

	if (argc > 1 && !strcmp(argv[1], "probe")) {
		puts(pagoda_available() ? "available" : "not available");
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "leak-objects"))
		return leak_objects(argv[2]);
	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
