/* SPDX-License-Identifier: MIT */
/*
 * race_barn.c - the lock-free stacks of sheaves: threads take empty sheaves,
 * fill them, put them into a barn, take full ones out and empty them, as fast
 * as they can and with so few sheaves that the same ones come round again and
 * again: what breaks a stack whose head does not change with every operation.
 * No sheaf is in two hands, none is lost, and its objects arrive with it; all
 * that while another thread gives the memory of empty ones back to the kernel, and
 * with threads among them that keep a spare one at hand.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os_fake.h"
#include "percpu/thread.h"
#include "slab/internal.h"

enum { NR_THREADS = 6, NR_SHEAVES = 5, OWNER_SLOT = 254 };

static struct kmem_cache *cache;
static bool quit; /* Atomic */
static uint64_t exchanges; /* Atomic */

/* The last slot, which no batch reaches, says who has the sheaf. */
static void take(struct sheaf *s, uintptr_t me)
{
	CHECK(!__atomic_exchange_n((uintptr_t *)&s->objs[OWNER_SLOT], me,
				   __ATOMIC_RELAXED));
}

static void give(struct sheaf *s, uintptr_t me)
{
	CHECK(__atomic_exchange_n((uintptr_t *)&s->objs[OWNER_SLOT], 0,
				  __ATOMIC_RELAXED) == me);
}

static void *stamp(const struct sheaf *s, unsigned int i)
{
	return (void *)((uintptr_t)s + i);
}

/*
 * Two out, the first one back, then the second: to someone who looked before
 * and compares now, the head is the same, and what was below it is not there.
 */
static void swap_two(uintptr_t me)
{
	struct sheaf *a = barn_get_empty(), *b = barn_get_empty();

	if (a)
		take(a, me);
	if (b)
		take(b, me);
	if (a) {
		give(a, me);
		barn_put_empty(a);
	}
	if (b) {
		give(b, me);
		barn_put_empty(b);
	}
}

static bool empty_one(uintptr_t me)
{
	struct sheaf *s = barn_get(cache, 0);

	if (!s)
		return false;
	take(s, me);
	CHECK(s->nr >= 1 && s->nr <= 8);
	for (unsigned int i = 0; i < s->nr; i++) {
		CHECK(s->objs[i] == stamp(s, i));
		s->objs[i] = NULL;
	}
	s->nr = 0;
	give(s, me);
	barn_put_empty(s);
	return true;
}

static void *work(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);
	uintptr_t me = (uintptr_t)arg;
	uint64_t n = 0;

	/* Two of a stripe, and those that have none. */
	thread_word.stripe = (uint16_t)(me / 3);
	while (!load_relaxed(&quit)) {
		uint64_t dice = rng_next(&rng);
		struct sheaf *s;

		for (uint64_t i = dice % 64; i; i--)
			swap_two(me);
		s = barn_get_empty();
		if (s) {
			take(s, me);
			s->nr = 1 + (uint32_t)(dice % 8);
			for (unsigned int i = 0; i < s->nr; i++)
				s->objs[i] = stamp(s, i);
			give(s, me);
			barn_put(cache, 0, s);
		}
		/* Now and then many lie idle. */
		if (dice >> 54 == 1)
			usleep(1000);
		/* Now and then more are in than out, and the other way round. */
		if (dice >> 60 == 0)
			continue;
		if (!empty_one(me))
			continue;
		n++;
	}
	fetch_add_relaxed(&exchanges, n);
	return NULL;
}

/* A sheaf whose page went while someone had it would have lost its owner. */
static void *give_back(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	while (!load_relaxed(&quit)) {
		for (int i = 0; i < 20; i++) {
			while (empty_one(me))
				;
			barn_trim();
		}
		barn_decay(1);
		usleep(50);
	}
	return NULL;
}

static void test_barn(void **state)
{
	pthread_t threads[NR_THREADS], purger;
	struct sheaf *s, *keep = NULL;
	unsigned int nr = 0;

	(void)state;
	core_start("percpu=lock,span=64");
	cache = &kmem_caches[4];
	/* All sheaves but a few go away, to make the few go round quickly. */
	for (nr = 0; (s = barn_get_empty()); nr++) {
		if (nr < NR_SHEAVES)
			s->objs[0] = keep;
		if (nr < NR_SHEAVES)
			keep = s;
	}
	CHECK(nr > NR_SHEAVES);
	while (keep) {
		s = keep;
		keep = s->objs[0];
		s->objs[0] = NULL;
		barn_put_empty(s);
	}
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)(i + 1)));
	CHECK(!pthread_create(&purger, NULL, give_back,
			      (void *)(uintptr_t)77));
	usleep(1500 * 1000);
	/* Both sheaves of a page must lie idle: with few CPUs for many threads and
	 * under ThreadSanitizer that can take a while. */
	for (int i = 0; i < 600 && !sum_vm_event(PURGE_CALLS); i++)
		usleep(50 * 1000);
	store_relaxed(&quit, true);
	CHECK(!pthread_join(purger, NULL));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(exchanges > 1000);
	CHECK(sum_vm_event(PURGE_CALLS) > 0);
	barn_trim();
	for (nr = 0; (s = barn_get_empty()); nr++)
		take(s, 99);
	while ((s = barn_get(cache, 0))) {
		take(s, 99);
		nr++;
	}
	assert_int_equal(nr, NR_SHEAVES);
	assert_int_equal(control.caches[cache->id].nr_barn, 0);
}

/* Everything in order: last in, first out; the idle ones are counted. */
static void test_idle(void **state)
{
	struct sheaf *s[10];

	(void)state;
	core_start("percpu=lock,span=64,barn_limit=256");
	cache = &kmem_caches[4];
	assert_null(barn_get(cache, 0));
	for (unsigned int i = 0; i < 10; i++) {
		s[i] = barn_get_empty();
		assert_non_null(s[i]);
		s[i]->nr = i + 1;
		s[i]->objs[0] = s[i];
		barn_put(cache, 0, s[i]);
	}
	assert_int_equal(control.caches[cache->id].nr_barn, 55);
	barn_idle(cache, 0);
	for (int i = 9; i >= 4; i--)
		assert_ptr_equal(barn_get(cache, 0), s[i]);
	for (int i = 4; i < 10; i++)
		barn_put(cache, 0, s[i]);
	/* Four were never taken. */
	assert_int_equal(barn_idle(cache, 0), 4);
	assert_int_equal(barn_idle(cache, 0), 10);
	/* 55 objects of 64 bytes are there, in ten sheaves of 2 KiB. */
	assert_false(barn_has_room(cache, 0, s[0]));
	while (barn_get(cache, 0))
		;
	assert_true(barn_has_room(cache, 0, s[0]));
}

/* Of a CPU's own sheaves the last first; those of others before none at all. */
static void test_own_first(void **state)
{
	struct sheaf *s[6];

	(void)state;
	core_start("percpu=lock,span=64");
	cache = &kmem_caches[4];
	for (unsigned int i = 0; i < 6; i++) {
		thread_word.shard = (uint16_t)(1 + i % 3);
		s[i] = barn_get_empty();
		assert_non_null(s[i]);
		s[i]->nr = 1;
		barn_put(cache, 0, s[i]);
	}
	thread_word.shard = 2;
	assert_ptr_equal(barn_get(cache, 0), s[4]);
	assert_ptr_equal(barn_get(cache, 0), s[1]);
	for (int i = 0; i < 4; i++)
		assert_non_null(barn_get(cache, 0));
	assert_null(barn_get(cache, 0));
	barn_put(cache, 0, s[0]);
	barn_put(cache, 0, s[1]);
	thread_word.shard = 3;
	barn_put(cache, 0, s[2]);
	/* Which lie idle is known of each. */
	for (unsigned int i = 0; i < MAX_GROUPS; i++)
		barn_idle(cache, i);
	assert_ptr_equal(barn_get(cache, 0), s[2]);
	barn_put(cache, 0, s[2]);
	assert_int_equal(barn_idle(cache, 1), 2);
	assert_int_equal(barn_idle(cache, 2), 0);
	assert_ptr_equal(barn_take(cache, 1), s[1]);
	assert_ptr_equal(barn_take(cache, 1), s[0]);
	assert_null(barn_take(cache, 1));
	assert_ptr_equal(barn_take(cache, 2), s[2]);
	thread_word.shard = 0;
}

static void put_as(unsigned int shard, struct kmem_cache *c)
{
	struct sheaf *s = barn_get_empty();

	assert_non_null(s);
	s->nr = 1;
	thread_word.shard = (uint16_t)(1 + shard);
	barn_put(c, 0, s);
}

/* Who frees small objects itself leaves others theirs; for a while. */
static void test_others(void **state)
{
	struct kmem_cache *small, *large;

	(void)state;
	core_start("percpu=lock,span=64");
	small = &kmem_caches[kmalloc_class(896)];
	large = &kmem_caches[kmalloc_class(1024)];
	for (int i = 0; i < 10; i++) {
		put_as(1, small);
		put_as(1, large);
	}
	thread_word.shard = 1;
	assert_non_null(barn_get(small, 0));
	for (int i = 0; i < 3; i++) {
		barn_note_full(small, 0);
		barn_note_full(large, 0);
	}
	assert_non_null(barn_get(large, 0));
	/* One miss for each that ran full. */
	for (int i = 0; i < 3; i++)
		assert_null(barn_get(small, 0));
	assert_non_null(barn_get(small, 0));
	barn_note_full(small, 0);
	assert_null(barn_get(small, 0));
	/* Its own, of course; and what is said of one CPU, or class, is of no other. */
	put_as(0, small);
	assert_non_null(barn_get(small, 0));
	barn_note_full(small, 0);
	thread_word.shard = 3;
	assert_non_null(barn_get(small, 0));
	/* Who frees no more has to wait no longer than that. */
	thread_word.shard = 1;
	for (int i = 0; i < 5000; i++)
		barn_note_full(small, 0);
	for (int i = 0; i < 1024; i++)
		assert_null(barn_get(small, 0));
	assert_non_null(barn_get(small, 0));
	thread_word.shard = 0;
}

static struct sheaf *sheaf_with(unsigned int nr)
{
	struct sheaf *s = barn_get_empty();

	assert_non_null(s);
	s->nr = nr;
	return s;
}

/* Small objects are for slabs to put in order: a sixteenth of the limit. */
static void test_small(void **state)
{
	struct kmem_cache *small, *large;

	(void)state;
	core_start("percpu=lock,span=64,barn_limit=256");
	small = &kmem_caches[kmalloc_class(64)];
	assert_true(barn_has_room(small, 0, sheaf_with(200)));
	barn_put(small, 0, sheaf_with(200));
	assert_false(barn_has_room(small, 0, sheaf_with(200)));
	large = &kmem_caches[kmalloc_class(2048)];
	for (int i = 0; i < 3; i++) {
		assert_true(barn_has_room(large, 0, sheaf_with(32)));
		barn_put(large, 0, sheaf_with(32));
	}
	/* What is in the other barn counts, too. */
	assert_false(barn_has_room(large, 0, sheaf_with(40)));
}

/*
 * What stripes have not told yet is little, all of it together: a limit holds but for
 * half of it, and nothing is forgotten.
 */
static void test_bytes_of_stripes(void **state)
{
	enum { LIMIT = KiB(1024), BATCH = KiB(16) };
	struct kmem_cache *c[4];
	uint64_t bytes = 0;
	struct sheaf *s;

	(void)state;
	core_start("percpu=lock,span=64,barn_limit=1024");
	for (int i = 0; i < 4; i++)
		c[i] = &kmem_caches[kmalloc_class(1024u << i)];
	for (unsigned int i = 0; bytes < 2 * LIMIT; i++) {
		struct kmem_cache *mine = c[i % 4];

		thread_word.stripe = (uint16_t)(1 + i % 16);
		s = sheaf_with(BATCH / mine->size);
		if (bytes < LIMIT / 2)
			assert_true(barn_has_room(mine, 0, s));
		else if (!barn_has_room(mine, 0, s))
			break;
		barn_put(mine, 0, s);
		bytes += BATCH;
	}
	assert_in_range(bytes, LIMIT / 2, LIMIT * 3 / 2);
	for (int i = 0; i < 4; i++)
		while (barn_get(c[i], 0))
			;
	thread_word.stripe = 1;
	assert_true(barn_has_room(c[0], 0, sheaf_with(1)));
	/* Not once more as much, for want of what was taken out. */
	for (bytes = 0; bytes < 2 * LIMIT; bytes += BATCH) {
		s = sheaf_with(BATCH / c[bytes / BATCH % 4]->size);
		if (!barn_has_room(c[bytes / BATCH % 4], 0, s))
			break;
		barn_put(c[bytes / BATCH % 4], 0, s);
	}
	assert_in_range(bytes, LIMIT / 2, LIMIT * 3 / 2);
	thread_word.stripe = 0;
}

enum { NR_CELLS = 100 };

/* Cells 1 .. NR_CELLS, all of them written. */
static void take_cells(struct sheaf **s)
{
	for (int i = 0; i < NR_CELLS; i++) {
		s[i] = barn_get_empty();
		assert_non_null(s[i]);
		memset(s[i], 1, sizeof(*s[i]));
	}
}

static size_t resident_cell_pages(struct sheaf *first)
{
	unsigned char vec[NR_CELLS / 2 + 1];
	size_t sum = 0;

	assert_int_equal(mincore(first - 1, sizeof(vec) * PAGE_SIZE, vec), 0);
	for (size_t i = 0; i < sizeof(vec); i++)
		sum += vec[i] & 1;
	return sum;
}

/* Empty sheaves that lie idle cost nothing before long, and are usable again. */
static void test_give_back(void **state)
{
	struct sheaf *s[NR_CELLS], *again[NR_CELLS], *first;
	bool seen[NR_CELLS] = { false };
	uint64_t calls;

	(void)state;
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	core_start("percpu=lock,span=64");
	take_cells(s);
	first = s[0];
	assert_int_equal((uintptr_t)first % PAGE_SIZE, sizeof(*first));
	for (int i = 0; i < NR_CELLS; i++)
		barn_put_empty(s[i]);
	/* The first tick only notes what lies idle. */
	barn_decay(1);
	assert_int_equal(resident_cell_pages(first), 51);
	/* Half of them, in one call. */
	calls = os_fake_calls(OS_PURGE);
	barn_decay(1);
	assert_int_equal(os_fake_calls(OS_PURGE) - calls, 1);
	assert_int_equal(resident_cell_pages(first), 51 - 25);
	/* What is used between two ticks is not idle. */
	for (int i = 0; i < 5; i++) {
		struct sheaf *one = barn_get_empty(), *two = barn_get_empty();

		assert_ptr_equal(one, s[NR_CELLS - 1]);
		assert_ptr_equal(two, s[NR_CELLS - 2]);
		barn_put_empty(two);
		barn_put_empty(one);
		barn_decay(1);
	}
	assert_in_range(resident_cell_pages(first), 2, 6);
	for (int i = 0; i < 10; i++)
		barn_decay(1);
	/* Nothing is given back twice. */
	calls = os_fake_calls(OS_PURGE);
	for (int i = 0; i < 10; i++)
		barn_decay(1);
	assert_int_equal(os_fake_calls(OS_PURGE), calls);
	/* Half the first page and half the last are in nobody's hands. */
	barn_trim();
	assert_int_equal(resident_cell_pages(first), 2);
	calls = os_fake_calls(OS_PURGE);
	barn_trim();
	assert_int_equal(os_fake_calls(OS_PURGE), calls);
	/* All of them are there, each once, before a new one is begun. */
	take_cells(again);
	for (int i = 0; i < NR_CELLS; i++) {
		size_t at = (size_t)(again[i] - first);

		assert_true(at < NR_CELLS);
		assert_false(seen[at]);
		seen[at] = true;
	}
	assert_ptr_equal(barn_get_empty(), first + NR_CELLS);
	/* One of two is in use: the page stays. */
	for (int i = 0; i < NR_CELLS; i++)
		if ((again[i] - first) % 2)
			barn_put_empty(again[i]);
	calls = os_fake_calls(OS_PURGE);
	barn_trim();
	assert_int_equal(os_fake_calls(OS_PURGE), calls);
	assert_int_equal(resident_cell_pages(first), 51);
}

/* A spare one is nobody else's, is taken first, and does not keep its page. */
static void test_spare(void **state)
{
	struct sheaf *s[NR_CELLS];

	(void)state;
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	core_start("percpu=lock,span=64");
	take_cells(s);
	thread_word.stripe = 3;
	barn_put_empty(s[4]);
	barn_put_empty(s[5]);
	thread_word.stripe = 4;
	assert_ptr_equal(barn_get_empty(), s[5]);
	assert_ptr_equal(barn_get_empty(), s[0] + NR_CELLS);
	thread_word.stripe = 3;
	assert_ptr_equal(barn_get_empty(), s[4]);
	for (int i = 0; i < NR_CELLS; i++)
		barn_put_empty(s[i]);
	barn_trim();
	assert_int_equal(resident_cell_pages(s[0]), 2);
	thread_word.stripe = 0;
}

/* Those that lie deepest are each half of a page: others are idle, too. */
static void test_give_back_halves(void **state)
{
	struct sheaf *s[NR_CELLS];

	(void)state;
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	core_start("percpu=lock,span=64");
	take_cells(s);
	for (int half = 0; half < 2; half++)
		for (int i = half; i < NR_CELLS; i += 2)
			barn_put_empty(s[i]);
	barn_decay(1);
	barn_decay(1);
	assert_int_equal(resident_cell_pages(s[0]), 51 - 25);
	for (int i = 0; i < 10; i++)
		barn_decay(1);
	assert_in_range(resident_cell_pages(s[0]), 2, 4);
}

/* Locked memory stays, and no cell is lost by it. */
static void test_give_back_refused(void **state)
{
	struct sheaf *s[NR_CELLS];

	(void)state;
	core_start("percpu=lock,span=64");
	take_cells(s);
	for (int i = 0; i < NR_CELLS; i++)
		barn_put_empty(s[i]);
	os_fake_fail_from(OS_BIT(OS_PURGE), 1);
	barn_trim();
	assert_int_equal(os_fake_refused(), 1);
	os_fake_relent();
	for (int i = NR_CELLS; i-- > 0;)
		assert_ptr_equal(barn_get_empty(), s[i]);
	assert_ptr_equal(barn_get_empty(), s[0] + NR_CELLS);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_barn),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_own_first),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_bytes_of_stripes),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_give_back_halves),
		cmocka_unit_test(test_give_back_refused),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
