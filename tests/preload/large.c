/* SPDX-License-Identifier: MIT */
/*
 * Large blocks, most of more than 1 MiB, whose neighbours are of other sizes:
 *
 *   gaps      many sizes that come and go take little more than what is alive
 *   left      what they leave behind does not lie idle while others need memory
 *   resized   by realloc(): in place if they can, with their contents
 *   appended  grown from nothing again and again, in the memory of the last time
 *   threads   at once, with contents of their own
 *   handed    smaller ones from thread to thread: what one frees the other gets
 *   sizes     so many that none comes twice: in little more memory than they have
 *   aligned   to more than a page: from caches like others
 *   often     those of more than 1 MiB, too, while they come and go all the time
 *   moved     by realloc() out of such a block, which is used again, and calloc() then
 *   grown     in place, to where a block of their size would not begin: not for who
 *             asks for its alignment
 *   short     of address space: what small objects left serves them, too
 */
#include "counted.h"

#include <malloc.h>

enum { LIVE = 12, ROUNDS = 2000 };

struct block {
	char *p;
	size_t size;
};

static void replace(struct block *b, size_t size)
{
	free(b->p);
	b->size = size;
	b->p = malloc(size);
	CHECK(b->p);
	fill(b->p, size);
}

static size_t some_size(struct rng *r)
{
	static const size_t sizes[] = {300000, 1200000, 1300000, 2400000};

	return sizes[rng_below(r, ARRAY_SIZE(sizes))];
}

static void gaps(void)
{
	static struct block live[LIVE];
	struct rng r = rng_for(0);
	long before = status_kib("VmRSS"), grew;
	size_t bytes = 0, most = 0, i;

	for (i = 0; i < ROUNDS; i++) {
		struct block *b = &live[rng_below(&r, LIVE)];

		bytes -= b->size;
		replace(b, some_size(&r));
		bytes += b->size;
		most = bytes > most ? bytes : most;
	}
	grew = status_kib("VmHWM") - before;
	printf("%zu KiB alive at most, grew by %ld KiB\n", most / KIB, grew);
	CHECK((size_t)grew < most / KIB * 17 / 10);
	for (i = 0; i < LIVE; i++)
		CHECK(!live[i].p || check_fill(live[i].p, live[i].size));
}

static void left(void)
{
	enum { NR = 8, SMALL = 1000 };
	static const size_t size = 3 * MIB;
	static void *small[NR * 3 * MIB / SMALL];
	struct block blocks[NR] = {{0}};
	long before, grew;
	size_t i;

	memset(small, 1, sizeof(small));
	before = status_kib("VmRSS");
	for (i = 0; i < NR; i++)
		replace(&blocks[i], size);
	for (i = 0; i < NR; i++)
		free(blocks[i].p);
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		small[i] = malloc(SMALL);
		CHECK(small[i]);
		memset(small[i], 1, SMALL);
	}
	grew = status_kib("VmHWM") - before;
	printf("grew by %ld KiB for %zu\n", grew, NR * size / KIB);
	CHECK((size_t)grew < NR * size / KIB * 17 / 10);
	for (i = 0; i < ARRAY_SIZE(small); i++)
		free(small[i]);
}

static char *resize(char *p, size_t old, size_t size)
{
	size_t kept = old < size ? old : size;
	char *sample = malloc(kept);

	CHECK(sample);
	memcpy(sample, p, kept);
	p = realloc(p, size);
	CHECK(p && malloc_usable_size(p) >= size);
	CHECK(!memcmp(p, sample, kept));
	memset(p, 0x77, size);
	free(sample);
	return p;
}

static void resized(void)
{
	static const size_t sizes[] = {1100, 1500, 4000, 5000, 3000, 1030,
				       1024, 1700, 200,	 9000, 1200, 900};
	char *p = malloc(3 * MIB), *q;
	size_t i, last = 3 * MIB;

	CHECK(p);
	fill(p, last);
	q = resize(p, last, 3 * MIB / 2);
	if (preloaded())
		CHECK_MSG(q == p, "moved when it became smaller");
	last = 3 * MIB / 2;
	for (i = 0; i < 20 * ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i % ARRAY_SIZE(sizes)] * KIB + i;

		q = resize(q, last, size);
		last = size;
	}
	free(q);
}

/* A word in each KiB: it is to come round soon on a slow machine, too. */
static void append(void)
{
	enum { STEP = KIB / sizeof(size_t) };
	size_t nr = 64 * STEP, i, done = 0;
	size_t *p = malloc(nr * sizeof(*p));

	for (; nr <= 8 * MIB / sizeof(*p); nr *= 2) {
		CHECK(p);
		for (; done < nr; done += STEP)
			p[done] = done;
		p = realloc(p, 2 * nr * sizeof(*p));
	}
	CHECK(p);
	for (i = 0; i < done; i += STEP)
		CHECK(p[i] == i);
	free(p);
}

static void appended(void)
{
	enum { TIMES = 40 };
	size_t before, faults;
	int i;

	/* For the first few it is not known that others will follow. */
	for (i = 0; i < 4; i++)
		append();
	before = minor_faults();
	for (i = 0; i < TIMES; i++)
		append();
	faults = minor_faults() - before;
	printf("%zu page faults\n", faults);
	CHECK(!preloaded() || faults < TIMES * 256);
}

static void *come_and_go(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	struct block live[4] = {{0}};
	size_t i;

	for (i = 0; i < ROUNDS / 10; i++) {
		struct block *b = &live[rng_below(&r, ARRAY_SIZE(live))];

		CHECK(!b->p || check_fill(b->p, b->size));
		replace(b, some_size(&r));
	}
	for (i = 0; i < ARRAY_SIZE(live); i++)
		free(live[i].p);
	return NULL;
}

static void threads(void)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	size_t i;

	for (i = 0; i < THREADS; i++)
		thread[i] = start_thread(come_and_go, (void *)i, 64 * KIB);
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

/* In 64 MiB of address space: how many blocks fit beside what is free elsewhere. */
static void filled(void)
{
	enum { SMALL = 1000, NR = 16 * MIB / SMALL };
	static char *small[NR], *blocks[64];
	size_t i, nr = 0;

	for (i = 0; i < NR; i++) {
		small[i] = malloc(SMALL);
		CHECK(small[i]);
		memset(small[i], 1, SMALL);
	}
	for (i = 0; i < NR; i++)
		free(small[i]);
	while ((blocks[nr] = malloc(3 * MIB / 2))) {
		fill(blocks[nr], 3 * MIB / 2);
		nr++;
	}
	CHECK(errno == ENOMEM);
	for (i = 0; i < nr; i++) {
		CHECK(check_fill(blocks[i], 3 * MIB / 2));
		free(blocks[i]);
	}
	printf("%zu blocks\n", nr);
	CHECK(nr >= 34);
}

enum { HANDED = 4000, ON_THE_WAY = 16 };

static struct block way[ON_THE_WAY];
static size_t sent, received;

/* The calling thread, on the @nth CPU of @all. Return: whether there is one. */
static bool go_to_cpu(const cpu_set_t *all, unsigned int nth)
{
	cpu_set_t one;

	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

static void *receive(void *cpus)
{
	CHECK(go_to_cpu(cpus, 1));
	for (; received < HANDED; __atomic_fetch_add(&received, 1, __ATOMIC_RELEASE)) {
		struct block *b = &way[received % ON_THE_WAY];

		while (__atomic_load_n(&sent, __ATOMIC_ACQUIRE) == received)
			sched_yield();
		CHECK(check_fill(b->p, b->size));
		free(b->p);
	}
	return NULL;
}

static void handed(void)
{
	struct rng r = rng_for(0);
	pthread_t thread;
	cpu_set_t cpus;

	if (!pagoda_proc_read)
		test_skip("no library that counts what is in barns");
	CHECK(!sched_getaffinity(0, sizeof(cpus), &cpus));
	if (CPU_COUNT(&cpus) < 2)
		test_skip("only one CPU");
	CHECK(!pthread_create(&thread, NULL, receive, &cpus));
	CHECK(go_to_cpu(&cpus, 0));
	for (; sent < HANDED; __atomic_fetch_add(&sent, 1, __ATOMIC_RELEASE)) {
		struct block *b = &way[sent % ON_THE_WAY];

		while (sent - __atomic_load_n(&received, __ATOMIC_ACQUIRE) ==
		       ON_THE_WAY)
			sched_yield();
		b->size = 40 * KIB + rng_below(&r, 900 * KIB);
		b->p = malloc(b->size);
		CHECK(b->p);
		fill(b->p, b->size);
	}
	CHECK(!pthread_join(thread, NULL));
	printf("%zu of %d by way of barns\n", counted("barn_get"), HANDED);
	CHECK(counted("barn_get") > HANDED / 8);
}

/* Few at a time, each used as a whole. */
static void many_sizes(void)
{
	static struct block live[5];
	struct rng r = rng_for(0);
	long before = status_kib("VmRSS"), grew;
	size_t bytes = 0, most = 0;

	for (size_t i = 0; i < 2 * ROUNDS; i++) {
		struct block *b = &live[rng_below(&r, ARRAY_SIZE(live))];

		bytes -= b->size;
		replace(b, 100 * KIB + rng_below(&r, 700 * KIB));
		bytes += b->size;
		most = bytes > most ? bytes : most;
	}
	grew = status_kib("VmHWM") - before;
	printf("%zu KiB of blocks, %ld KiB more\n", most / KIB, grew);
	CHECK(!preloaded() || grew < 3 * (long)(most / KIB));
}

/* What is freed serves the next one: pages are taken from the zone once. */
static void aligned_blocks(void)
{
	static const size_t cases[][2] = {
		{8 * KIB, 8 * KIB}, {16 * KIB, 16 * KIB}, {32 * KIB, 20000},
		{8 * KIB, 40 * KIB}, {64 * KIB, 60 * KIB}, {128 * KIB, 100 * KIB},
	};
	enum { TIMES = 1000, MOST_PAGES = 500 };

	if (!pagoda_proc_read)
		test_skip("no library that counts the pages it takes");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t align = cases[i][0], size = cases[i][1];
		size_t before = counted("pgalloc_normal"), taken;

		for (int k = 0; k < TIMES; k++) {
			char *p = aligned_alloc(align, size);

			CHECK(p && (uintptr_t)p % align == 0);
			fill(p, size);
			CHECK(malloc_usable_size(p) >= size && check_fill(p, size));
			free(p);
		}
		taken = counted("pgalloc_normal") - before;
		printf("%zu at %zu: %zu pages\n", size, align, taken);
		CHECK(taken < MOST_PAGES);
	}
}

/* Free blocks in the sheaves of the cache for @size. */
static size_t blocks_waiting(size_t size)
{
	static char text[64 * KIB];
	char name[32], *line;
	size_t nr = 0;

	CHECK(pagoda_proc_read("sheafinfo", text, sizeof(text)) > 0);
	snprintf(name, sizeof(name), "\nblock-%zu ", size);
	line = strstr(text, name);
	if (line)
		sscanf(line + strlen(name), "%*u %*u %*u %zu", &nr);
	return nr;
}

/* Such a block is kept for the next if the trips to the zone would take most of the time. */
static void often_aligned(void)
{
	static const size_t sizes[] = {2 * MIB, 1200 * KIB, 1700 * KIB};
	enum { TIMES = 20000, TRIES = 200 };
	volatile size_t align = 2 * MIB;

	if (!pagoda_proc_read)
		test_skip("no library that has caches of blocks");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *other = aligned_alloc(align, sizes[i]);
		size_t room = 0, waiting = 0;

		CHECK(other);
		fill(other, sizes[i]);
		/* A tick may come at any time. */
		for (int try = 0; try < TRIES && !waiting; try++) {
			for (int k = 0; k < TIMES; k++) {
				char *p = aligned_alloc(align, sizes[i]);

				CHECK(p && (uintptr_t)p % align == 0);
				p[0] = p[sizes[i] - 1] = 1;
				room = malloc_usable_size(p);
				free(p);
			}
			waiting = blocks_waiting(room);
		}
		CHECK(waiting > 0 && check_fill(other, sizes[i]));
		/* A larger one would do. */
		CHECK(room >= sizes[i] && room <= 2 * MIB);
		free(other);
	}
	/* Others are areas, of just what was asked for. */
	CHECK(malloc_usable_size(malloc(1200 * KIB)) == 1200 * KIB);
}

/* Whoever has the block after its pages were moved away leaves other data there. */
static void moved_out(void)
{
	enum { TURNS = 5, OFTEN = 20000, NR = 64, SIZE = 512 * KIB };
	volatile size_t align = 2 * MIB;
	char *p[NR], *block;

	for (int turn = 0; turn < TURNS; turn++) {
		/* Their cache has room then. */
		for (int i = 0; i < OFTEN; i++)
			free(aligned_alloc(align, 2 * MIB));
		block = aligned_alloc(align, 2 * MIB);
		CHECK(block);
		fill_key(block, 2 * MIB, 1);
		block = realloc(block, 9 * MIB);
		CHECK(block && check_key(block, 2 * MIB, 1));
		free(block);
		block = aligned_alloc(align, 2 * MIB);
		CHECK(block);
		fill(block, 2 * MIB);
		free(block);
		malloc_trim(0);
		for (int i = 0; i < NR; i++) {
			p[i] = calloc(1, SIZE);
			CHECK(p[i] && all_zero(p[i], SIZE));
		}
		for (int i = 0; i < NR; i++)
			free(p[i]);
		malloc_trim(0);
	}
}

/*
 * Blocks of 40 KiB grow in place to @to, and are freed; who asks for @size then gets none
 * of them, since they begin elsewhere than at a multiple of 128 KiB.
 */
static void grow_and_align(size_t to, size_t size)
{
	enum { NR = 64, FROM = 40 * KIB };
	/* Or the compiler knows what aligned_alloc() returns. */
	volatile size_t align = 128 * KIB;
	unsigned int odd = 0, kept = 0;
	char *p[NR];

	for (int i = 0; i < NR; i++) {
		p[i] = malloc(FROM);
		CHECK(p[i]);
	}
	/* Room for the others. */
	for (int i = 0; i < NR; i++) {
		if ((uintptr_t)p[i] % (2 * align) == align / 2)
			continue;
		free(p[i]);
		p[i] = NULL;
	}
	/* Out of their own caches. */
	malloc_trim(0);
	for (int i = 0; i < NR; i++) {
		char *grown = p[i] ? realloc(p[i], to) : NULL;

		if (!grown)
			continue;
		odd += grown == p[i];
		/* What was freed last is what a cache hands out next. */
		free(grown);
		p[i] = aligned_alloc(align, size);
		CHECK(p[i] && (uintptr_t)p[i] % align == 0);
		kept += blocks_waiting(to) > 0;
	}
	/* They wait for who asks for their own size, unless a tick comes. */
	CHECK(kept > 0);
	for (int i = 0; i < NR; i++)
		free(p[i]);
	malloc_trim(0);
	printf("%u grew in place to %zu and began elsewhere\n", odd, to);
	CHECK(odd > 0);
}

static void grown_blocks(void)
{
	if (!pagoda_proc_read)
		test_skip("no library that has caches of blocks");
	grow_and_align(80 * KIB, 80 * KIB);
	/* A larger one would do. */
	grow_and_align(160 * KIB, 112 * KIB);
}

static void set_span(void *unused)
{
	const char *options = getenv("PAGODA_OPTIONS");
	char text[256];

	(void)unused;
	snprintf(text, sizeof(text), "%s,span=64", options ? options : "");
	CHECK(!setenv("PAGODA_OPTIONS", text, 1));
}

static void short_of_space(void)
{
	static const char *const args[] = {"filled", NULL};
	static struct run run;

	if (!preloaded())
		test_skip("no library whose address space is limited");
	run_self(&run, RUN_STDERR, args, set_span, NULL);
	CHECK_MSG(!run.status, "%s", run.text);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"gaps", gaps, 60},
		{"left", left, 30},
		{"resized", resized, 30},
		{"appended", appended, 60},
		{"threads", threads, 60},
		{"handed", handed, 60},
		{"sizes", many_sizes, 60},
		{"aligned", aligned_blocks, 60},
		{"often", often_aligned, 60},
		{"moved", moved_out, 60},
		{"grown", grown_blocks, 30},
		{"short", short_of_space, 60},
		{"filled", filled, 60},
	};

	CHECK_MSG(argc > 1, "usage: large CASE");
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
