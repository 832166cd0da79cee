/* SPDX-License-Identifier: MIT */
/*
 * test_budget.c - how much the sheaves of a CPU may hold: those of objects in slabs
 * and those of page blocks each have a budget; that of slabs grows with the heap; and
 * it is the sizes in use that have it. That of blocks is small unless they come and
 * go all the time.
 */
#include "unit.h"

#include "base/params.h"
#include "os_fake.h"
#include "percpu/percpu.h"
#include "percpu/thread.h"
#include "slab/internal.h"

static size_t room_of_all_classes(void)
{
	size_t bytes = 0;

	for (unsigned int i = 1; i <= NR_KMALLOC; i++) {
		union sheaf_header h = percpu_header(i);

		assert_true(h.cur >= h.begin && h.cur <= h.end);
		bytes += (size_t)(h.end - h.begin) * kmem_caches[i].size;
	}
	return bytes;
}

/* Objects of all classes come and go. Return: most bytes that sheaves had room for;
 * before a zone grows they lose much of it. */
static size_t most_room(void)
{
	size_t most = 0;

	for (int round = 0; round < 3; round++)
		for (unsigned int i = 1; i <= NR_KMALLOC; i++) {
			void *objs[256];

			for (int k = 0; k < 256; k++)
				objs[k] = kmem_cache_alloc(&kmem_caches[i]);
			for (int k = 0; k < 256; k++)
				kmem_cache_free(&kmem_caches[i], objs[k]);
			most = max_size(most, room_of_all_classes());
		}
	return most;
}

/* Sheaves of all classes together stay within their budget. */
static void test_budget(void **state)
{
	(void)state;
	core_start("percpu=lock,span=1024,percpu_budget=1024");
	/* Every class keeps a floor of about 16 KiB beyond the budget. */
	assert_true(most_room() <= KiB(1024) + NR_KMALLOC * KiB(64));
}

/* Which grows with the heap. */
static void test_budget_of_large_heap(void **state)
{
	enum { NR = 4000 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(KMALLOC_MAX)];
	static void *objs[NR];
	size_t share;

	(void)state;
	core_start("percpu=lock,span=1024,percpu_budget=256");
	assert_true(most_room() < MiB(4));
	for (int i = 0; i < NR; i++)
		objs[i] = kmem_cache_alloc(c);
	share = control.zones[0][ZONE_NORMAL].present * PAGE_SIZE / 8;
	assert_true(share > MiB(15));
	assert_in_range(most_room(), MiB(5), share + share / 4);
	for (int i = 0; i < NR; i++)
		kmem_cache_free(c, objs[i]);
}

/* @n sixteenth misses in each of @ms, on this CPU. */
static void misses_for(unsigned int ms, unsigned int n)
{
	for (unsigned int i = 0; i < ms; i++) {
		for (unsigned int k = 0; k < n; k++)
			block_note_miss(0);
		os_fake_pass_ms(1);
	}
}

/* From now on no time passes. */
static void want_blocks_often(void)
{
	os_fake_huge_pages(100, false); /* for its clock */
	os_fake_pass_ms(1000);
	misses_for(20, 100);
	assert_int_equal(blocks_limit(), (size_t)params.block_budget << 10);
}

static void free_block(struct kmem_cache *c, void *block)
{
	enum slow_path how = gate_enter();

	assert_true(kmem_cache_free_slow(c, block, how));
	gate_leave();
}

static size_t blocks_room(void)
{
	size_t bytes = 0;

	for (unsigned int id = FIRST_BLOCK_CACHE; id <= LAST_BLOCK_CACHE; id++) {
		union sheaf_header h = percpu_header(id);

		bytes += (size_t)(h.end - h.begin) * kmem_caches[id].size;
	}
	return bytes;
}

/* Page blocks have one of their own, and the sizes in use have it, not the first. */
static void test_block_budget(void **state)
{
	struct kmem_cache *first = &kmem_caches[block_class(KiB(64) >> PAGE_SHIFT)];
	struct kmem_cache *later =
		&kmem_caches[block_class(KiB(256) >> PAGE_SHIFT)];
	uint64_t grown;
	void *blocks[20];

	(void)state;
	core_start("percpu=lock,span=1024,block_budget=1024");
	want_blocks_often();
	for (int i = 0; i < 20; i++)
		blocks[i] = kmem_cache_alloc(first);
	for (int i = 0; i < 20; i++)
		free_block(first, blocks[i]);
	assert_int_equal(blocks_room(), KiB(1024));
	assert_int_equal(sheaf_cached(first), 16);
	for (int i = 0; i < 100; i++)
		free_block(later, kmem_cache_alloc(later));
	assert_int_equal(sheaf_cached(later), 1);
	assert_true(sheaf_cached(first) >= 8);
	assert_true(blocks_room() <= KiB(1024));
	grown = cache_stat(later)->grown;
	for (int i = 0; i < 100; i++)
		free_block(later, kmem_cache_alloc(later));
	assert_int_equal(cache_stat(later)->grown, grown);
}

/* Who had room at another's cost does not ask again at its next miss. */
static void test_patience(void **state)
{
	struct kmem_cache *first = &kmem_caches[block_class(KiB(64) >> PAGE_SHIFT)];
	struct kmem_cache *later =
		&kmem_caches[block_class(KiB(128) >> PAGE_SHIFT)];
	void *blocks[20], *more[20];

	(void)state;
	core_start("percpu=lock,span=1024,block_budget=1024");
	want_blocks_often();
	for (int i = 0; i < 20; i++) {
		blocks[i] = kmem_cache_alloc(first);
		more[i] = kmem_cache_alloc(later);
	}
	for (int i = 0; i < 20; i++)
		free_block(first, blocks[i]);
	assert_int_equal(sheaf_cached(first), 16);
	/* Half of what the first had is room for four. */
	for (size_t i = 0; i < 20; i++) {
		free_block(later, more[i]);
		assert_int_equal(sheaf_cached(later), i < 17 ? 1 : i - 15);
	}
}

static const struct control_cache *stat_of_blocks(void)
{
	return cache_stat(&kmem_caches[block_class(KiB(128) >> PAGE_SHIFT)]);
}

/* What a CPU's sheaf keeps of blocks of 128 KiB when a hundred are freed there. */
static size_t blocks_kept(unsigned int cpu)
{
	struct kmem_cache *c =
		&kmem_caches[block_class(KiB(128) >> PAGE_SHIFT)];
	void *blocks[100];

	thread_word.shard = (uint16_t)(1 + cpu);
	for (int i = 0; i < 100; i++)
		blocks[i] = kmem_cache_alloc(c);
	for (int i = 0; i < 100; i++)
		free_block(c, blocks[i]);
	return sheaf_cached(c);
}

/* CPUs share that of blocks where there are threads, in a small heap. */
static void test_block_budget_of_threads(void **state)
{
	enum { NR = 4000 };
	struct kmem_cache *c = &kmem_caches[kmalloc_class(KMALLOC_MAX)];

	(void)state;
	core_start("percpu=lock,span=1024,block_budget=4096");
	want_blocks_often();
	assert_int_equal(blocks_kept(0), 32);
	/* One thread only is on one CPU at a time. */
	assert_int_equal(blocks_kept(1), 32);
	assert_int_equal(stat_of_blocks()->nr_barn, 0);
	/* What is one thread's is shared out among CPUs. */
	core_have_threads();
	slab_drain();
	slab_decay(1);
	assert_int_equal(blocks_kept(1), 16);
	assert_int_equal(blocks_kept(2), 10);
	assert_int_equal(blocks_kept(3), 8);
	/* Each may keep a block of any size. */
	assert_int_equal(blocks_kept(4), 8);
	for (int i = 0; i < NR; i++)
		assert_non_null(kmem_cache_alloc(c));
	assert_in_range(blocks_kept(5), 16, 31);
	/* And none more than one alone. */
	for (int i = 0; i < NR; i++)
		assert_non_null(kmem_cache_alloc(c));
	assert_int_equal(blocks_kept(6), 32);
}

/* What one CPU frees and has no room for serves the others, a tick's time long. */
static void test_blocks_of_other_cpus(void **state)
{
	const struct control_cache *st;
	uint64_t grown;
	size_t kept;

	(void)state;
	core_start("percpu=lock,span=1024,block_budget=6144");
	core_have_threads();
	want_blocks_often();
	st = stat_of_blocks();
	kept = blocks_kept(0);
	assert_in_range(kept, 1, 48);
	/* But for what is not told yet. */
	assert_in_range(st->nr_barn, 40, 100 - kept);
	assert_true(st->nr_barn * KiB(128) <= MiB(6) + MiB(6) / 2);
	grown = st->grown;
	thread_word.shard = 2;
	for (int i = 0; i < 40; i++)
		assert_non_null(kmem_cache_alloc(
			&kmem_caches[block_class(KiB(128) >> PAGE_SHIFT)]));
	assert_int_equal(st->grown, grown);
	slab_decay(1);
	slab_decay(30);
	assert_int_equal(st->nr_barn, 0);
	/* And they are no reason for a zone to grow. */
	assert_true(blocks_kept(2) > 0 && st->nr_barn > 0);
	slab_reap();
	assert_int_equal(st->nr_barn, 0);
}

/* Who asks for a size that this CPU has none of gets one of up to twice that, if it has
 * one, and then not one of the barn's. */
static void test_larger_block(void **state)
{
	struct kmem_cache *c = &kmem_caches[block_class(KiB(64) >> PAGE_SHIFT)];
	const struct control_cache *st;
	void *blocks[4], *own;
	struct sheaf *s;

	(void)state;
	core_start("percpu=lock,span=1024,block_budget=1024");
	want_blocks_often();
	st = cache_stat(c);
	own = kmem_cache_alloc(c);
	for (int i = 0; i < 4; i++)
		blocks[i] = kmem_cache_alloc(c + 1 + i);
	for (int i = 3; i >= 0; i--)
		free_block(c + 1 + i, blocks[i]);
	free_block(c, own);
	assert_int_equal(st->grown, 1);
	assert_ptr_equal(kmem_cache_alloc(c), own);
	/* The smallest first, and nothing larger than twice as large. */
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(kmem_cache_alloc(c), blocks[i]);
	assert_int_equal(st->grown, 1);
	assert_ptr_not_equal(kmem_cache_alloc(c), blocks[3]);
	assert_int_equal(st->grown, 2);
	assert_int_equal(sheaf_cached(c + 4), 1);
	/* It is back among its own, whoever had it. */
	free_block(c + 2, blocks[1]);
	assert_int_equal(sheaf_cached(c + 2), 1);
	s = barn_get_empty();
	s->objs[0] = own;
	s->nr = 1;
	barn_put(c, 0, s);
	assert_ptr_equal(kmem_cache_alloc(c), blocks[1]);
	assert_ptr_equal(kmem_cache_alloc(c), own);
	/* Another CPU's are that one's. */
	free_block(c + 2, blocks[1]);
	thread_word.shard++;
	assert_non_null(kmem_cache_alloc(c));
	assert_int_equal(st->grown, 3);
}

/*
 * Where blocks are filled they come and go less often, and each that waits is one
 * more to be fetched into the CPU's caches: then few may.
 */
static void test_blocks_needed_seldom(void **state)
{
	const size_t most = MiB(32), alone = KiB(256), shared = MiB(8);
	struct kmem_cache *c = &kmem_caches[kmalloc_class(KMALLOC_MAX)];

	(void)state;
	core_start("percpu=lock,span=1024");
	assert_int_equal(blocks_limit(), alone);
	want_blocks_often();
	misses_for(20, 30);
	assert_int_equal(blocks_limit(), alone);
	misses_for(20, 75);
	assert_int_equal(blocks_limit(), most);
	/* Long after the last one a few say nothing. */
	os_fake_pass_ms(1000);
	misses_for(1, 100);
	assert_int_equal(blocks_limit(), alone);
	/* Of several CPUs more is kept in any case. */
	for (uint16_t i = 0; i < 60; i++) {
		thread_word.shard = (uint16_t)(1 + i % 2);
		misses_for(1, 40);
	}
	assert_int_equal(blocks_limit(), most);
	for (uint16_t i = 0; i < 60; i++) {
		thread_word.shard = (uint16_t)(1 + i % 2);
		misses_for(1, 30);
	}
	assert_int_equal(blocks_limit(), shared);
	for (int i = 0; i < 1600; i++)
		assert_non_null(kmem_cache_alloc(c));
	assert_in_range(blocks_limit(), MiB(12), MiB(16));
	params.block_budget = 128;
	assert_int_equal(blocks_limit(), KiB(128));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_of_large_heap),
		cmocka_unit_test(test_block_budget),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_larger_block),
		cmocka_unit_test(test_blocks_needed_seldom),
		cmocka_unit_test(test_block_budget_of_threads),
		cmocka_unit_test(test_blocks_of_other_cpus),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
