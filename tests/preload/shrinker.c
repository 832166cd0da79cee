/* SPDX-License-Identifier: MIT */
/*
 * Proves what include/pagoda/shrinker.h and the calls of include/pagoda/stats.h say:
 * allocations of every kind succeed as long as a cache can give memory back, by
 * rounds; scans allocate, free and trim but do not nest; unregistering waits for
 * them; children, threads and handlers; counters; options that can be changed.
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>
#include <pagoda/mempool.h>
#include <pagoda/shrinker.h>
#include <pagoda/stats.h>
#include <pagoda/vmalloc.h>

#include "workload.h"

#include <malloc.h>

typedef struct pagoda_shrinker shrinker_t;

/* ---- a cache that can be had back -------------------------------------- */

struct entry {
	struct entry *next;
};

enum { ENTRY = 100000 };

static struct entry *entries;
/* Not kept in registers across malloc(), which is a leaf to the compiler. */
static volatile size_t nr_entries, scans, scanned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t count_entries(void *data)
{
	CHECK(data == &entries);
	errno = 55;
	return nr_entries;
}

static size_t scan_entries(void *data, size_t nr)
{
	size_t freed = 0;

	CHECK(data == &entries && nr);
	errno = 56;
	if (pthread_mutex_trylock(&lock))
		return PAGODA_SHRINK_STOP;
	scans++;
	scanned += nr;
	for (; freed < nr && entries; freed++) {
		struct entry *e = entries;

		entries = e->next;
		nr_entries--;
		free(e);
	}
	pthread_mutex_unlock(&lock);
	return freed;
}

static const shrinker_t cache = {
	.count = count_entries,
	.scan = scan_entries,
	.private_data = &entries,
};

static void add_entries(size_t n)
{
	while (n--) {
		struct entry *e = malloc(ENTRY);

		CHECK(e);
		memset(e, 1, ENTRY);
		pthread_mutex_lock(&lock);
		e->next = entries;
		entries = e;
		nr_entries++;
		pthread_mutex_unlock(&lock);
	}
}

static void limit_data(size_t more)
{
	struct rlimit limit;
	size_t kib = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmData: %zu", &kib) == 1)
			break;
	fclose(f);
	limit.rlim_cur = limit.rlim_max = kib * KIB + more;
	CHECK(!setrlimit(RLIMIT_DATA, &limit));
}

/* ---- one thread -------------------------------------------------------- */

static void fails(int error, int result)
{
	CHECK_MSG(result == -1 && errno == error, "%d, errno %d, not %d",
		  result, errno, error);
	errno = 0;
}

static size_t none(void *data)
{
	(void)data;
	return 0;
}

static size_t stop(void *data, size_t nr)
{
	(void)data;
	(void)nr;
	return PAGODA_SHRINK_STOP;
}

static void errors(void)
{
	static const shrinker_t no_count = {.scan = stop};
	static const shrinker_t no_scan = {.count = none};
	static const shrinker_t flags = {none, stop, 0, 1, NULL};
	static const shrinker_t fine = {none, stop, 0, 0, NULL};
	static const shrinker_t same = {none, stop, 5, 0, NULL};

	errno = 0;
	fails(EINVAL, pagoda_register_shrinker(NULL));
	fails(EINVAL, pagoda_register_shrinker(&no_count));
	fails(EINVAL, pagoda_register_shrinker(&no_scan));
	fails(EINVAL, pagoda_register_shrinker(&flags));
	fails(ENOENT, pagoda_unregister_shrinker(&fine));
	fails(ENOENT, pagoda_unregister_shrinker(NULL));
	CHECK(!pagoda_register_shrinker(&fine));
	fails(EEXIST, pagoda_register_shrinker(&fine));
	CHECK(!pagoda_register_shrinker(&same));
	fails(ENOENT, pagoda_unregister_shrinker(&flags));
	malloc_trim(0);
	CHECK(!pagoda_unregister_shrinker(&fine));
	fails(ENOENT, pagoda_unregister_shrinker(&fine));
	CHECK(!pagoda_register_shrinker(&fine));
	CHECK(!pagoda_unregister_shrinker(&fine));
	CHECK(!pagoda_unregister_shrinker(&same));
}

/* A request that fits only if entries go; whoever allocates. */
static void short_of(const char *what, void *(*get)(size_t),
		     void (*put)(void *), size_t size, size_t n)
{
	void **p = calloc(n, sizeof(*p));
	size_t before, i;

	CHECK(p);
	/* As many as there is room for. */
	while (malloc_trim(0), nr_entries)
		;
	limit_data(200 * MIB);
	scans = scanned = 0;
	CHECK(!pagoda_register_shrinker(&cache));
	while (!scans)
		add_entries(1);
	add_entries(10);
	before = nr_entries;
	CHECK(before > 500);
	scans = 0;
	for (i = 0; i < n; i++) {
		errno = 77;
		p[i] = get(size);
		CHECK_MSG(p[i], "%s: the %zu. of %zu", what, i, n);
		CHECK(errno == 77);
		memset(p[i], 2, size);
	}
	printf("%s: %zu scans, %zu of %zu entries left\n", what, scans,
	       nr_entries, before);
	CHECK(scans && nr_entries < before);
	CHECK(!pagoda_unregister_shrinker(&cache));
	for (i = 0; i < n; i++)
		put(p[i]);
	free(p);
}

static void *aligned(size_t size)
{
	return memalign(64 * KIB, size);
}

static void *posix(size_t size)
{
	void *p = NULL;

	return posix_memalign(&p, 64, size) ? NULL : p;
}

static void *zeroed(size_t size)
{
	char *p = calloc(1, size);

	CHECK(!p || all_zero(p, size));
	return p;
}

static void *grown(size_t size)
{
	return realloc(malloc(10), size);
}

static void *pages(size_t size)
{
	return pagoda_alloc_pages_exact(size, PAGODA_GFP_KERNEL);
}

static struct pagoda_kmem_cache *objects;

static void *object(size_t size)
{
	CHECK(size == 3000);
	return pagoda_kmem_cache_alloc(objects, PAGODA_GFP_KERNEL);
}

static const struct {
	const char *what;
	void *(*get)(size_t);
	void (*put)(void *);
	size_t size, n;
} kinds[] = {
	{"malloc", malloc, free, 1000, 100000},
	{"malloc large", malloc, free, 500000, 200},
	{"malloc huge", malloc, free, 50000000, 2},
	{"calloc", zeroed, free, 20000, 5000},
	{"calloc large", zeroed, free, 3000000, 30},
	{"memalign", aligned, free, 100000, 900},
	{"posix_memalign", posix, free, 2000, 50000},
	{"realloc", grown, free, 700000, 140},
	{"pages", pages, free, 4000000, 25},
	{"vmalloc", pagoda_vmalloc, pagoda_vfree, 8000000, 12},
	{"objects", object, free, 3000, 35000},
};

static void one_kind(void *arg)
{
	size_t i = (size_t)arg;

	objects = pagoda_kmem_cache_create("objects", 3000, 0, 0, NULL);
	short_of(kinds[i].what, kinds[i].get, kinds[i].put, kinds[i].size,
		 kinds[i].n);
}

static void short_of_memory(void)
{
	size_t i;

	/* Each with a limit of its own. */
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		in_child(kinds[i].what, 30, one_kind, (void *)i);
}

/* Not for those who do not wait, nor for what could never be there. */
static void not_asked(void)
{
	struct pagoda_kmem_cache *c =
		pagoda_kmem_cache_create("atomic", 30000, 0, 0, NULL);

	CHECK(!pagoda_register_shrinker(&cache));
	add_entries(20);
	CHECK(!malloc(opaque((size_t)1 << 46)) && nr_entries == 20);
	CHECK(!malloc(opaque(SIZE_MAX)) && nr_entries == 20);
	CHECK(!pagoda_vmalloc((size_t)1 << 46) && nr_entries == 20);
	limit_data(50 * MIB);
	while (pagoda_alloc_pages(PAGODA_GFP_ATOMIC, 5))
		;
	while (pagoda_kmem_cache_alloc(c, PAGODA_GFP_ATOMIC))
		;
	CHECK(errno == ENOMEM && nr_entries == 20 && !scans);
	while (!scans)
		CHECK(pagoda_alloc_pages(PAGODA_GFP_KERNEL, 2));
	CHECK(!pagoda_unregister_shrinker(&cache));
}

/* ---- rounds and prices ------------------------------------------------- */

static volatile size_t asked[2][8], rounds[2];

static size_t thousand(void *data)
{
	(void)data;
	return 1000;
}

static size_t ask(void *data, size_t nr)
{
	size_t which = *(size_t *)data;

	CHECK(rounds[which] < 8);
	asked[which][rounds[which]++] = nr;
	return 0;
}

static void by_rounds(void)
{
	static size_t which[2] = {0, 1};
	static const shrinker_t plain = {thousand, ask, 0, 0, &which[0]};
	static const shrinker_t dear = {thousand, ask, 8, 0, &which[1]};

	CHECK(!pagoda_register_shrinker(&plain));
	CHECK(!pagoda_register_shrinker(&dear));
	limit_data(10 * MIB);
	errno = 0;
	CHECK(!malloc(opaque(500 * MIB)) && errno == ENOMEM);
	CHECK(rounds[0] == 3 && rounds[1] == 3);
	CHECK(asked[0][0] == 250 && asked[0][1] == 500 && asked[0][2] == 1000);
	CHECK(asked[1][0] == 62 && asked[1][1] == 124 && asked[1][2] == 1000);
	malloc_trim(0);
	CHECK(rounds[0] == 4 && asked[0][3] == 1000 && asked[1][3] == 1000);
	CHECK(!pagoda_unregister_shrinker(&plain));
	CHECK(!pagoda_unregister_shrinker(&dear));
}

/* ---- in a scan --------------------------------------------------------- */

static volatile size_t depth, nested_scans;
static const shrinker_t nesting;

static size_t scan_nesting(void *data, size_t nr)
{
	void *p;

	(void)data;
	(void)nr;
	CHECK(!depth++);
	nested_scans++;
	errno = 0;
	CHECK(!malloc(opaque(500 * MIB)) && errno == ENOMEM);
	malloc_trim(0);
	fails(EDEADLK, pagoda_unregister_shrinker(&nesting));
	fails(EDEADLK, pagoda_unregister_shrinker(&cache));
	CHECK(!pagoda_register_shrinker(&cache));
	fails(EEXIST, pagoda_register_shrinker(&cache));
	p = malloc(100);
	free(p);
	depth--;
	return PAGODA_SHRINK_STOP;
}

static const shrinker_t nesting = {
	.count = thousand,
	.scan = scan_nesting,
};

static void inside(void)
{
	struct rlimit limit = {300 * MIB, RLIM_INFINITY};

	CHECK(!setrlimit(RLIMIT_DATA, &limit));
	CHECK(!pagoda_register_shrinker(&nesting));
	malloc_trim(0);
	CHECK(nested_scans == 1);
	CHECK(!pagoda_unregister_shrinker(&cache));
	CHECK(!pagoda_unregister_shrinker(&nesting));
}

/* ---- unregistering waits ----------------------------------------------- */

static atomic_int in_scan, may_end;

static size_t scan_slow(void *data, size_t nr)
{
	(void)data;
	(void)nr;
	atomic_fetch_add(&in_scan, 1);
	while (!atomic_load(&may_end))
		usleep(1000);
	atomic_fetch_sub(&in_scan, 1);
	return 0;
}

static const shrinker_t slow = {.count = thousand, .scan = scan_slow};

static void *trim(void *arg)
{
	malloc_trim(0);
	return arg;
}

static void *let_go(void *arg)
{
	usleep(200000);
	atomic_store(&may_end, 1);
	return arg;
}

static void child_of_scan(void *arg)
{
	(void)arg;
	/* Whoever runs it is not here. */
	CHECK(!pagoda_unregister_shrinker(&slow));
	CHECK(!pagoda_register_shrinker(&slow));
	atomic_store(&may_end, 1);
	malloc_trim(0);
	CHECK(!pagoda_unregister_shrinker(&slow));
}

static void waiting(void)
{
	enum { N = 5 };
	pthread_t thread[N], other;
	size_t i;

	CHECK(!pagoda_register_shrinker(&slow));
	for (i = 0; i < N; i++)
		thread[i] = start_thread(trim, NULL, 64 * KIB);
	while (atomic_load(&in_scan) < N)
		usleep(1000);
	in_child("while others scan", 10, child_of_scan, NULL);
	other = start_thread(let_go, NULL, 64 * KIB);
	CHECK(!pagoda_unregister_shrinker(&slow));
	CHECK(atomic_load(&may_end) && !atomic_load(&in_scan));
	fails(ENOENT, pagoda_unregister_shrinker(&slow));
	for (i = 0; i < N; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(!pthread_join(other, NULL));
}

/* ---- threads, children, handlers --------------------------------------- */

static atomic_bool over;

static void *worker(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	/* Some come and go. */
	shrinker_t own = cache;

	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	while (!atomic_load(&over)) {
		CHECK(!pagoda_register_shrinker(&own));
		add_entries(rng_below(&r, 5));
		if (!rng_below(&r, 20))
			malloc_trim(0);
		free(malloc(rng_size(&r, 2 * MIB)));
		CHECK(!pagoda_unregister_shrinker(&own));
	}
	return NULL;
}

static void child(void *arg)
{
	/* Another thread may have had it. */
	pthread_mutex_init(&lock, NULL);
	malloc_trim(0);
	malloc_trim(0);
	CHECK(!pagoda_unregister_shrinker(&cache));
	CHECK(!pagoda_register_shrinker(&cache));
	(void)arg;
}

static void threads(void)
{
	enum { N = 100 };
	static pthread_t thread[N];
	double end = now() + 2;
	size_t i, forks = 0;

	CHECK(!pagoda_register_shrinker(&cache));
	for (i = 0; i < N; i++)
		thread[i] = start_thread(worker, (void *)i, 64 * KIB);
	for (; now() < end; forks++) {
		/* So that the list of entries is whole there. */
		pthread_mutex_lock(&lock);
		in_child("child", 20, child, NULL);
		pthread_mutex_unlock(&lock);
	}
	atomic_store(&over, true);
	for (i = 0; i < N; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%zu forks, %zu scans of %zu entries\n", forks, scans, scanned);
	malloc_trim(0);
	CHECK(scans && !nr_entries);
	CHECK(!pagoda_unregister_shrinker(&cache));
}

static size_t signals, refused;

static void handler(int sig)
{
	int saved = errno;

	(void)sig;
	signals++;
	if (pagoda_unregister_shrinker(&nesting))
		refused += errno == EDEADLK;
	free(malloc(100));
	errno = saved;
}

static void interrupted(void)
{
	double end = now() + 1;
	timer_t timer;

	CHECK(!pagoda_register_shrinker(&cache));
	timer = start_signals(handler);
	while (now() < end) {
		add_entries(50);
		malloc_trim(0);
	}
	CHECK(!timer_delete(timer));
	printf("%zu signals, %zu in the allocator\n", signals, refused);
	CHECK(signals > 100 && refused);
	CHECK(!pagoda_unregister_shrinker(&cache));
}

/* ---- counters and options ---------------------------------------------- */

static void counters(void)
{
	struct pagoda_stats a, b;
	struct {
		struct pagoda_stats known;
		uint64_t later[4];
	} newer;
	void *p;

	fails(EINVAL, pagoda_stats(&a, 0));
	CHECK(!pagoda_stats(&a, sizeof(a)));
	p = pagoda_vmalloc(100 * MIB);
	CHECK(p && !malloc(opaque(SIZE_MAX)));
	CHECK(!pagoda_stats(&b, sizeof(b)));
	CHECK(b.vmalloc_used - a.vmalloc_used == 100 * MIB);
	CHECK(b.live >= a.live + 100 * MIB && b.online >= b.live);
	CHECK(b.span >= b.online && b.metadata && b.pgalloc >= a.pgalloc);
	CHECK(b.oom == a.oom);
	CHECK(b.online == b.free + b.pcp + b.slab + b.large + b.large_cached +
				  b.vmalloc_used + b.vmalloc_free);
	pagoda_vfree(p);
	/* An older program, a newer one. */
	memset(&b, 0x55, sizeof(b));
	p = malloc(100);
	CHECK(!pagoda_stats(&b, 8));
	CHECK(b.live && b.available == 0x5555555555555555u);
	memset(&newer, 0x55, sizeof(newer));
	CHECK(!pagoda_stats(&newer.known, sizeof(newer)));
	CHECK(newer.known.live && all_zero(newer.later, sizeof(newer.later)));
	free(p);
	CHECK(!pagoda_register_shrinker(&cache));
	add_entries(30);
	malloc_trim(0);
	CHECK(!pagoda_stats(&b, sizeof(b)));
	CHECK(b.slabs_scanned == a.slabs_scanned + 30);
	CHECK(b.pgpurge > a.pgpurge && b.purge_calls > a.purge_calls);
	CHECK(!pagoda_unregister_shrinker(&cache));
}

static void is(const char *name, const char *value)
{
	char buf[300];

	CHECK(pagoda_option_get(name, buf, sizeof(buf)) ==
	      (long)strlen(value));
	CHECK_MSG(!strcmp(buf, value), "%s is %s, not %s", name, buf, value);
}

static void options(void)
{
	static const char *const live[] = {
		"percpu_budget", "block_budget", "barn_limit", "decay_ms",
		"resident_free", "mmap_cache",	 "stats_interval"};
	struct rng r = rng_for(3);
	char buf[8];
	size_t i;

	fails(ENOENT, (int)pagoda_option_get("none", buf, sizeof(buf)));
	fails(ENOENT, (int)pagoda_option_get("", buf, sizeof(buf)));
	fails(ENOENT, pagoda_option_set("none", "1"));
	fails(EPERM, pagoda_option_set("percpu", "lock"));
	fails(EPERM, pagoda_option_set("span", "100"));
	fails(EPERM, pagoda_option_set("stats", "/tmp/x"));
	fails(EINVAL, pagoda_option_set("decay_ms", ""));
	fails(EINVAL, pagoda_option_set("decay_ms", "-1"));
	fails(EINVAL, pagoda_option_set("decay_ms", "3600001"));
	fails(EINVAL, pagoda_option_set("decay_ms", "1G"));
	fails(EINVAL, pagoda_option_set("percpu_budget", "15"));
	fails(EINVAL, pagoda_option_set("barn_limit", "8192,decay_ms=1"));
	is("decay_ms", "2000");
	is("thp", "auto");
	is("stats", "");
	is("numa", "auto");
	CHECK(pagoda_option_get("resident_free", buf, 3) == 5);
	CHECK(!strcmp(buf, "65"));
	CHECK(pagoda_option_get("resident_free", NULL, 0) == 5);

	for (i = 0; i < ARRAY_SIZE(live); i++) {
		const char *least = i ? "0" : "16";

		CHECK(!pagoda_option_set(live[i], least));
		is(live[i], least);
		use_all_layers(&r);
		CHECK(!pagoda_option_set(live[i], "100000"));
		is(live[i], "100000");
		use_all_layers(&r);
	}
	for (i = 0; i < ARRAY_SIZE(live); i++)
		CHECK(!pagoda_option_set(live[i], "16"));
	use_all_layers(&r);
	CHECK(!pagoda_option_set("resident_free", "64M"));
	CHECK(!pagoda_option_set("resident_free", "1G"));
	is("resident_free", "1048576");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"errors", errors, 30},
		{"short_of_memory", short_of_memory, 60},
		{"not_asked", not_asked, 30},
		{"by_rounds", by_rounds, 30},
		{"inside", inside, 30},
		{"waiting", waiting, 30},
		{"threads", threads, 60},
		{"interrupted", interrupted, 30},
		{"counters", counters, 30},
		{"options", options, 30},
	};

	if (!pagoda_available())
		test_skip("there is nothing to test without the library");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
