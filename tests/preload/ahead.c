/* SPDX-License-Identifier: MIT */
/*
 * Memory that is made before it is touched (fault_ahead=on, as on a machine where page
 * faults are dear), from inside the real process:
 *
 *   mappings   chunks of one size that are filled: nearly all pages of the later ones;
 *   blocks     so with blocks and areas of malloc, in threads;
 *   objects    and with objects above a page;
 *   grown      buffers that grow, which keep what they hold;
 *   sparse     but what is hardly touched costs no memory;
 *   guarded    pages that the program protects, and mappings it unmaps behind our back,
 *              are never looked at in a way that could end it;
 *   forked     children go on with it.
 */
#include "counted.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* In huge ones, too. */
static size_t pages_made(void)
{
	return counted("pgpopulate") + counted("thp_fault_alloc") * 2 * MIB / 4096;
}

/* Page faults would be as many as pages. */
static size_t made_of(size_t pages, size_t before)
{
	size_t made = pages_made() - before;

	printf("%zu of %zu pages made\n", made, pages);
	return made;
}

static char *map_chunk(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && all_zero(p + size - 8192, 8192));
	return p;
}

static void mappings(void)
{
	enum { CHUNKS = 20, CHUNK = 2 * MIB };
	size_t before = pages_made(), faults = minor_faults(), i;
	char *p[CHUNKS];

	for (i = 0; i < CHUNKS; i++) {
		p[i] = map_chunk(CHUNK);
		fill(p[i], CHUNK);
	}
	CHECK(made_of(CHUNKS * CHUNK / 4096, before) > 17 * CHUNK / 4096);
	printf("%zu faults\n", minor_faults() - faults);
	for (i = 0; i < CHUNKS; i++)
		CHECK(check_fill(p[i], CHUNK));
}

static void *use_blocks(void *arg)
{
	static const size_t sizes[] = {40 * KIB, 100 * KIB, 700 * KIB, 3 * MIB};
	struct rng r = rng_for((uintptr_t)arg);
	char *p[64];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t nr = 12 * MIB / sizes[i] < 64 ? 12 * MIB / sizes[i] : 64;

		for (j = 0; j < nr; j++) {
			bool clear = rng_below(&r, 2);

			p[j] = clear ? calloc(1, sizes[i]) : malloc(sizes[i]);
			CHECK(p[j] && (!clear || all_zero(p[j], sizes[i])));
			fill(p[j], sizes[i]);
		}
		for (j = 0; j < nr; j++) {
			CHECK(check_fill(p[j], sizes[i]));
			free(p[j]);
		}
	}
	return NULL;
}

static void blocks(void)
{
	size_t before = pages_made(), i;
	pthread_t thread[4];

	use_blocks(NULL);
	CHECK(made_of(12 * MIB / 4096, before) > 3 * MIB / 4096);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		thread[i] = start_thread(use_blocks, (void *)i, 0);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void objects(void)
{
	enum { NR = 1000, OBJECT = 12000 };
	static char *p[NR];
	size_t before = pages_made(), i;

	for (i = 0; i < NR; i++) {
		p[i] = malloc(OBJECT);
		CHECK(p[i]);
		fill(p[i], OBJECT);
	}
	CHECK(made_of(NR * OBJECT / 4096, before) > NR * OBJECT / 4096 / 2);
	for (i = 0; i < NR; i++) {
		CHECK(check_fill(p[i], OBJECT));
		free(p[i]);
	}
}

static void grown(void)
{
	size_t size, old, i, step;
	char *p;

	for (step = 0; step < 2; step++) {
		p = NULL;
		old = 0;
		for (size = 64 * KIB; size <= 64 * MIB;
		     size = step ? size * 2 : size + size / 7) {
			p = realloc(p, size);
			CHECK(p);
			for (i = (old + 511) / 512 * 512; i < size; i += 512)
				p[i] = (char)(i >> 9);
			for (i = 0; i < size; i += 512)
				CHECK(p[i] == (char)(i >> 9));
			old = size;
		}
		free(p);
	}
}

/* Sizes of which the first were filled, and the others are not. */
static void sparse(void)
{
	static const size_t sizes[] = {256 * KIB, 3 * MIB};
	static char *p[2][200];
	size_t i, j;
	long before;

	for (i = 0; i < 2; i++)
		for (j = 0; j < 3; j++)
			fill(map_chunk(sizes[i]), sizes[i]);
	before = status_kib("VmRSS");
	for (i = 0; i < 2; i++)
		for (j = 0; j < 200; j++) {
			p[i][j] = j & 1 ? malloc(sizes[i]) : map_chunk(sizes[i]);
			CHECK(p[i][j]);
			p[i][j][j * 100] = 1;
		}
	printf("%ld KiB more\n", status_kib("VmRSS") - before);
	/* Of 650 MiB: a few pages each, and some that were made in vain. */
	CHECK(status_kib("VmRSS") - before < 12 * 1024);
}

static void guarded(void)
{
	enum { SIZE = 128 * KIB };
	size_t i;

	for (i = 0; i < 100; i++) {
		char *p = aligned_alloc(4096, SIZE), *q = map_chunk(SIZE);

		CHECK(p);
		fill(p, SIZE);
		fill(q, SIZE);
		CHECK(!mprotect(p, SIZE, PROT_NONE));
		if (i & 1)
			CHECK(!syscall(SYS_mprotect, q, SIZE, PROT_NONE));
		else
			CHECK(!syscall(SYS_munmap, q, SIZE));
	}
}

static void go_on(void *arg)
{
	(void)arg;
	use_blocks(NULL);
	mappings();
}

static void forked(void)
{
	size_t i;

	mappings();
	for (i = 0; i < 5; i++)
		in_child("child", 30, go_on, NULL);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"mappings", mappings, 30},
		{"blocks", blocks, 60},
		{"objects", objects, 30},
		{"grown", grown, 60},
		{"sparse", sparse, 30},
		{"guarded", guarded, 30},
		{"forked", forked, 60},
	};

	if (!pagoda_proc_read)
		test_skip("there is nothing to test without the library");
	need_option("fault_ahead=on", argv);
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
