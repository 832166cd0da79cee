/* SPDX-License-Identifier: MIT */
/*
 * test_slab_misuse.c - what is not an object of a kmem_cache, or is free already,
 * stops the program with a message, in whatever company it comes.
 */
#include "unit.h"

#include "slab/internal.h"

static void free_twice(void *arg)
{
	struct kmem_cache *c = arg;
	void *p = kmem_cache_alloc(c);

	kmem_cache_free(c, p);
	kmem_cache_free(c, p);
}

/* The second free comes after the sheaf was flushed. */
static void free_twice_later(void *arg)
{
	struct kmem_cache *c = arg;
	void *p = kmem_cache_alloc(c), *keep = kmem_cache_alloc(c);

	kmem_cache_free(c, p);
	slab_drain();
	kmem_cache_free(c, p);
	slab_drain();
	(void)keep;
}

/* The slab itself is gone by then. */
static void free_after_reap(void *arg)
{
	struct kmem_cache *c = arg;
	void *p = kmem_cache_alloc(c);

	kmem_cache_free(c, p);
	slab_drain();
	kmem_cache_free(c, p);
}

static void free_twice_in_a_batch(void *arg)
{
	struct kmem_cache *c = arg;
	void *objs[3];

	CHECK(slab_take(c, 0, objs, 2, false) == 2);
	objs[2] = objs[0];
	slab_give(c, objs, 3, false);
}

/* Objects of two slabs that stay on their lists, in turn: they come one by one. */
static void take_in_turn(struct kmem_cache *c, void *objs[4])
{
	void *all[MAX_OBJS_PER_SLAB + 20];
	unsigned int nr = 0;

	while (nr < c->objs + 20u)
		nr += slab_take(c, 0, all + nr, c->objs + 20u - nr, false);
	slab_give(c, all, 20, false);
	for (unsigned int i = 0; i < 4; i++)
		objs[i] = all[(i % 2 ? c->objs : 20) + 2 * i];
}

static void free_twice_among_single_ones(void *arg)
{
	void *objs[4];

	take_in_turn(arg, objs);
	slab_give(arg, objs, 2, false);
	objs[3] = objs[1];
	slab_give(arg, objs + 2, 2, false);
}

/* The first one is the cache's, the other is that of one just like it. */
static void give_to_another_cache_among_single_ones(void *arg)
{
	struct kmem_cache *twin = create_cache("twin", 96, 0, 0, NULL);
	void *objs[4], *others[4];

	take_in_turn(arg, objs);
	take_in_turn(twin, others);
	objs[1] = others[1];
	slab_give(arg, objs, 2, false);
}

static void free_inside_among_single_ones(void *arg)
{
	void *objs[4];

	take_in_turn(arg, objs);
	objs[1] = (char *)objs[1] + 16;
	slab_give(arg, objs, 2, false);
}

enum { RUN = 80 };

/* @n objects of one slab, each behind the one before. */
static void take_upwards(struct kmem_cache *c, void **objs, unsigned int n)
{
	CHECK(slab_take(c, 0, objs, n, false) == n);
	for (unsigned int i = 0; i < n / 2; i++) {
		void *obj = objs[i];

		objs[i] = objs[n - 1 - i];
		objs[n - 1 - i] = obj;
	}
	CHECK((char *)objs[n - 1] - (char *)objs[0] == (n - 1l) * c->size);
}

/* All but the one in the middle are handed out. */
static void free_twice_in_a_run(void *arg)
{
	struct kmem_cache *c = arg;
	void *objs[RUN];

	take_upwards(c, objs, RUN);
	slab_give(c, &objs[RUN / 2], 1, false);
	slab_give(c, objs, RUN, false);
}

static void free_twice_in_a_run_down(void *arg)
{
	struct kmem_cache *c = arg;
	void *objs[RUN], *down[RUN];

	take_upwards(c, objs, RUN);
	for (int i = 0; i < RUN; i++)
		down[i] = objs[RUN - 1 - i];
	slab_give(c, &objs[1], 1, false);
	slab_give(c, down, RUN, false);
}

/* What would be the next object is the slab's unused end. */
static void free_beyond_the_last(void *arg)
{
	struct kmem_cache *c = arg;
	void *objs[MAX_OBJS_PER_SLAB + 1];

	take_upwards(c, objs, c->objs);
	objs[c->objs] = (char *)objs[c->objs - 1] + c->size;
	slab_give(c, objs, c->objs + 1u, false);
}

static void free_inside(void *arg)
{
	struct kmem_cache *c = arg;
	char *p = kmem_cache_alloc(c);

	kmem_cache_free(c, p + 16);
	slab_drain();
}

static void free_of_another_cache(void *arg)
{
	kmem_cache_free(arg, kmem_cache_alloc(&kmem_caches[1]));
}

static void give_to_another_cache(void *arg)
{
	void *p = kmem_cache_alloc(&kmem_caches[1]);

	slab_give(arg, &p, 1, false);
}

static void misuse(void)
{
	struct kmem_cache *c = create_cache("victim", 96, 0, 0, NULL);

	expect_bug(free_twice, c, "double free of ");
	expect_bug(free_twice, c, "cache victim");
	expect_bug(free_twice_later, c, "double free of ");
	expect_bug(free_after_reap, c, "free of ");
	expect_bug(free_twice_in_a_batch, c, "double free of ");
	expect_bug(free_twice_among_single_ones, c, "double free of ");
	expect_bug(give_to_another_cache_among_single_ones, c, "free of ");
	expect_bug(free_inside_among_single_ones, c, "invalid free of ");
	expect_bug(free_twice_in_a_run, c, "double free of ");
	expect_bug(free_twice_in_a_run_down, c, "double free of ");
	expect_bug(free_beyond_the_last, c, "invalid free of ");
	expect_bug(free_inside, c, "invalid free of ");
	expect_bug(free_of_another_cache, c, "invalid free of ");
	expect_bug(give_to_another_cache, c, "free of ");
}

static void test_misuse_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256");
	misuse();
}

static void test_misuse_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=256");
	misuse();
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misuse_lock),
		cmocka_unit_test(test_misuse_rseq),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
