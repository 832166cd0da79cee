/* SPDX-License-Identifier: MIT */
/*
 * Proves what must hold for every size and alignment, not only at chosen
 * corners: alignment, usable size, contents kept by realloc(), zeros from
 * calloc(), and that no two live blocks overlap. Overlap shows as a wrong
 * pattern: every block is filled, kept while others come and go, then checked.
 */
#include "test.h"

#include <malloc.h>

/* Blocks alive at once; whoever is replaced is checked. */
enum { WINDOW = 307 };
static struct {
	void *block;
	size_t size;
} window[WINDOW];

static void window_put(size_t slot, void *block, size_t size)
{
	void *old = window[slot].block;

	CHECK_MSG(check_fill(old, window[slot].size),
		  "block %p of %zu bytes was overwritten", old,
		  window[slot].size);
	free(old);
	if (block)
		fill(block, size);
	window[slot].block = block;
	window[slot].size = size;
}

static void window_empty(void)
{
	size_t i;

	for (i = 0; i < WINDOW; i++)
		window_put(i, NULL, 0);
}

/* ---- every size -------------------------------------------------------- */

enum { EVERY_SIZE = 70000 };

static void check_size(size_t n, size_t slot)
{
	void *p = malloc(n);

	CHECK(p);
	CHECK_MSG((uintptr_t)p % 16 == 0, "malloc(%zu) = %p", n, p);
	CHECK_MSG(malloc_usable_size(p) >= n, "malloc(%zu): usable %zu", n,
		  malloc_usable_size(p));
	/* The slack is the block's, too, so it must overlap nobody. */
	window_put(slot, p, malloc_usable_size(p));
}

static void sizes(void)
{
	struct rng r = rng_for(0);
	size_t n;

	for (n = 0; n <= EVERY_SIZE; n++)
		check_size(n, n % WINDOW);
	for (n = 0; n <= EVERY_SIZE / 2; n++)
		check_size(rng_below(&r, EVERY_SIZE), rng_below(&r, WINDOW));
	window_empty();
}

/* ---- realloc over every class edge ------------------------------------- */

/* Sizes at which the usable size changes: the classes, found from outside. */
static size_t find_edges(size_t *edges, size_t most)
{
	size_t n, usable, found = 0, last = SIZE_MAX;
	void *p;

	for (n = 0; n <= EVERY_SIZE && found < most; n++) {
		p = malloc(n);
		CHECK(p);
		usable = malloc_usable_size(p);
		free(p);
		if (usable == last)
			continue;
		last = usable;
		edges[found++] = n;
	}
	return found;
}

static void *check_realloc(void *p, size_t from, size_t to, uint64_t key)
{
	size_t kept = from < to ? from : to;
	void *q = realloc(p, to);

	CHECK_MSG(q, "realloc from %zu to %zu", from, to);
	CHECK((uintptr_t)q % 16 == 0 && malloc_usable_size(q) >= to);
	CHECK_MSG(check_key(q, kept, key),
		  "contents lost by realloc from %zu to %zu", from, to);
	return q;
}

static void edges(void)
{
	static size_t edge[4096];
	size_t step, i, j, from, to, n = find_edges(edge, ARRAY_SIZE(edge));
	char *p;

	printf("%zu different usable sizes up to %d\n", n, EVERY_SIZE);
	/* Fine-grained allocators: a sample, an odd step meets all residues. */
	step = n / 60 | 1;
	for (i = step; i < n; i += step)
		for (j = step; j < n; j += step) {
			from = edge[i] - (i + j) % 2;
			to = edge[j] - j % 2;
			p = malloc(from);
			CHECK(p);
			fill_key(p, from, i);
			p = check_realloc(p, from, to, i);
			fill_key(p, to, j);
			p = check_realloc(p, to, from, j);
			free(p);
		}
}

/* One block, up and down byte by byte, among neighbours that would notice. */
static void creep(void)
{
	size_t n;
	char *p = NULL;

	for (n = 0; n < WINDOW; n++)
		check_size(rng_for(n).state % 2000, n);
	for (n = 0; n < EVERY_SIZE; n++) {
		p = n ? check_realloc(p, n, n + 1, 7) : malloc(1);
		CHECK(p);
		/* Only the new byte: everything before it must have moved. */
		p[n] = ((char *)&(uint64_t){pattern_word(7, n / 8)})[n % 8];
		if (n % 64 == 0)
			check_size(n % 3000, n / 64 % WINDOW);
	}
	for (; n > 1; n--)
		p = check_realloc(p, n, n - 1, 7);
	free(p);
	window_empty();
}

/* ---- alignments -------------------------------------------------------- */

static void *aligned_block(unsigned int how, size_t align, size_t n)
{
	void *p = NULL;

	if (how == 0 && align >= sizeof(void *))
		return posix_memalign(&p, align, n) ? NULL : p;
	return how == 1 ? aligned_alloc(align, n) : memalign(align, n);
}

static void alignments(void)
{
	static const size_t plain[] = {
		0,     1,     8,     15,     16,     17,      33,   64,
		100,   500,   1000,  2000,   4000,   4096,    4097, 10000,
		32768, 32769, 65536, 100000, 300000, 1000000,
	};
	size_t align, i, n, count = 0;
	unsigned int how;
	char *p;

	for (align = 1; align <= GIB; align *= 2)
		for (i = 0; i < ARRAY_SIZE(plain) + 4; i++) {
			n = i < ARRAY_SIZE(plain) ?
				    plain[i] :
				    align * (i - ARRAY_SIZE(plain)) / 2 + i % 3;
			/* Address space is enough; contents of 1 MiB. */
			if (n > GIB + 3)
				continue;
			for (how = 0; how < 3; how++) {
				p = aligned_block(how, align, n);
				CHECK_MSG(p, "alignment %zu, size %zu", align,
					  n);
				CHECK_MSG((uintptr_t)p % align == 0 &&
						  (uintptr_t)p % 16 == 0,
					  "alignment %zu, size %zu: %p", align,
					  n, (void *)p);
				CHECK(malloc_usable_size(p) >= n);
				if (n > MIB) {
					p[0] = p[n - 1] = 1;
					free(p);
					continue;
				}
				window_put(count++ % WINDOW, p, n);
			}
		}
	/* An aligned block is as good for realloc and free as any. */
	for (align = 1; align <= 4 * MIB; align *= 2)
		for (i = 0; i < ARRAY_SIZE(plain); i++) {
			p = aligned_block(2, align, plain[i]);
			CHECK(p);
			fill_key(p, plain[i], align);
			p = check_realloc(p, plain[i], plain[i] * 2 + 1, align);
			p = check_realloc(p, plain[i], plain[i] / 2 + 1, align);
			free(p);
		}
	window_empty();
}

/* Every size that a class serves, every alignment up to the largest of them. */
static void aligned_sizes(void)
{
	enum { MOST = 33000, LARGEST = 32768, LIVE = 16 };
	void *live[LIVE] = {NULL}, *p;
	size_t align, n, count = 0;

	for (align = 1; align <= LARGEST; align *= 2)
		for (n = 0; n <= MOST; n++) {
			p = aligned_block((unsigned int)n % 3, align, n);
			CHECK_MSG(p && (uintptr_t)p % align == 0 &&
					  (uintptr_t)p % 16 == 0,
				  "alignment %zu, size %zu: %p", align, n, p);
			CHECK(malloc_usable_size(p) >= n);
			/* So that not always the same object comes. */
			free(live[count % LIVE]);
			live[count++ % LIVE] = p;
		}
	for (n = 0; n < LIVE; n++)
		free(live[n]);
}

/* ---- large blocks ------------------------------------------------------ */

static size_t large_size(struct rng *r)
{
	return 64 * KIB + rng_size(r, 64 * MIB - 64 * KIB);
}

/* Several blocks, each filled in full, take any size at each step. */
static void large(void)
{
	enum { LIVE = 4 };
	struct rng r = rng_for(0);
	size_t size[LIVE] = {0}, step, to, i;
	char *block[LIVE] = {NULL};

	for (step = 0; step < 160; step++) {
		i = rng_below(&r, LIVE);
		to = large_size(&r);
		if (!block[i]) {
			block[i] = malloc(to);
			CHECK(block[i]);
		} else if (rng_below(&r, 8)) {
			block[i] = check_realloc(block[i], size[i], to, i);
			/* The part before is in place already. */
		} else {
			CHECK(check_key(block[i], size[i], i));
			free(block[i]);
			block[i] = NULL;
			continue;
		}
		size[i] = to;
		fill_key(block[i], to, i);
	}
	for (i = 0; i < LIVE; i++) {
		CHECK(!block[i] || check_key(block[i], size[i], i));
		free(block[i]);
	}
}

/* The first word of page @i, and the last word of append step @i. */
static bool word_kept(const char *p, size_t at, size_t i)
{
	uint64_t word = pattern_word(3, i);

	return !memcmp(p + at, &word, 8);
}

static void put_word(char *p, size_t at, size_t i)
{
	uint64_t word = pattern_word(3, i);

	memcpy(p + at, &word, 8);
}

/* A buffer that grows by appending, then shrinks; its words are sampled. */
static void append(void)
{
	enum { STEP = 60000, STEPS = 1100, PAGE = 4096 };
	size_t n, i;
	char *p = NULL, *hole[16] = {NULL};

	for (n = 0; n < STEPS; n++) {
		p = realloc(p, (n + 1) * STEP);
		CHECK(p);
		CHECK(!n || word_kept(p, n * STEP - 8, n - 1));
		for (i = n * STEP / PAGE; i < (n + 1) * STEP / PAGE; i++)
			put_word(p, i * PAGE, i);
		put_word(p, (n + 1) * STEP - 8, n);
		/* Something in the way, so that it cannot always stay. */
		free(hole[n % 16]);
		hole[n % 16] = malloc(n % 7 * 50000);
	}
	for (; n > 1; n -= n > 30 ? n / 30 : 1) {
		p = realloc(p, n * STEP);
		CHECK(p);
		for (i = 0; i < n * STEP / PAGE; i++)
			CHECK_MSG(word_kept(p, i * PAGE, i),
				  "page %zu lost at %zu bytes", i, n * STEP);
		for (i = 0; i < n; i++)
			CHECK_MSG(word_kept(p, (i + 1) * STEP - 8, i),
				  "step %zu lost at %zu bytes", i, n * STEP);
	}
	free(p);
	for (i = 0; i < 16; i++)
		free(hole[i]);
}

/* ---- calloc ------------------------------------------------------------ */

/* Fill memory of all sizes with ones and give it back. */
static void dirty(struct rng *r, size_t most)
{
	enum { N = 400 };
	static char *p[N];
	size_t i, n;

	for (i = 0; i < N; i++) {
		n = rng_size(r, most);
		p[i] = malloc(n);
		CHECK(p[i]);
		memset(p[i], 0xff, malloc_usable_size(p[i]));
	}
	for (i = 0; i < N; i++)
		free(p[i]);
}

static void check_zero(struct rng *r, size_t most)
{
	enum { N = 200 };
	static char *p[N];
	size_t i, n;

	for (i = 0; i < N; i++) {
		n = rng_size(r, most);
		p[i] = i % 2 ? calloc(1, n) : calloc(n, 1);
		CHECK(p[i]);
		CHECK_MSG(all_zero(p[i], n), "calloc of %zu bytes: not zero",
			  n);
		memset(p[i], 0xff, n);
	}
	for (i = 0; i < N; i++)
		free(p[i]);
}

static void zeros(void)
{
	/* The same for small blocks alone, so that they are not lost among
	 * large ones, and for blocks that the kernel or the buddy hands out. */
	static const size_t most[] = {200, 3000, 60000, 400000, 8000000};
	struct rng r = rng_for(0);
	size_t round, i;
	char *p;

	for (round = 0; round < 6; round++) {
		for (i = 0; i < ARRAY_SIZE(most); i++) {
			dirty(&r, most[i]);
			check_zero(&r, most[i]);
			if (round % 3 == 1)
				malloc_trim(0);
			check_zero(&r, most[ARRAY_SIZE(most) - 1 - i]);
		}
		/* Cut and grown blocks are dirty in parts. */
		p = malloc(3 * MIB);
		CHECK(p);
		memset(p, 0xff, 3 * MIB);
		p = realloc(p, 100 * KIB);
		check_zero(&r, 3 * MIB);
		p = realloc(p, 6 * MIB);
		memset(p, 0xff, 6 * MIB);
		free(p);
		check_zero(&r, 6 * MIB);
		/* Long enough for free memory to be given back in between. */
		if (round == 2) {
			dirty(&r, 8000000);
			usleep(1500000);
			check_zero(&r, 8000000);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"sizes", sizes, 60}, {"edges", edges, 60},
		{"creep", creep, 60}, {"alignments", alignments, 60},
		{"aligned-sizes", aligned_sizes, 60},
		{"large", large, 60}, {"append", append, 60},
		{"zeros", zeros, 60},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
