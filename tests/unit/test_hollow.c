/* SPDX-License-Identifier: MIT */
/*
 * test_hollow.c - pages of sparse slabs that no object lies in go back to the
 * kernel, all of them and no others; what is handed out of such a slab later, or
 * while that happens, is whole; what becomes of the slab's pages is known; and
 * some slabs are left alone.
 */
#include "unit.h"

#include <limits.h>
#include <string.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os_fake.h"
#include "page_alloc/internal.h"
#include "slab/internal.h"

enum { MAX_OBJECTS = 100000, MAX_PAGES = 1 << 16, KEEP_ONE_IN = 10 };

static struct object {
	unsigned char *p;
	unsigned char fill;
} objects[MAX_OBJECTS];

static struct rng rng;

static void make_object(struct kmem_cache *c, struct object *o)
{
	o->p = kmem_cache_alloc(c);
	assert_non_null(o->p);
	o->fill = (unsigned char)(1 + rng_below(&rng, 255));
	memset(o->p, o->fill, c->object_size);
}

static void check_object_bytes(const struct kmem_cache *c,
			       const struct object *o)
{
	for (size_t i = 0; i < c->object_size; i++)
		assert_int_equal(o->p[i], o->fill);
}

static void end_object(struct kmem_cache *c, struct object *o)
{
	check_object_bytes(c, o);
	memset(o->p, 0xdd, c->object_size);
	kmem_cache_free(c, o->p);
	o->p = NULL;
}

/* @bytes of objects, of which a few survive. Return: how many there were. */
static size_t make_sparse_of(struct kmem_cache *c, size_t bytes)
{
	size_t nr = bytes / c->size;

	assert_true(nr <= MAX_OBJECTS);
	for (size_t i = 0; i < nr; i++)
		make_object(c, &objects[i]);
	for (size_t i = 0; i < nr; i++)
		if (rng_below(&rng, KEEP_ONE_IN))
			end_object(c, &objects[i]);
	return nr;
}

static size_t make_sparse(struct kmem_cache *c)
{
	return make_sparse_of(c, min_size(MiB(6), 20000 * c->size));
}

static void end_all(struct kmem_cache *c, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (objects[i].p)
			end_object(c, &objects[i]);
}

static uint64_t hollowed(void)
{
	return sum_vm_event(SLAB_HOLLOW);
}

/* What the test knows of each page and, by its first page, of each slab. */
static struct {
	bool used;
	uint16_t live;
} pages[MAX_PAGES];

static size_t first_pfn(const struct kmem_cache *c, const void *p)
{
	return align_down(addr_to_pfn(p), (size_t)1 << c->order);
}

static size_t page_no(size_t pfn)
{
	size_t no = pfn - control.zones[0][ZONE_NORMAL].start_pfn;

	assert_true(no < MAX_PAGES);
	return no;
}

static void note_objects(const struct kmem_cache *c, size_t nr)
{
	memset(pages, 0, sizeof(pages));
	for (size_t i = 0; i < nr; i++) {
		const unsigned char *p = objects[i].p;

		if (!p)
			continue;
		pages[page_no(first_pfn(c, p))].live++;
		for (size_t pfn = addr_to_pfn(p);
		     pfn <= addr_to_pfn(p + c->size - 1); pfn++)
			pages[page_no(pfn)].used = true;
	}
}

/* Few objects, and room for one: full slabs are on no list. */
static bool is_sparse(const struct kmem_cache *c, size_t live)
{
	return live <= 2u << c->order && live < c->objs;
}

/*
 * Every page of a sparse slab of @c is resident if and only if an object lies in
 * it; those of others are. Return: how many are not.
 */
static size_t check_holes(const struct kmem_cache *c)
{
	const struct control_zone *zone = &control.zones[0][ZONE_NORMAL];
	size_t holes = 0, end = zone->start_pfn + zone->present;

	for (size_t pfn = zone->start_pfn; pfn < end; pfn++) {
		size_t slab = align_down(pfn, (size_t)1 << c->order);
		bool sparse, there;

		if (span.page_class[pfn] != c->id)
			continue;
		sparse = is_sparse(c, pages[page_no(slab)].live);
		there = resident_pages(pfn_to_addr(pfn), 1);
		assert_int_equal(there, !sparse || pages[page_no(pfn)].used);
		holes += !there;
	}
	return holes;
}

/* What is not known to be zero is cleared for who asks for that. */
static void check_free_memory(void)
{
	struct zone *z = zone_of(0, ZONE_NORMAL);
	enum { BLOCK = 16, MOST = 4096 };
	static void *blocks[MOST];
	size_t nr = 0;

	lock_acquire(&z->lock);
	buddy_validate(z);
	lock_release(&z->lock);
	while (nr < MOST && z->stat->free > 2 * BLOCK) {
		blocks[nr] = alloc_pages_exact(BLOCK, 0,
					       GFP_KERNEL | GFPF_ZERO);
		assert_non_null(blocks[nr]);
		assert_true(pages_are_zero(blocks[nr], BLOCK));
		nr++;
	}
	assert_true(nr > 10);
	while (nr--)
		free_pages_exact(virt_to_page(blocks[nr]), true);
}

static void hollow_and_refill(struct kmem_cache *c)
{
	uint64_t before = hollowed();
	size_t nr = make_sparse(c), holes;

	slab_drain();
	note_objects(c, nr);
	holes = check_holes(c);
	/* Slabs with more than a few objects leave few pages free. */
	assert_true(holes > 0 || c->size < KiB(1));
	assert_int_equal(hollowed() - before, holes);
	assert_int_equal(control.zones[0][ZONE_NORMAL].slab_hollow, holes);
	kmem_cache_validate(c);
	/* Nothing is given back twice. */
	slab_drain();
	assert_int_equal(hollowed() - before, holes);

	/* Half of what was freed comes back, in some of the holes. */
	for (size_t i = 0; i < nr / 2; i++)
		if (!objects[i].p)
			make_object(c, &objects[i]);
	kmem_cache_validate(c);
	end_all(c, nr);
	slab_drain();
	assert_int_equal(control.caches[c->id].nr_slabs, 0);
	assert_int_equal(control.zones[0][ZONE_NORMAL].slab_hollow, 0);
	check_free_memory();
}

static void test_classes(void **state)
{
	static const size_t sizes[] = { 64,   320,  640,  1024,	 1168,
					2048, 4368, 6144, 20480, 28672 };

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(1);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		hollow_and_refill(&kmem_caches[kmalloc_class(sizes[i])]);
	hollow_and_refill(create_cache("coloured", 1000, 0, 0, NULL));
}

/* A tick gives back the pages of slabs that rested since the one before. */
static void test_ticks(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(2);
	nr = make_sparse(c);
	kmem_cache_shrink(c);
	assert_int_equal(hollowed(), 0);
	slab_decay(1);
	assert_int_equal(hollowed(), 0);
	slab_decay(1);
	note_objects(c, nr);
	assert_true(check_holes(c) > 100);
	end_all(c, nr);
}

/* More slabs than a tick looks at, in several buckets: each has its turn. */
static void test_many_ticks(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(512)];
	uint64_t halfway = 0;
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(3);
	nr = make_sparse_of(c, MiB(24));
	kmem_cache_shrink(c);
	for (int i = 0; i < 30; i++) {
		slab_decay(1);
		if (!halfway)
			halfway = hollowed();
	}
	note_objects(c, nr);
	assert_int_equal(check_holes(c), hollowed());
	assert_true(hollowed() > halfway);
	end_all(c, nr);
}

/* What is taken from a slab takes its rest away. */
static void test_no_rest(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	const struct page *slab;
	struct object o;
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(3);
	nr = make_sparse(c);
	kmem_cache_shrink(c);
	slab_decay(1);
	make_object(c, &o);
	slab = pfn_to_page(first_pfn(c, o.p));
	assert_int_equal(slab->cold, SLAB_ACTIVE);
	end_object(c, &o);
	kmem_cache_shrink(c);
	slab_decay(1);
	assert_true(hollowed() > 0);
	assert_int_equal(slab->cold, SLAB_RESTING);
	assert_int_equal(slab->holes, 0);
	slab_decay(1);
	assert_int_not_equal(slab->cold, SLAB_RESTING);
	end_all(c, nr);
}

/* What comes back to hollow slabs, one here and one there, leaves holes behind, too. */
static void test_again(void **state)
{
	enum { BATCH = 50 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(256)];
	void *batch[BATCH];
	uint64_t before;
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(7);
	nr = make_sparse(c);
	slab_drain();
	note_objects(c, nr);
	before = check_holes(c);
	for (size_t i = 0; i < nr;) {
		unsigned int n = 0;

		for (; i < nr && n < BATCH; i++) {
			if (!objects[i].p || rng_below(&rng, 2))
				continue;
			batch[n++] = objects[i].p;
			objects[i].p = NULL;
		}
		slab_give(c, batch, n, false);
	}
	hollow_out(c, UINT_MAX);
	slab_free_empty(c, 0);
	note_objects(c, nr);
	assert_true(hollowed() > before);
	check_holes(c);
	end_all(c, nr);
	slab_drain();
	check_free_memory();
}

/* --- while pages go back --- */

enum { MEANWHILE = 200 };

static struct object later[MEANWHILE];
static size_t nr_later, next_victim;
static struct kmem_cache *cache;

/* Objects come and go as another thread would have it. */
static void use_cache(const void *addr)
{
	(void)addr;
	if (nr_later == MEANWHILE)
		return;
	make_object(cache, &later[nr_later++]);
	while (!objects[next_victim].p)
		next_victim++;
	end_object(cache, &objects[next_victim]);
	/* Past its sheaf. */
	if (nr_later % 10 == 0)
		kmem_cache_shrink(cache);
}

static void test_meanwhile(void **state)
{
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(4);
	cache = &kmem_caches[kmalloc_class(2048)];
	nr = make_sparse(cache);
	os_fake_on_purge(use_cache);
	slab_drain();
	os_fake_on_purge(NULL);
	assert_int_equal(nr_later, MEANWHILE);
	assert_true(hollowed() > MEANWHILE);
	kmem_cache_validate(cache);
	for (size_t i = 0; i < MEANWHILE; i++)
		end_object(cache, &later[i]);
	end_all(cache, nr);
	slab_drain();
	assert_int_equal(control.caches[cache->id].nr_slabs, 0);
	check_free_memory();
}

static void test_locked_memory(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	uint64_t calls;
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(5);
	nr = make_sparse(c);
	kmem_cache_shrink(c);
	os_fake_fail_from(OS_BIT(OS_PURGE), 1);
	calls = os_fake_calls(OS_PURGE);
	hollow_out(c, UINT_MAX);
	assert_in_range(os_fake_calls(OS_PURGE) - calls, 1, NR_BUCKETS);
	os_fake_relent();
	assert_int_equal(hollowed(), 0);
	kmem_cache_validate(c);
	end_all(c, nr);
	slab_drain();
	check_free_memory();
}

/* New sizes take the memory of old ones before the zone grows. */
static void test_before_growth(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	uint64_t present;
	size_t nr;

	(void)state;
	/* What waits in sheaves keeps slabs of which not all was touched. */
	core_start("percpu=lock,span=1024,fault_around=0");
	rng = rng_seeded(6);
	nr = make_sparse(c);
	present = control.zones[0][ZONE_NORMAL].present;
	assert_int_equal(hollowed(), 0);
	while (control.zones[0][ZONE_NORMAL].present == present)
		assert_non_null(kmem_cache_alloc(&kmem_caches[1]));
	assert_true(hollowed() > 100);
	note_objects(c, nr);
	check_holes(c);
	end_all(c, nr);
}

/* An allocation waits for that: some slabs now, the others before it grows again. */
static void test_short_reap(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(512)];
	uint64_t once;
	size_t nr;

	(void)state;
	/* Slabs in huge pages stay as they are. */
	core_start("percpu=lock,span=1024,thp=off");
	rng = rng_seeded(10);
	nr = make_sparse_of(c, MiB(48));
	kmem_cache_shrink(c);
	assert_int_equal(hollowed(), 0);
	slab_reap();
	once = hollowed();
	/* Slabs of two pages, most of them in one bucket, some without a hole. */
	assert_in_range(once, REAP_LOOKS / 2, 2 * REAP_LOOKS);
	slab_reap();
	slab_reap();
	note_objects(c, nr);
	assert_int_equal(check_holes(c), hollowed());
	assert_true(hollowed() > once);
	end_all(c, nr);
}

/* Where objects of the same size come again, zones grow instead; for a while. */
static void test_in_vain(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	uint64_t once;
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024,fault_around=0");
	rng = rng_seeded(12);
	nr = make_sparse(c);
	slab_reap();
	once = hollowed();
	assert_true(once > 100);
	assert_true(hollow_pays());
	for (size_t i = 0; i < nr; i++)
		if (!objects[i].p)
			make_object(c, &objects[i]);
	assert_false(hollow_pays());
	for (size_t i = 0; i < nr; i++)
		if (rng_below(&rng, KEEP_ONE_IN))
			end_object(c, &objects[i]);
	kmem_cache_shrink(c);
	slab_reap();
	assert_int_equal(hollowed(), once);
	/* Who asks for all that is free does not ask what it costs. */
	slab_drain();
	assert_true(hollowed() > once + 100);
	slab_decay(10);
	assert_true(hollow_pays());
	end_all(c, nr);
}

/* --- what is left alone --- */

static void fill_with_ones(void *obj)
{
	memset(obj, 1, 2000);
}

static void leave_alone(struct kmem_cache *c)
{
	size_t nr = make_sparse(c);

	kmem_cache_shrink(c);
	hollow_out(c, UINT_MAX);
	slab_decay(1);
	slab_decay(1);
	assert_int_equal(hollowed(), 0);
	end_all(c, nr);
}

static void test_left_alone(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(7);
	leave_alone(create_cache("constructed", 2000, 0, 0, fill_with_ones));
	leave_alone(create_cache("typesafe", 2000, 0, SLAB_TYPESAFE, NULL));
	leave_alone(create_cache("poisoned", 2000, 0, SLAB_POISON, NULL));
	/* A slab of one page is never sparse. */
	leave_alone(&kmem_caches[kmalloc_class(16)]);
}

static void test_huge_pages_left_alone(void **state)
{
	struct kmem_cache *c = &kmem_caches[kmalloc_class(2048)];
	size_t nr;

	(void)state;
	core_start("percpu=lock,span=1024");
	rng = rng_seeded(8);
	nr = make_sparse(c);
	kmem_cache_shrink(c);
	for (size_t i = 0; i < nr; i++)
		if (objects[i].p)
			pfn_to_pageblock(addr_to_pfn(objects[i].p))->huge = 1;
	hollow_out(c, UINT_MAX);
	assert_int_equal(hollowed(), 0);
	end_all(c, nr);
	/* What is given back whole is none any more. */
	slab_drain();
	page_alloc_trim();
	nr = make_sparse(c);
	slab_drain();
	assert_true(hollowed() > 100);
	end_all(c, nr);
}

static void test_thp_on(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024,thp=on");
	rng = rng_seeded(9);
	leave_alone(&kmem_caches[kmalloc_class(2048)]);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_many_ticks),
		cmocka_unit_test(test_no_rest),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_meanwhile),
		cmocka_unit_test(test_locked_memory),
		cmocka_unit_test(test_before_growth),
		cmocka_unit_test(test_short_reap),
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_huge_pages_left_alone),
		cmocka_unit_test(test_thp_on),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
