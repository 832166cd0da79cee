/* SPDX-License-Identifier: MIT */
/*
 * model_slab.c - caches against a naive model: a table of what is handed out.
 * Random allocations and frees in several caches at once, with reaping, decay,
 * draining and purging in between: no two objects share a byte, contents stay,
 * and slabs, barns, sheaves and the program's hands always hold all objects
 * between them, each in one place.
 */
#include "unit.h"

#include <string.h>

#include "percpu/percpu.h"
#include "percpu/thread.h"
#include "slab/internal.h"

enum { MAX_LIVE = 6000, NR_CACHES = 8 };

static struct kmem_cache *caches[NR_CACHES];

static struct object {
	unsigned char *p;
	struct kmem_cache *cache;
	size_t size;
	unsigned char fill;
} objects[MAX_LIVE];

static size_t nr_live[NR_CLASSES];

static void fill(struct object *o)
{
	/* First and last bytes, and some between: neighbours would notice. */
	memset(o->p, o->fill, min_size(o->size, 64));
	memset(o->p + o->size - min_size(o->size, 64), o->fill,
	       min_size(o->size, 64));
}

static void check(const struct object *o)
{
	size_t n = min_size(o->size, 64);

	for (size_t i = 0; i < n; i++) {
		CHECK(o->p[i] == o->fill);
		CHECK(o->p[o->size - 1 - i] == o->fill);
	}
}

static bool take(struct rng *r, struct object *o)
{
	o->cache = caches[rng_below(r, NR_CACHES)];
	o->p = kmem_cache_alloc(o->cache);
	if (!o->p)
		return false;
	o->size = o->cache->object_size;
	o->fill = (unsigned char)rng_next(r);
	CHECK(span.page_class[addr_to_pfn(o->p)] == o->cache->id);
	CHECK(!slab_check_object(o->p));
	fill(o);
	nr_live[o->cache->id]++;
	return true;
}

static void give(struct object *o)
{
	check(o);
	/* Freed memory is the allocator's: nobody may miss it. */
	memset(o->p, 0xdd, o->size);
	nr_live[o->cache->id]--;
	kmem_cache_free(o->cache, o->p);
	o->p = NULL;
}

static void count_objects(struct kmem_cache *c)
{
	const struct control_cache *st = &control.caches[c->id];
	uint64_t sheaves = 0;

	for (unsigned int slot = 0; slot < percpu.nr; slot++) {
		const union sheaf_header *h = percpu_header_of(slot, c->id);

		CHECK(h->cur >= h->begin && h->cur <= h->end);
		CHECK(h->end - h->begin <= c->sheaf_max);
		CHECK(!h->word ||
		      (intptr_t)percpu_slots_of(slot)[h->begin - 1] ==
			      PERCPU_GUARD);
		CHECK(!percpu_slots_of(slot)[PERCPU_WORDS - 1]);
		sheaves += h->cur - h->begin;
	}
	kmem_cache_validate(c);
	CHECK(st->nr_slabs * c->objs ==
	      st->nr_free + st->nr_barn + sheaves + nr_live[c->id]);
	CHECK(st->grown - st->reaped == st->nr_slabs);
}

static void upkeep(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		slab_decay(1);
		break;
	case 1:
		slab_reap();
		break;
	case 2:
		slab_drain();
		break;
	case 3:
		kmem_cache_shrink(caches[rng_below(r, NR_CACHES)]);
		break;
	case 4:
		page_alloc_trim();
		break;
	default:
		/* A thread of another gate stripe, shard and fake node. */
		thread_word.stripe = (uint16_t)rng_below(r, 4);
		if (percpu.mode == PERCPU_MODE_LOCK)
			thread_word.shard =
				(uint16_t)(1 + rng_below(r, percpu.nr));
		break;
	}
}

static void run(uint64_t stream, unsigned int steps)
{
	struct rng rng = rng_seeded(stream);
	size_t target = MAX_LIVE / 2, live = 0;
	bool refused = false;

	caches[0] = create_cache("one", 24, 0, 0, NULL);
	caches[1] = create_cache("two", 500, 64, 0, NULL);
	caches[2] = create_cache("three", 3000, 0, SLAB_HWCACHE_ALIGN,
				      NULL);
	for (unsigned int i = 3; i < NR_CACHES; i++)
		caches[i] = &kmem_caches[kmalloc_class((size_t)8 << (i * 3 / 2))];
	for (unsigned int i = 0; i < steps; i++) {
		struct object *o = &objects[rng_below(&rng, MAX_LIVE)];

		/* The heap breathes: from nearly empty to nearly full. */
		if (i % 2000 == 0)
			target = rng_below(&rng, MAX_LIVE);
		if (o->p && live > target / 2) {
			give(o);
			live--;
		} else if (!o->p && live < target) {
			refused |= !take(&rng, o);
			live += o->p != NULL;
		}
		if (i % 500 == 0)
			upkeep(&rng);
		if (i % 1000 == 0)
			for (unsigned int k = 0; k < NR_CACHES; k++)
				count_objects(caches[k]);
	}
	CHECK(!refused);
	for (size_t i = 0; i < MAX_LIVE; i++)
		if (objects[i].p)
			give(&objects[i]);
	slab_drain();
	for (unsigned int k = 0; k < NR_CACHES; k++) {
		count_objects(caches[k]);
		CHECK(control.caches[caches[k]->id].nr_slabs == 0);
	}
	page_alloc_trim();
	for (unsigned int n = 0; n < nr_nodes(); n++)
		CHECK(control.zones[n][ZONE_NORMAL].free ==
		      control.zones[n][ZONE_NORMAL].present);
}

static void test_rseq(void **state)
{
	(void)state;
	core_start_rseq("percpu=rseq,span=1024");
	run(1, rounds(200000));
}

static void test_lock(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024");
	run(2, rounds(200000));
}

static void test_small_budgets(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024,percpu_budget=16,barn_limit=64");
	run(3, rounds(200000));
}

static void test_two_nodes(void **state)
{
	(void)state;
	core_start("percpu=lock,span=65536,numa=fake=2,barn_limit=128");
	run(4, rounds(200000));
	assert_true(control.zones[1][ZONE_NORMAL].present > 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rseq),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_small_budgets),
		cmocka_unit_test(test_two_nodes),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
