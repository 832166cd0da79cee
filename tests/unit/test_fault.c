/* SPDX-License-Identifier: MIT */
/*
 * test_fault.c - the kernel says no. A workload that goes through every layer
 * is run again and again, and each time another one of its system calls is
 * refused: the n-th alone, the n-th and all after it, some by chance. Whatever
 * is refused: no crash, NULL where there is no memory, contents untouched, all
 * structures valid, nothing lost; and as soon as the kernel agrees again,
 * everything works.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/control.h"
#include "base/params.h"
#include "os_fake.h"
#include "page_alloc/internal.h"
#include "percpu/percpu.h"
#include "slab/internal.h"
#include "vmalloc/vmalloc.h"

/* More than the workload makes. */
enum { MOST_CALLS = 140 };

static const char *options;
/* NULL is allowed: something was or is refused. */
static bool may_fail;

static void *got(void *p)
{
	CHECK(p || may_fail);
	return p;
}

/* --- start-up --- */

/* As lib/malloc/init.c does it. False: no allocator, which is an answer. */
static bool start(void)
{
	params_parse(options);
	control_init();
	if (percpu_init() < 0)
		return false;
	/* Without barns everything works, only slower. */
	if (slab_init() < 0)
		CHECK(may_fail);
	if (page_alloc_init() < 0)
		return false;
	page_alloc_set_reclaim(&core_reclaim);
	return true;
}

/* --- the workload --- */

static void use_objects(void)
{
	enum { NR = 300 };
	static unsigned char *objs[NR];

	for (unsigned int id = 1; id <= NR_KMALLOC; id += 4) {
		struct kmem_cache *c = &kmem_caches[id];
		unsigned int nr = (unsigned int)min_size(NR, KiB(128) / c->size);

		for (unsigned int i = 0; i < nr; i++) {
			objs[i] = got(kmem_cache_alloc(c));
			if (objs[i])
				memset(objs[i], (int)i, c->size);
		}
		for (unsigned int i = 0; i < nr; i++) {
			if (!objs[i])
				continue;
			CHECK(objs[i][0] == (unsigned char)i);
			CHECK(objs[i][c->size - 1] == (unsigned char)i);
			kmem_cache_free(c, objs[i]);
		}
	}
}

static void use_named_cache(void)
{
	struct kmem_cache *c = create_cache("fault", 500, 64, 0, NULL);
	void *objs[100];

	CHECK(c);
	for (int i = 0; i < 100; i++)
		objs[i] = got(kmem_cache_alloc(c));
	for (int i = 0; i < 100; i++)
		if (objs[i])
			kmem_cache_free(c, objs[i]);
	/* Destroying asks the kernel for nothing. */
	CHECK(kmem_cache_destroy(c) == 0);
}

static bool all_are(const unsigned char *p, unsigned char c, size_t size)
{
	return p[0] == c && !memcmp(p, p + 1, size - 1);
}

static void use_pages(void)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL, GFP_HIGHUSER_MOVABLE, GFP_KERNEL | GFPF_RECLAIMABLE,
		GFP_KERNEL | GFPF_DMA, GFP_KERNEL | GFPF_DMA32,
	};

	for (size_t i = 0; i < ARRAY_SIZE(gfps); i++) {
		struct page *pages[NR_PAGE_ORDERS];
		bool special = gfps[i] & (GFPF_DMA | GFPF_DMA32);

		for (unsigned int o = 0; o <= MAX_ORDER; o++) {
			pages[o] = alloc_pages(gfps[i], o);
			if (!special)
				got(pages[o]);
			if (pages[o])
				memset(page_address(pages[o]), 1, PAGE_SIZE);
		}
		for (unsigned int o = 0; o <= MAX_ORDER; o++)
			if (pages[o])
				CHECK(free_pages(pages[o], o, true));
	}
}

static void use_exact(void)
{
	size_t sizes[] = { 1, 3, 17, 100, 130 };

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t nr = sizes[i];
			unsigned char *p = got(alloc_pages_exact(
				nr, 0, GFP_KERNEL | GFPF_ZERO));

			if (!p)
				continue;
			CHECK(all_are(p, 0, nr << PAGE_SHIFT));
			memset(p, 5, nr << PAGE_SHIFT);
			resize_pages_exact(virt_to_page(p), 2 * nr, true);
			CHECK(resize_pages_exact(virt_to_page(p), nr, true));
			CHECK(all_are(p, 5, nr << PAGE_SHIFT));
			CHECK(free_pages_exact(virt_to_page(p), true));
			if (i == 3)
				page_alloc_decay(1);
		}
	page_alloc_decay(1);
	page_alloc_trim();
}

static void use_areas(void)
{
	unsigned char *a, *b, *q;

	a = got(vmalloc_pages(150, 150, PAGE_SIZE, false, true));
	b = got(vmalloc_pages(110, 110, MiB(2), true, true));
	if (b) {
		CHECK(all_are(b, 0, 110 << PAGE_SHIFT));
		memset(b, 2, 110 << PAGE_SHIFT);
	}
	if (a) {
		memset(a, 1, 150 << PAGE_SHIFT);
		q = got(vrealloc(virt_to_page(a), 1500, true));
		a = q ? q : a;
		CHECK(all_are(a, 1, 150 << PAGE_SHIFT));
		q = got(vrealloc(virt_to_page(a), 120, true));
		a = q ? q : a;
		CHECK(all_are(a, 1, 120 << PAGE_SHIFT));
		CHECK(vfree(virt_to_page(a), true));
	}
	vmalloc_decay(1);
	if (b) {
		q = got(vrealloc(virt_to_page(b), 2500, true));
		b = q ? q : b;
		CHECK(all_are(b, 2, 110 << PAGE_SHIFT));
		CHECK(vfree(virt_to_page(b), true));
	}
	a = got(vmalloc_pages(900, 900, PAGE_SIZE, true, true));
	if (a) {
		CHECK(all_are(a, 0, 900 << PAGE_SHIFT));
		CHECK(vfree(virt_to_page(a), true));
	}
	vmalloc_decay(2);
	vmalloc_trim();
}

static void use_everything(void)
{
	use_objects();
	use_named_cache();
	use_pages();
	use_exact();
	use_areas();
	slab_decay(1);
	use_objects();
	slab_drain();
	page_alloc_trim();
}

/* --- afterwards --- */

static void validate(void)
{
	for (unsigned int id = 1; id < nr_cache_ids(); id++)
		if (kmem_caches[id].size)
			kmem_cache_validate(&kmem_caches[id]);
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++) {
			struct zone *z = zone_of(n, (enum zone_type)t);

			buddy_validate(z);
			CHECK(z->stat->free <= z->stat->present);
		}
}

/* All was freed: is all of it there, and clean? */
static void check_nothing_lost(void)
{
	slab_drain();
	page_alloc_trim();
	vmalloc_trim();
	validate();
	for (unsigned int id = 1; id < nr_cache_ids(); id++)
		CHECK(control.caches[id].nr_slabs == 0);
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++) {
			const struct control_zone *st = &control.zones[n][t];

			CHECK(st->free == st->present);
			CHECK(st->pcp == 0 && st->slab == 0 && st->large == 0);
			if (t != ZONE_DMA)
				CHECK(st->free_resident == 0);
		}
	CHECK(vmalloc_stat().used == 0 && vmalloc_stat().nr_areas == 0);
	CHECK(vmalloc_stat().unpurged == 0);
}

struct plan {
	enum { NTH, FROM, RANDOMLY } how;
	unsigned int kinds;
	uint64_t n;
};

static void carry_out(void *arg)
{
	const struct plan *plan = arg;
	bool up;

	may_fail = true;
	os_fake_keep_stderr(true);
	switch (plan->how) {
	case NTH:
		os_fake_fail_nth(plan->kinds, plan->n);
		break;
	case FROM:
		os_fake_fail_from(plan->kinds, plan->n);
		break;
	case RANDOMLY:
		os_fake_fail_randomly(plan->kinds, plan->n,
				      2 + (unsigned int)plan->n % 8);
		break;
	}
	up = start();
	if (up)
		use_everything();
	os_fake_relent();
	os_fake_keep_stderr(false);
	if (!up)
		return;
	validate();
	/* The kernel agrees again. */
	may_fail = false;
	use_everything();
	check_nothing_lost();
}

static void run_plan(struct plan *plan)
{
	in_child(carry_out, plan);
}

static void refuse_one_by_one(const char *opts, unsigned int most)
{
	struct plan plan = { .how = NTH, .kinds = OS_ALL };

	options = opts;
	for (plan.n = 1; plan.n <= most; plan.n++)
		run_plan(&plan);
}

static void test_no_fault(void **state)
{
	(void)state;
	options = "percpu=lock,span=65536,thp=off";
	assert_true(start());
	use_everything();
	check_nothing_lost();
	/* Every kind of call is made; so many the other tests go through. */
	for (int kind = 0; kind < NR_OS_CALLS; kind++)
		assert_true(os_fake_calls((enum os_call)kind) > 0);
	assert_in_range(os_fake_all_calls(), 50, MOST_CALLS);
}

static void test_each_call(void **state)
{
	(void)state;
	refuse_one_by_one("percpu=lock,span=65536,thp=off",
			  unit_is_slow() ? 60 : MOST_CALLS);
}

static void test_each_call_rseq(void **state)
{
	(void)state;
	if (unit_has_tsan())
		unit_skip("ThreadSanitizer knows no restartable sequences");
	refuse_one_by_one("percpu=auto,span=128,thp=off",
			  unit_is_slow() ? 40 : MOST_CALLS);
}

/* From one call on nothing works any more, until it does again. */
static void test_all_from_one_on(void **state)
{
	struct plan plan = { .how = FROM, .kinds = OS_ALL };

	(void)state;
	options = "percpu=lock,span=65536,thp=off";
	for (plan.n = 1; plan.n <= MOST_CALLS; plan.n += plan.n < 30 ? 1 : 6)
		run_plan(&plan);
}

static void test_one_kind_never(void **state)
{
	struct plan plan = { .how = FROM, .n = 1 };

	(void)state;
	options = "percpu=lock,span=65536,thp=off";
	for (int kind = 0; kind < NR_OS_CALLS; kind++) {
		plan.kinds = OS_BIT(kind);
		run_plan(&plan);
	}
}

static void test_by_chance(void **state)
{
	struct plan plan = { .how = RANDOMLY, .kinds = OS_ALL };

	(void)state;
	options = "percpu=lock,span=65536,thp=off";
	for (plan.n = 1; plan.n <= rounds(40); plan.n++)
		run_plan(&plan);
}

/* --- limits of the process --- */

static void start_within(void *arg)
{
	struct rlimit lim = { .rlim_cur = *(size_t *)arg,
			      .rlim_max = RLIM_INFINITY };

	CHECK(!setrlimit(RLIMIT_AS, &lim));
	may_fail = true;
	options = "percpu=auto,thp=off";
	if (!start())
		_exit(3);
	use_everything();
	validate();
	/* Small requests must work even so. */
	may_fail = false;
	use_named_cache();
}

static void test_address_space_limits(void **state)
{
	(void)state;
	if (unit_is_slow())
		unit_skip("sanitizers need more address space");
	for (size_t mib = 64; mib <= 8192; mib *= 2) {
		size_t bytes = MiB(mib);

		in_child(start_within, &bytes);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_fault),
		cmocka_unit_test(test_each_call),
		cmocka_unit_test(test_each_call_rseq),
		cmocka_unit_test(test_all_from_one_on),
		cmocka_unit_test(test_one_kind_never),
		cmocka_unit_test(test_by_chance),
		cmocka_unit_test(test_address_space_limits),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
