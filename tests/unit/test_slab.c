/* SPDX-License-Identifier: MIT */
/*
 * test_slab.c - kmem_caches: objects of all size classes are aligned and in
 * pages of their class; fullest slabs are used first, so that sparse ones run
 * empty and go back; named caches construct each object's memory once, colour
 * their slabs and come and go; objects come in bulk as one by one. Misuse is for
 * test_slab_misuse.c.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os_fake.h"
#include "percpu/percpu.h"
#include "slab/internal.h"
#include "slab/lists.h"

enum { MANY = 4096 };

static struct control_cache *stat_of(const struct kmem_cache *c)
{
	return &control.caches[c->id];
}

static size_t objects_in_sheaves(const struct kmem_cache *c)
{
	size_t sum = 0;

	for (unsigned int slot = 0; slot < percpu.nr; slot++) {
		const union sheaf_header *h = percpu_header_of(slot, c->id);

		sum += h->cur - h->begin;
	}
	return sum;
}

/* Objects in the hands of the test. */
static size_t live(const struct kmem_cache *c)
{
	const struct control_cache *st = stat_of(c);

	return st->nr_slabs * c->objs - st->nr_free - st->nr_barn -
	       objects_in_sheaves(c);
}

/* --- all classes, both modes --- */

static void check_class(struct kmem_cache *c)
{
	enum { NR = 600 };
	static char *objs[NR];
	size_t align = c->size & -c->size;
	size_t nr = min_size(NR, MiB(2) / c->size);

	for (size_t i = 0; i < nr; i++) {
		char *p = objs[i] = kmem_cache_alloc(c);
		const struct page *slab;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % min_size(align, 4096), 0);
		assert_int_equal(span.page_class[addr_to_pfn(p)], c->id);
		assert_int_equal(span.page_class[addr_to_pfn(p + c->size - 1)],
				 c->id);
		assert_true(class_check_ok(c->id, p));
		assert_null(slab_check_object(p));
		assert_string_equal(slab_check_object(p + 16 % c->size + 1),
				    "not the start of an object");
		slab = virt_to_page((char *)align_down(
			(uintptr_t)p, (size_t)PAGE_SIZE << c->order));
		assert_int_equal(slab->type, PAGE_SLAB);
		assert_int_equal(slab->cache, c->id);
		memset(p, (int)i, c->size);
	}
	kmem_cache_validate(c);
	assert_int_equal(live(c), nr);
	for (size_t i = 0; i < nr; i++) {
		assert_true(objs[i][0] == (char)i);
		assert_memory_equal(objs[i], objs[i] + 1, c->size - 1);
	}
	for (size_t i = 0; i < nr; i++)
		kmem_cache_free(c, objs[i]);
	kmem_cache_validate(c);
	assert_int_equal(live(c), 0);
	assert_string_equal(stat_of(c)->name[0] ? "named" : "", "named");
	assert_int_equal(stat_of(c)->size, c->size);
	assert_int_equal(stat_of(c)->objs_per_slab, c->objs);
}

static void all_classes(void)
{
	const struct control_zone *zone = &control.zones[0][ZONE_NORMAL];

	for (unsigned int i = 1; i <= NR_KMALLOC; i++)
		check_class(&kmem_caches[i]);
	slab_drain();
	for (unsigned int i = 1; i <= NR_KMALLOC; i++) {
		assert_int_equal(stat_of(&kmem_caches[i])->nr_slabs, 0);
		assert_int_equal(stat_of(&kmem_caches[i])->nr_barn, 0);
	}
	assert_int_equal(zone->slab, 0);
	for (size_t pfn = 0; pfn < zone->start_pfn + zone->present; pfn++)
		assert_int_equal(span.page_class[pfn], PAGE_CLASS_NONE);
	page_alloc_trim();
	assert_int_equal(zone->free, zone->present);
}

static void test_all_classes_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=1024");
	all_classes();
}

static void test_all_classes_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	all_classes();
}

/* Without barns: barn_limit=0 sends every batch to the slabs. */
static void test_all_classes_without_barns(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024,barn_limit=0,percpu_budget=16");
	all_classes();
	assert_int_equal(sum_vm_event(BARN_GET), 0);
}

/* --- slabs --- */

static struct page *slab_at(const struct kmem_cache *c, void *obj)
{
	return pfn_to_page(align_down(addr_to_pfn(obj), 1ul << c->order));
}

static void test_take_and_give(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(64)];
	static void *objs[MANY];
	static bool seen[1 << 20];
	unsigned int got = 0, want;

	(void)state;
	core_start("percpu=lock,span=256,barn_limit=64");
	while (got < MANY) {
		want = got + 97 < MANY ? 97 : MANY - got;
		want = slab_take(c, 0, objs + got, want, false);
		assert_in_range(want, 1, 97);
		got += want;
		kmem_cache_validate(c);
	}
	for (size_t i = 0; i < MANY; i++) {
		size_t at = ((uintptr_t)objs[i] - span.base) / 64;

		assert_false(seen[at]);
		seen[at] = true;
	}
	assert_int_equal(stat_of(c)->nr_slabs, MANY / c->objs);
	assert_int_equal(stat_of(c)->nr_free, 0);
	assert_int_equal(slab_give(c, objs, 1000, false), 1000);
	kmem_cache_validate(c);
	assert_int_equal(slab_give(c, objs + 1000, MANY - 1000, false),
			 MANY - 1000);
	kmem_cache_validate(c);
	/* A few empty slabs are kept: 16 pages, and what the barn leaves room for. */
	assert_int_equal(stat_of(c)->nr_slabs << c->order, 16 + 16);
	assert_int_equal(stat_of(c)->nr_empty_slabs, stat_of(c)->nr_slabs);
	assert_int_equal(slab_free_empty(c, 0), 16 + 16);
	assert_int_equal(slab_free_empty(c, 0), 0);
	assert_int_equal(stat_of(c)->nr_slabs, 0);
	assert_int_equal(stat_of(c)->nr_free, 0);
	assert_int_equal(stat_of(c)->grown, stat_of(c)->reaped);
}

/* The next object comes from the slab with the fewest free ones, by eighths. */
static void test_fullest_first(void **state)
{
	enum { SLABS = 16 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(128)];
	static void *objs[SLABS][64];
	unsigned int used[SLABS];

	(void)state;
	core_start("percpu=lock,span=256");
	assert_int_equal(c->objs, 64);
	for (int s = 0; s < SLABS; s++)
		assert_int_equal(slab_take(c, 0, objs[s], 64, false), 64);
	/* Slab s gives back 4 * s objects. */
	for (unsigned int s = 0; s < SLABS; s++) {
		used[s] = 64 - 4 * s;
		assert_int_equal(slab_give(c, objs[s], 4 * s, false), 4 * s);
	}
	kmem_cache_validate(c);
	while (stat_of(c)->nr_free) {
		unsigned int s = 0, eighth;
		void *obj;

		assert_int_equal(slab_take(c, 0, &obj, 1, false), 1);
		while (slab_at(c, objs[s][63]) != slab_at(c, obj))
			s++;
		eighth = used[s]++ * 8 / 64;
		for (unsigned int o = 0; o < SLABS; o++)
			assert_true(used[o] == 64 || o == s ||
				    (64 - used[o]) / 8 >= 7 - eighth);
	}
	assert_int_equal(stat_of(c)->nr_slabs, SLABS);
}

/* Up, down, with gaps, in pieces: what went back is what comes out again. */
static void give_in_runs(struct kmem_cache *c)
{
	enum { NR = 500 };
	static void *objs[NR], *some[NR];
	struct rng rng = rng_seeded(1);

	for (unsigned int got = 0; got < NR;)
		got += slab_take(c, 0, objs + got, NR - got, false);
	for (int round = 0; round < 2000; round++) {
		unsigned int from = (unsigned int)rng_below(&rng, NR);
		unsigned int n = 1 + (unsigned int)rng_below(&rng, NR - from);
		unsigned int gap = 1 + (unsigned int)rng_below(&rng, 3);
		unsigned int nr = 0;

		for (unsigned int i = from; i < from + n; i += gap)
			some[nr++] = objs[i];
		if (round % 2)
			for (unsigned int i = 0; i < nr / 2; i++) {
				void *tmp = some[i];

				some[i] = some[nr - 1 - i];
				some[nr - 1 - i] = tmp;
			}
		assert_int_equal(slab_give(c, some, nr, false), nr);
		kmem_cache_validate(c);
		nr = 0;
		for (unsigned int i = from; i < from + n; i += gap, nr++) {
			assert_string_equal(slab_check_object(objs[i]),
					    "the object is free");
			if (gap > 1 && i + 1 < from + n)
				assert_null(slab_check_object(objs[i + 1]));
		}
		/* Any will do for the next round. */
		for (unsigned int i = from; i < from + n; i += gap)
			assert_int_equal(slab_take(c, 0, &objs[i], 1, false),
					 1);
	}
}

static void test_give_in_runs(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256");
	/* Nothing between the objects of neighbouring slabs, and something. */
	give_in_runs(&kmem_caches[kmalloc_class(64)]);
	give_in_runs(&kmem_caches[kmalloc_class(80)]);
	give_in_runs(create_cache("coloured", 1000, 8, 0, NULL));
}

/* The first class takes what all may keep together; for others the least is left. */
static void test_empty_slabs_of_all(void **state)
{
	enum { PAGES = 100 };
	static void *objs[PAGES * PAGE_SIZE / 16];

	(void)state;
	core_start("percpu=lock,span=256,barn_limit=256");
	for (unsigned int id = 1; kmem_caches[id].size < 1024; id++) {
		struct kmem_cache *c = &kmem_caches[id];
		unsigned int n = PAGES * PAGE_SIZE / c->size, got = 0;

		while (got < n)
			got += slab_take(c, 0, objs + got, n - got, false);
		assert_int_equal(slab_give(c, objs, n, false), n);
		if (id == 1)
			assert_in_range(stat_of(c)->nr_empty_slabs << c->order,
					64, 16 + 64);
		else
			assert_int_equal(stat_of(c)->nr_empty_slabs << c->order,
					 16);
	}
}

/*
 * A heap that shrank to a third, spread over all its slabs: as the program goes
 * on, the survivors gather in few slabs, and the others go back.
 */
static void test_sparse_slabs_drain(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(128)];
	static void *objs[MANY];
	struct rng rng = rng_seeded(1);
	size_t before, nr = 0;

	(void)state;
	core_start("percpu=lock,span=256");
	while (nr < MANY)
		nr += slab_take(c, 0, objs + nr,
				(unsigned int)min_size(100, MANY - nr), false);
	for (size_t i = MANY; i-- > 1;) {
		size_t k = rng_below(&rng, i + 1);
		void *tmp = objs[i];

		objs[i] = objs[k];
		objs[k] = tmp;
	}
	assert_int_equal(slab_give(c, objs + MANY / 3, MANY - MANY / 3, false),
			 MANY - MANY / 3);
	before = stat_of(c)->nr_slabs;
	assert_true(before > MANY / c->objs * 9 / 10);
	for (unsigned int i = 0; i < 4 * MANY; i++) {
		void **p = &objs[rng_below(&rng, MANY / 3)];
		void *new;

		assert_int_equal(slab_take(c, 0, &new, 1, false), 1);
		assert_int_equal(slab_give(c, p, 1, false), 1);
		*p = new;
	}
	kmem_cache_validate(c);
	slab_free_empty(c, 0);
	assert_true(stat_of(c)->nr_slabs < before * 2 / 3);
	assert_true(stat_of(c)->nr_slabs >= MANY / 3 / c->objs);
}

/* A nested call that finds its lists locked gets a slab of its own. */
static void test_nested_finds_the_lock_taken(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(64)];
	void *objs[10], *more[10];

	(void)state;
	core_start("percpu=lock,span=256");
	assert_int_equal(slab_take(c, 0, objs, 10, false), 10);
	lock_acquire(&lists_of(c, my_group(0))->lock);
	assert_int_equal(slab_take(c, 0, more, 10, true), 10);
	assert_int_equal(stat_of(c)->nr_slabs, 2);
	/* The others are to be had without the lock. */
	assert_int_equal(stat_of(c)->nr_barn, c->objs - 10);
	assert_int_equal(slab_give(c, objs, 10, true), 0);
	lock_release(&lists_of(c, my_group(0))->lock);
	assert_int_equal(live(c), 20);
	kmem_cache_validate(c);
	assert_int_equal(slab_give(c, objs, 10, true), 10);
	assert_int_equal(slab_give(c, more, 10, true), 10);
	kmem_cache_validate(c);
	assert_int_equal(live(c), 0);
}

/*
 * One that finds it free, but no slab, does not wait for it later: its frame may hold
 * another cache's, for which the holder of this one waits in a handler of its own.
 */
static void test_nested_waits_for_no_lock(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(64)];
	struct lock of_the_frame = LOCK_INIT(ZONE);
	void *objs[10];

	(void)state;
	core_start("percpu=lock,span=256");
	/* Builds with PAGODA_DEBUG stop at a wait for one before it in the order. */
	lock_acquire(&of_the_frame);
	assert_int_equal(slab_take(c, 0, objs, 10, true), 10);
	assert_int_equal(slab_give(c, objs, 10, true), 10);
	lock_release(&of_the_frame);
	assert_int_equal(stat_of(c)->nr_barn, c->objs - 10);
	kmem_cache_validate(c);
}

/* --- named caches --- */

static size_t constructed;

static void construct(void *obj)
{
	constructed++;
	memset(obj, 0, 100);
	memcpy(obj, "built", 6);
}

static void test_constructor(void **state)
{
	struct kmem_cache *c;
	static char *objs[MANY];

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("built", 100, 0, 0, construct);
	assert_non_null(c);
	assert_int_equal(constructed, 0);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < MANY; i++) {
			objs[i] = kmem_cache_alloc(c);
			/* Fresh or as the last user left it: built. */
			assert_memory_equal(objs[i], "built", 6);
			memset(objs[i] + 6, i, 94);
		}
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(objs[i][99], (char)i);
			kmem_cache_free(c, objs[i]);
		}
		/* Once for each object's memory, not for each allocation. */
		assert_int_equal(constructed, stat_of(c)->grown * c->objs);
	}
	slab_drain();
	assert_int_equal(stat_of(c)->nr_slabs, 0);
	kmem_cache_free(c, kmem_cache_alloc(c));
	assert_int_equal(constructed, stat_of(c)->grown * c->objs);
	assert_int_equal(kmem_cache_destroy(c), 0);
}

static void test_names(void **state)
{
	struct kmem_cache *a, *b;
	char longest[100];

	(void)state;
	core_start("percpu=lock,span=256");
	a = create_cache("task struct", 200, 0, 0, NULL);
	assert_non_null(a);
	assert_string_equal(stat_of(a)->name, "task_struct");
	assert_null(create_cache("task struct", 200, 0, 0, NULL));
	assert_null(create_cache("task_struct", 100, 0, 0, NULL));
	b = create_cache("task", 200, 0, 0, NULL);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	a = create_cache(longest, 64, 0, 0, NULL);
	assert_int_equal(strlen(stat_of(a)->name), CACHE_NAME_LEN - 1);
	/* Size classes keep their names, also before they are used. */
	assert_null(create_cache("kmalloc-64", 64, 0, 0, NULL));
	kmem_cache_free(b, kmem_cache_alloc(b));
	assert_int_equal(kmem_cache_destroy(b), 0);
	/* The name is free again. */
	b = create_cache("task", 300, 0, 0, NULL);
	assert_non_null(b);
}

static void test_bad_arguments(void **state)
{
	(void)state;
	core_start("percpu=lock,span=256");
	assert_null(create_cache(NULL, 100, 0, 0, NULL));
	assert_null(create_cache("", 100, 0, 0, NULL));
	assert_null(create_cache("x", 0, 0, 0, NULL));
	assert_null(create_cache("x", KMALLOC_MAX + 1, 0, 0, NULL));
	assert_null(create_cache("x", SIZE_MAX, 0, 0, NULL));
	assert_null(create_cache("x", 100, 24, 0, NULL));
	assert_null(create_cache("x", 100, 8192, 0, NULL));
	assert_null(create_cache("x", 100, SIZE_MAX, 0, NULL));
	assert_non_null(create_cache("x", 1, 1, 0, NULL));
}

static void test_every_size_and_alignment(void **state)
{
	struct rng rng = rng_seeded(1);

	(void)state;
	core_start("percpu=lock,span=1024");
	for (unsigned int i = 0; i < rounds(400); i++) {
		size_t size = rng_log(&rng, KMALLOC_MAX);
		size_t align = (size_t)1 << rng_below(&rng, 13);
		unsigned int flags = (unsigned int)rng_below(&rng, 4);
		struct kmem_cache *c = create_cache("any", size, align,
							 flags, NULL);
		char *objs[40];

		assert_non_null(c);
		if (flags & SLAB_HWCACHE_ALIGN)
			align = max_size(align, 64);
		assert_true(c->size >= size && c->size % align == 0);
		for (int k = 0; k < 40; k++) {
			objs[k] = kmem_cache_alloc(c);
			assert_non_null(objs[k]);
			assert_int_equal((uintptr_t)objs[k] % align, 0);
			assert_true(class_check_ok(c->id, objs[k]));
			assert_null(slab_check_object(objs[k]));
			memset(objs[k], k, size);
		}
		for (int k = 0; k < 40; k++) {
			assert_int_equal(objs[k][0], k);
			assert_memory_equal(objs[k], objs[k] + 1, size - 1);
			kmem_cache_free(c, objs[k]);
		}
		kmem_cache_validate(c);
		assert_int_equal(kmem_cache_destroy(c), 0);
	}
}

/* Objects of different slabs start in different cache lines. */
static void test_colouring(void **state)
{
	bool seen[4096] = { false };
	struct kmem_cache *c;
	static void *objs[MANY];
	size_t colours = 0, nr = 0;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("colour", 1000, 0, 0, NULL);
	assert_true(c->colours > 1);
	while (nr < 1000)
		nr += slab_take(c, 0, objs + nr,
				(unsigned int)min_size(100, MANY - nr), false);
	for (size_t i = 0; i < nr; i++) {
		struct page *slab = slab_at(c, objs[i]);
		size_t offset = (size_t)((char *)objs[i] -
					 (char *)page_address(slab));

		assert_int_equal((offset - slab->colour) % c->size, 0);
		/* The last object still ends in the slab. */
		assert_true(offset + c->size <= (size_t)PAGE_SIZE << c->order);
		assert_int_equal(slab->colour % 64, 0);
		colours += !seen[slab->colour];
		seen[slab->colour] = true;
		assert_null(slab_check_object(objs[i]));
	}
	assert_int_equal(colours, c->colours);
	assert_int_equal(slab_give(c, objs, (unsigned int)nr, false), nr);
	kmem_cache_validate(c);
}

static void test_destroy_with_live_objects(void **state)
{
	struct kmem_cache *c;
	void *objs[10];

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("alive", 100, 0, 0, NULL);
	for (int i = 0; i < 10; i++)
		objs[i] = kmem_cache_alloc(c);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(kmem_cache_destroy(c), 10 - i);
		/* It is as it was. */
		assert_string_equal(stat_of(c)->name, "alive");
		kmem_cache_free(c, kmem_cache_alloc(c));
		kmem_cache_free(c, objs[i]);
	}
	assert_int_equal(kmem_cache_destroy(c), 0);
	assert_string_equal(stat_of(c)->name, "");
	assert_int_equal(c->size, 0);
}

/* All ids, and again after they were given back. */
static void test_many_caches(void **state)
{
	struct kmem_cache *caches[256];
	unsigned int nr = 0;

	(void)state;
	core_start("percpu=lock,span=1024");
	for (int round = 0; round < 2; round++) {
		for (nr = 0;; nr++) {
			char name[32];

			snprintf(name, sizeof(name), "cache-%u", nr);
			caches[nr] = create_cache(name, 16 + nr * 100, 0,
						       0, NULL);
			if (!caches[nr])
				break;
			kmem_cache_free(caches[nr],
					kmem_cache_alloc(caches[nr]));
		}
		assert_int_equal(nr, LAST_NAMED_CACHE - FIRST_NAMED_CACHE + 1);
		for (unsigned int i = 0; i < nr; i++)
			assert_int_equal(kmem_cache_destroy(caches[i]), 0);
	}
	assert_int_equal(control.zones[0][ZONE_NORMAL].slab, 0);
}

/* A cache that is stopped by nobody: no membarrier, as in quiet mode. */
static void test_destroy_without_membarrier(void **state)
{
	struct kmem_cache *c;
	void *objs[100];

	(void)state;
	core_start_rseq("percpu=rseq,span=256");
	percpu.can_stop = false;
	c = create_cache("still", 100, 0, 0, NULL);
	for (int i = 0; i < 100; i++)
		objs[i] = kmem_cache_alloc(c);
	for (int i = 0; i < 100; i++)
		kmem_cache_free(c, objs[i]);
	assert_true(objects_in_sheaves(c) > 0);
	assert_int_equal(kmem_cache_destroy(c), 0);
	/* Nothing is left for who gets the class next. */
	c = create_cache("next", 200, 0, 0, NULL);
	assert_int_equal(objects_in_sheaves(c), 0);
	kmem_cache_free(c, kmem_cache_alloc(c));
	kmem_cache_validate(c);
	assert_int_equal(kmem_cache_destroy(c), 0);
}

static void test_live_objects_are_listed(void **state)
{
	enum { LIVE = 30 };
	struct kmem_cache *c;
	void *objs[LIVE];
	char line[100];
	const char *text;
	size_t listed = 0;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("leaky", 500, 0, 0, NULL);
	for (int i = 0; i < LIVE; i++)
		objs[i] = kmem_cache_alloc(c);
	kmem_cache_free(c, objs[LIVE - 1]);
	os_fake_keep_stderr(true);
	assert_int_equal(kmem_cache_destroy(c), LIVE - 1);
	text = os_fake_stderr();
	assert_non_null(strstr(text, "cache leaky cannot be destroyed: "
				     "objects still in use: 29\n"));
	assert_non_null(strstr(text, "cache leaky: and 13 more\n"));
	for (int i = 0; i < LIVE; i++) {
		snprintf(line, sizeof(line), "cache leaky: object %p\n",
			 objs[i]);
		listed += strstr(text, line) != NULL;
	}
	assert_int_equal(listed, 16);
	snprintf(line, sizeof(line), "object %p\n", objs[LIVE - 1]);
	assert_null(strstr(text, line));
}

static void test_create_says_why(void **state)
{
	struct kmem_cache *c;

	(void)state;
	core_start("percpu=lock,span=256");
	assert_int_equal(kmem_cache_create(&c, "a\nb", 8, 0, 0, NULL), -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 3, 0, NULL), -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0, 1u << 31, NULL),
			 -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0, SLAB_PAGE_BLOCKS,
					   NULL),
			 -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0, SLAB_POISON,
					   construct),
			 -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0,
					   SLAB_POISON | SLAB_TYPESAFE, NULL),
			 -EINVAL);
	assert_int_equal(kmem_cache_create(&c, "block-1", 8, 0, 0, NULL),
			 -EEXIST);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0, 0, NULL), 0);
	assert_int_equal(kmem_cache_create(&c, "a", 8, 0, 0, NULL), -EEXIST);
	gate_enter();
	assert_int_equal(kmem_cache_create(&c, "b", 8, 0, 0, NULL), -EDEADLK);
	gate_leave();
	for (int i = 1; i <= LAST_NAMED_CACHE - FIRST_NAMED_CACHE; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		assert_int_equal(kmem_cache_create(&c, name, 8, 0, 0, NULL), 0);
	}
	assert_int_equal(kmem_cache_create(&c, "b", 8, 0, 0, NULL), -ENOSPC);
	assert_int_equal(kmem_cache_create(&c, "c7", 8, 0, 0, NULL), -EEXIST);
}

/* Memory of a TYPESAFE cache is given to no one else, whatever is short. */
static void test_typesafe(void **state)
{
	struct kmem_cache *c;
	static char *objs[MANY];
	uint64_t slabs;

	(void)state;
	core_start("percpu=lock,span=256");
	c = create_cache("typed", 300, 0, SLAB_TYPESAFE, construct);
	constructed = 0;
	for (int i = 0; i < MANY; i++)
		objs[i] = kmem_cache_alloc(c);
	slabs = stat_of(c)->nr_slabs;
	for (int i = 0; i < MANY; i++)
		kmem_cache_free(c, objs[i]);
	assert_int_equal(kmem_cache_shrink(c), 0);
	slab_decay(20);
	slab_reap();
	slab_drain();
	kmem_cache_validate(c);
	assert_int_equal(stat_of(c)->nr_slabs, slabs);
	assert_int_equal(stat_of(c)->nr_empty_slabs, slabs);
	assert_int_equal(slab_reclaimable(), 0);
	for (int i = 0; i < MANY; i++)
		assert_string_equal(objs[i], "built");
	assert_int_equal(constructed, slabs * c->objs);
	assert_int_equal(kmem_cache_destroy(c), 0);
	assert_int_equal(control.zones[0][ZONE_NORMAL].slab, 0);
}

/* --- bulk --- */

static void bulk(struct kmem_cache *c, size_t most)
{
	struct rng rng = rng_seeded(1);
	static void *objs[MANY];
	size_t nr = 0;

	for (unsigned int i = 0; i < rounds(2000); i++) {
		size_t n = rng_log(&rng, most);

		if (rng_below(&rng, 2) && nr + n <= MANY) {
			assert_int_equal(kmem_cache_alloc_bulk_slow(
						 c, objs + nr, n, SLOW_NORMAL),
					 n);
			for (size_t k = nr; k < nr + n; k++)
				memset(objs[k], (int)k, c->object_size);
			nr += n;
		} else if (n <= nr) {
			for (size_t k = nr - n; k < nr; k++) {
				const char *p = objs[k];

				assert_int_equal(p[0], (char)k);
				assert_memory_equal(p, p + 1,
						    c->object_size - 1);
			}
			nr -= n;
			assert_int_equal(kmem_cache_free_bulk_slow(
						 c, objs + nr, n, SLOW_NORMAL),
					 n);
		}
		assert_int_equal(live(c), nr);
	}
	kmem_cache_validate(c);
	assert_int_equal(kmem_cache_free_bulk_slow(c, objs, nr, SLOW_NORMAL),
			 nr);
	assert_int_equal(kmem_cache_destroy(c), 0);
}

static void all_bulk(void)
{
	bulk(create_cache("bulk", 100, 0, 0, NULL), MANY);
	bulk(create_cache("bulk", 100, 0, 0, NULL), 40);
	bulk(create_cache("bulk", 5000, 0, 0, NULL), 1000);
	bulk(create_cache("bulk", 100, 0, SLAB_POISON | SLAB_RED_ZONE, NULL),
	     500);
}

static void test_bulk_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=1024");
	all_bulk();
}

static void test_bulk_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	all_bulk();
}

/* Every batch goes to the slabs. */
static void test_bulk_without_barns(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024,barn_limit=0,percpu_budget=16");
	all_bulk();
}

/* --- reclaim and decay --- */

static void fill_and_free(struct kmem_cache *c)
{
	static void *objs[MANY];

	for (int i = 0; i < MANY; i++)
		objs[i] = kmem_cache_alloc(c);
	for (int i = 0; i < MANY; i++)
		kmem_cache_free(c, objs[i]);
}

static void test_reap_and_decay(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(1024)];
	uint64_t before;

	(void)state;
	core_start("percpu=lock,span=256");
	fill_and_free(c);
	assert_true(stat_of(c)->nr_barn > 0);
	assert_in_range(slab_reclaimable(), stat_of(c)->nr_barn * c->size,
			2 * MANY * c->size);
	/* A tick leaves the sheaf what every class may keep. */
	assert_true(objects_in_sheaves(c) > NURSERY_SLOTS);
	slab_decay(1);
	assert_int_equal(objects_in_sheaves(c), NURSERY_SLOTS);
	/* Ticks empty the barn by and by, since nobody takes from it. */
	for (int i = 0; i < 12; i++)
		slab_decay(1);
	assert_int_equal(stat_of(c)->nr_barn, 0);
	assert_int_equal(stat_of(c)->nr_empty_slabs, 0);
	fill_and_free(c);
	before = stat_of(c)->nr_slabs;
	slab_reap();
	assert_true(stat_of(c)->nr_slabs < before);
	assert_int_equal(stat_of(c)->nr_barn, 0);
	/* The sheaves keep what they have, but when it is to be all. */
	assert_true(objects_in_sheaves(c) > 0);
	slab_drain();
	assert_int_equal(objects_in_sheaves(c), 0);
	assert_int_equal(stat_of(c)->nr_slabs, 0);
	assert_int_equal(slab_reclaimable(), 0);
}

/*
 * Objects that nobody asks for wait nowhere: their slabs go back although
 * the program, which frees all but a few, calls nothing else.
 */
static void test_idle(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(1024)];
	static void *objs[MANY];

	(void)state;
	core_start("percpu=lock,span=256");
	for (int i = 0; i < MANY; i++)
		objs[i] = kmem_cache_alloc(c);
	slab_reap();
	/* Just once is not idle: it grew since the trim before. */
	for (int i = 0; i < MANY / 2; i++)
		kmem_cache_free(c, objs[i]);
	assert_true(stat_of(c)->nr_barn > 0);
	slab_reap();
	assert_int_equal(stat_of(c)->nr_barn, 0);
	for (int i = MANY / 2; i < MANY; i++)
		kmem_cache_free(c, objs[i]);
	assert_int_equal(stat_of(c)->nr_barn, 0);
	assert_true(objects_in_sheaves(c) <= NURSERY_SLOTS);
	assert_true((stat_of(c)->nr_slabs << c->order) <= 16 + NURSERY_SLOTS);
	kmem_cache_validate(c);
	/* In demand again. */
	fill_and_free(c);
	assert_true(stat_of(c)->nr_barn > 0);
	assert_true(objects_in_sheaves(c) > NURSERY_SLOTS);
}

/*
 * A program that frees most of its heap is left with small sheaves: it may do
 * little from now on, and misses are what drives the decay clock.
 */
static void test_calm(void **state)
{
	enum { NR = 400000, CALM_SLOTS = 128 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(64)];
	static void *objs[NR];

	(void)state;
	core_start("percpu=lock,span=1024");
	for (int i = 0; i < NR; i++)
		objs[i] = kmem_cache_alloc(c);
	for (int i = 0; i < NR / 4; i++)
		kmem_cache_free(c, objs[i]);
	assert_true(objects_in_sheaves(c) > CALM_SLOTS);
	for (int i = NR / 4; i < NR; i++)
		kmem_cache_free(c, objs[i]);
	assert_true(objects_in_sheaves(c) <= CALM_SLOTS);
	assert_true(percpu_header(c->id).end - percpu_header(c->id).begin <=
		    CALM_SLOTS);
	kmem_cache_validate(c);
	assert_int_equal(live(c), 0);
	/* Room comes back with use. */
	for (int i = 0; i < 5000; i++)
		objs[i] = kmem_cache_alloc(c);
	assert_true(percpu_header(c->id).end - percpu_header(c->id).begin >
		    CALM_SLOTS);
}

/*
 * A program with one buffer: nothing that was never touched is below it, for malloc to
 * fetch ahead. The second brings more with it.
 */
static void test_first_of_a_page(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(8192)];
	struct kmem_cache *small = &kmem_caches[kmalloc_class(64)];
	void *first, *second;

	(void)state;
	core_start("percpu=lock,span=1024");
	first = kmem_cache_alloc(c);
	assert_int_equal(objects_in_sheaves(c), 0);
	kmem_cache_free(c, first);
	assert_ptr_equal(kmem_cache_alloc(c), first);
	assert_int_equal(objects_in_sheaves(c), 0);
	second = kmem_cache_alloc(c);
	assert_true(objects_in_sheaves(c) > 0);
	kmem_cache_free(c, first);
	kmem_cache_free(c, second);
	assert_non_null(kmem_cache_alloc(small));
	assert_true(objects_in_sheaves(small) > 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_classes_rseq),
		cmocka_unit_test(test_all_classes_lock),
		cmocka_unit_test(test_all_classes_without_barns),
		cmocka_unit_test(test_take_and_give),
		cmocka_unit_test(test_fullest_first),
		cmocka_unit_test(test_give_in_runs),
		cmocka_unit_test(test_empty_slabs_of_all),
		cmocka_unit_test(test_sparse_slabs_drain),
		cmocka_unit_test(test_nested_finds_the_lock_taken),
		cmocka_unit_test(test_nested_waits_for_no_lock),
		cmocka_unit_test(test_constructor),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_every_size_and_alignment),
		cmocka_unit_test(test_colouring),
		cmocka_unit_test(test_destroy_with_live_objects),
		cmocka_unit_test(test_many_caches),
		cmocka_unit_test(test_destroy_without_membarrier),
		cmocka_unit_test(test_live_objects_are_listed),
		cmocka_unit_test(test_create_says_why),
		cmocka_unit_test(test_typesafe),
		cmocka_unit_test(test_bulk_rseq),
		cmocka_unit_test(test_bulk_lock),
		cmocka_unit_test(test_bulk_without_barns),
		cmocka_unit_test(test_reap_and_decay),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_first_of_a_page),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
