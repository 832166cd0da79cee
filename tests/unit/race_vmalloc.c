/* SPDX-License-Identifier: MIT */
/*
 * race_vmalloc.c - VMALLOC space and its groups of CPUs: who takes what from whom, one
 * step at a time by two threads, and then many of them at once.
 *
 * percpu=lock: threads take slots, and so groups, in turn; the main thread's is another
 * than the next one's.
 */
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "os_fake.h"
#include "page_alloc/page_alloc.h"
#include "percpu/gate.h"
#include "vmalloc/internal.h"
#include "vmalloc/vmalloc.h"

/* --- the other thread --- */

static struct {
	sem_t ask, answer;
	size_t nr; /* pages it is to get; 0: it is to end */
	void *p;
} other;

static void *area(size_t nr)
{
	return vmalloc_pages(nr, nr, PAGE_SIZE, false, true);
}

static void give_back(void *p)
{
	CHECK(vfree(virt_to_page(p), true));
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		sem_wait(&other.ask);
		if (!other.nr)
			return NULL;
		other.p = area(other.nr);
		sem_post(&other.answer);
	}
}

static void *area_of_other(size_t nr)
{
	other.nr = nr;
	sem_post(&other.ask);
	sem_wait(&other.answer);
	return other.p;
}

/* Areas come from one CPU and from another all the time. */
static void make_crowd(void)
{
	for (int i = 0; i < 1000; i++)
		vmap_note_switch();
}

static void start_thread(void)
{
	pthread_t thread;

	CHECK(!sem_init(&other.ask, 0, 0) && !sem_init(&other.answer, 0, 0));
	CHECK(!pthread_create(&thread, NULL, serve, NULL));
	CHECK(!pthread_detach(thread));
}

static void start_other(const char *options)
{
	core_start(options);
	make_crowd();
	start_thread();
}

static const struct vmap_group *group_at(const void *p)
{
	return vmap_group_of(addr_to_pfn(p));
}

/* --- the space --- */

/* From its start: each piece is an area or a free extent, in blocks of one group. */
static void check_space(void)
{
	size_t pfn = space_start_pfn();
	size_t used = 0, unpurged = 0, areas = 0;

	while (pfn < span.nr_pages) {
		const struct page *page = pfn_to_page(pfn);
		const struct vmap_group *g = vmap_group_of(pfn);
		bool is_area = page->type == PAGE_VMALLOC;
		size_t nr = is_area ? page->room : page->nr_pages;

		CHECK(g && nr && (is_area || page->type == PAGE_VFREE));
		used += is_area ? page->nr_pages : 0;
		areas += is_area;
		unpurged += !is_area && page->cold == UNPURGED ? nr : 0;
		for (size_t end = pfn + nr; pfn < end; pfn++)
			CHECK(vmap_group_of(pfn) == g);
	}
	CHECK(pfn == span.nr_pages);
	CHECK(vmalloc_stat().used == used << PAGE_SHIFT);
	CHECK(vmalloc_stat().unpurged == unpurged << PAGE_SHIFT);
	CHECK(vmalloc_stat().nr_areas == areas);
}

/* --- step by step --- */

enum { NR = 600, SMALL = 100 };

static void test_own(void **state)
{
	char *a, *b;

	(void)state;
	start_other("percpu=lock,span=65536,thp=off");
	a = area(NR);
	b = area_of_other(NR);
	assert_ptr_not_equal(group_at(a), group_at(b));
	/* Each gets its own again, also if the other has freed it. */
	give_back(a);
	give_back(b);
	assert_ptr_equal(area(NR), a);
	assert_ptr_equal(area_of_other(NR), b);
	check_space();
}

/* Memory that another group has free, before any that has to be made. */
static void test_borrow(void **state)
{
	size_t online;
	char *a, *p;

	(void)state;
	start_other("percpu=lock,span=65536,thp=off");
	a = area(NR);
	memset(a, 1, SMALL << PAGE_SHIFT);
	give_back(a);
	online = control.vmalloc.online;
	p = area_of_other(NR);
	assert_ptr_equal(p, a);
	assert_int_equal(control.vmalloc.online, online);
	assert_int_equal(vmalloc_stat().unpurged, 0);
	/* It was only lent. */
	give_back(p);
	assert_ptr_equal(area(SMALL), a);
	check_space();
}

/* Clean space changes hands. */
static void test_adopt(void **state)
{
	const struct vmap_group *g;
	size_t online;
	char *a, *b;

	(void)state;
	start_other("percpu=lock,span=65536,thp=off");
	a = area(8 * NR);
	g = group_at(a);
	give_back(a);
	vmalloc_trim();
	online = control.vmalloc.online;
	b = area_of_other(NR);
	assert_ptr_not_equal(group_at(b), g);
	assert_int_equal(control.vmalloc.online, online);
	/* The rest stayed where it was. */
	a = area(NR);
	assert_ptr_equal(group_at(a), g);
	assert_int_equal(control.vmalloc.online, online);
	check_space();
	/* Without waiting none is adopted. */
	give_back(b);
	give_back(a);
	vmalloc_trim();
	a = vmalloc_pages(NR, NR, PAGE_SIZE, false, false);
	assert_ptr_equal(group_at(a), g);
	check_space();
}

/* No more space, and none of them has enough: all of it together has. */
static void test_last(void **state)
{
	enum { ALL = 4 * 2048 };
	char *a[4], *p;

	(void)state;
	start_other("percpu=lock,span=65536,thp=off");
	/* In turn, so that they lie side by side. */
	for (int i = 0; i < 4; i++)
		a[i] = i % 2 ? area_of_other(2048) : area(2048);
	for (int i = 0; i < 4; i++)
		give_back(a[i]);
	os_fake_fail_from(OS_BIT(OS_COMMIT), 1);
	p = area(ALL);
	assert_non_null(p);
	assert_int_equal(control.vmalloc.online, (size_t)ALL << PAGE_SHIFT);
	assert_null(area_of_other(NR));
	os_fake_relent();
	memset(p, 1, (size_t)ALL << PAGE_SHIFT);
	check_space();
	give_back(p);
	vmalloc_release();
	assert_int_equal(control.vmalloc.online, 0);
	/* It is nobody's then, and the next one's who wants it. */
	p = area_of_other(2048);
	assert_ptr_equal(p, a[0]);
	assert_ptr_equal(group_at(p), group_at(area_of_other(SMALL)));
	check_space();
}

/* All use one group while areas come seldom. */
static void test_no_crowd(void **state)
{
	const struct vmap_group *g;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	start_thread();
	g = group_at(area(NR));
	assert_ptr_equal(group_at(area_of_other(NR)), g);
	for (int i = 0; i < 10; i++)
		vmap_note_switch();
	assert_ptr_equal(group_at(area_of_other(NR)), g);
	make_crowd();
	assert_ptr_not_equal(group_at(area(NR)), group_at(area_of_other(NR)));
	usleep(20000);
	vmalloc_decay(1);
	assert_ptr_equal(group_at(area_of_other(NR)), g);
	check_space();
}

/* In a small span all have one group. */
static void test_one_group(void **state)
{
	(void)state;
	start_other("percpu=lock,span=4096,thp=off");
	assert_ptr_equal(group_at(area(NR)), group_at(area_of_other(NR)));
	check_space();
}

/* As much as is in use may stay, whichever group has it, and not twice as much. */
static void test_kept_by_all(void **state)
{
	enum { EACH = 64 };
	void *areas[2][EACH];

	(void)state;
	start_other("percpu=lock,span=65536,thp=off,resident_free=0");
	for (int i = 0; i < EACH; i++) {
		areas[0][i] = area(512);
		areas[1][i] = area_of_other(512);
	}
	/* Of one group all, so that it depends on what the other has. */
	for (int i = 0; i < EACH; i++) {
		give_back(areas[0][i]);
		assert_true(vmalloc_stat().unpurged <= vmalloc_stat().used +
						       (512 << PAGE_SHIFT));
	}
	assert_in_range(vmalloc_stat().unpurged, (EACH / 2) * MiB(2),
			EACH * MiB(2));
	for (int i = 0; i < EACH; i++)
		give_back(areas[1][i]);
	assert_true(vmalloc_stat().unpurged <= (EACH + 1) * MiB(2));
	check_space();
}

/* What is purged because it is too much, and is then needed again and again, is not
 * any more. */
static void test_missed(void **state)
{
	enum { LIVE = 40, TURNS = 40000, FEW = TURNS / 1000 };
	struct rng rng = rng_seeded(7);
	void *live[LIVE] = { NULL };
	uint64_t before, first = 0, last = 0;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off,resident_free=1024");
	before = sum_vm_event(PURGE_CALLS);
	for (int i = 0; i < TURNS; i++) {
		size_t k = rng_below(&rng, LIVE);

		if (live[k])
			give_back(live[k]);
		/* How many there are varies, too. */
		live[k] = rng_below(&rng, 4) ? area(257 + rng_below(&rng, 768)) :
					       NULL;
		if (i == TURNS / 2)
			first = sum_vm_event(PURGE_CALLS) - before;
	}
	last = sum_vm_event(PURGE_CALLS) - before - first;
	/* It had to be learned; a hundred otherwise, all the time. */
	assert_true(first > 0);
	assert_true(last < FEW);
	for (int i = 0; i < LIVE; i++)
		if (live[i])
			give_back(live[i]);
	check_space();
}

/* --- all at once --- */

enum { NR_THREADS = 4, HELD = 6, NR_SHARED = 8 };

static uint64_t *shared[NR_SHARED]; /* Atomic: areas that threads hand on */
static bool quit; /* Atomic */

static void stamp(uint64_t *p)
{
	size_t nr = virt_to_page(p)->nr_pages;

	p[0] = (uintptr_t)p;
	p[nr * 512 - 1] = (uintptr_t)p;
}

static void check_stamp(const uint64_t *p)
{
	size_t nr = virt_to_page(p)->nr_pages;

	CHECK(p[0] == (uintptr_t)p && p[nr * 512 - 1] == (uintptr_t)p);
}

static uint64_t *resized(struct rng *r, uint64_t *p)
{
	uint64_t *q;

	check_stamp(p);
	q = vrealloc(virt_to_page(p), rng_log(r, 4000), true);
	if (!q)
		return p;
	CHECK(q[0] == (uintptr_t)p);
	stamp(q);
	return q;
}

static void step(struct rng *r, uint64_t **mine)
{
	uint64_t **place = &shared[rng_below(r, NR_SHARED)];

	CHECK(gate_enter() == SLOW_NORMAL);
	if (!*mine) {
		bool zero = rng_below(r, 2), wait = rng_below(r, 8);
		size_t nr = rng_log(r, 3000);

		*mine = vmalloc_pages(nr, nr + rng_below(r, 1000),
				      (size_t)PAGE_SIZE << rng_below(r, 11), zero,
				      wait);
		CHECK(*mine || !wait);
		if (*mine && zero)
			CHECK(!(*mine)[0] && !(*mine)[nr * 512 - 1]);
		if (*mine)
			stamp(*mine);
	} else if (rng_below(r, 4) == 0) {
		*mine = resized(r, *mine);
	} else if (rng_below(r, 3) == 0) {
		*mine = __atomic_exchange_n(place, *mine, __ATOMIC_ACQ_REL);
	} else {
		check_stamp(*mine);
		if (vfree(virt_to_page(*mine), rng_below(r, 8)))
			*mine = NULL;
	}
	gate_leave();
}

static void *work(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);
	uint64_t *mine[HELD] = { NULL };

	for (unsigned int i = 0; i < rounds(6000); i++)
		step(&rng, &mine[rng_below(&rng, HELD)]);
	for (int i = 0; i < HELD; i++)
		if (mine[i])
			give_back(mine[i]);
	return NULL;
}

static void *disturb(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);

	while (!load_relaxed(&quit)) {
		CHECK(gate_enter() == SLOW_NORMAL);
		switch (rng_below(&rng, 8)) {
		case 0:
			vmalloc_release();
			break;
		case 1:
			vmalloc_trim();
			break;
		case 2:
		case 3:
			vmalloc_make_up(1 + rng_below(&rng, 2000));
			break;
		default:
			vmalloc_decay(1);
		}
		gate_leave();
		usleep((useconds_t)rng_below(&rng, 2000));
	}
	return NULL;
}

static void test_all_at_once(void **state)
{
	pthread_t threads[NR_THREADS], disturber;

	(void)state;
	core_start("percpu=lock,span=65536,thp=off");
	make_crowd();
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)(i + 1)));
	CHECK(!pthread_create(&disturber, NULL, disturb, (void *)100));
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	store_relaxed(&quit, true);
	CHECK(!pthread_join(disturber, NULL));
	check_space();
	for (int i = 0; i < NR_SHARED; i++)
		if (shared[i])
			give_back(shared[i]);
	check_space();
	vmalloc_release();
	assert_int_equal(vmalloc_stat().used, 0);
	assert_int_equal(vmalloc_stat().unpurged, 0);
	assert_int_equal(control.vmalloc.online, 0);
	assert_int_equal(control.area_heads[AREAS_VMALLOC].lost, 0);
	assert_int_equal(control.area_heads[AREAS_UNPURGED].lost, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_borrow),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_no_crowd),
		cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_kept_by_all),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_all_at_once),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
