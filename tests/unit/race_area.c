/* SPDX-License-Identifier: MIT */
/*
 * race_area.c - readers of the area records while they come, change and go: what
 * is read was written as one, and ranges are in order.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/area.h"
#include "base/atomic.h"
#include "proc/proc.h"

enum { NR_WRITERS = 3, HELD = 8, ROUNDS = 600000 };

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct area_slots area_slots; /* Lock: that one, where there are threads */
static uint32_t writing; /* Atomic: threads */

/* All fields follow from the number. */
static struct control_area area_of(uint64_t n)
{
	return (struct control_area){
		.kind = AREA_PAGER,
		.prot = n & (AREA_READ | AREA_WRITE),
		.pieces = (uint16_t)n,
		.start = (n + 1) << 12,
		.size = 4096 + (n % 3 << 12),
		.used = n,
		.offset = n + 1,
		.pager = n + 2,
		.faults = n + 3,
		.filled = n + 4,
	};
}

static void check_area(const struct control_area *r)
{
	struct control_area expected = area_of(r->used);

	expected.seq = r->seq;
	CHECK(!(r->seq & 1));
	CHECK(!memcmp(r, &expected, sizeof(expected)));
}

static void *write_areas(void *arg)
{
	struct rng rng = rng_seeded((uintptr_t)arg);
	uint32_t slots[HELD] = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t *slot = &slots[rng_below(&rng, HELD)];
		struct control_area area = area_of(rng_below(&rng, 1000));

		/* Its holder needs no lock. */
		if (*slot && rng_below(&rng, 2)) {
			area_update(AREAS_MM, *slot, &area);
			continue;
		}
		pthread_mutex_lock(&table_lock);
		if (*slot)
			area_hide(AREAS_MM, &area_slots, slot);
		else
			area_show(AREAS_MM, &area_slots, slot, true, &area);
		pthread_mutex_unlock(&table_lock);
	}
	pthread_mutex_lock(&table_lock);
	for (int i = 0; i < HELD; i++)
		if (slots[i])
			area_hide(AREAS_MM, &area_slots, &slots[i]);
	pthread_mutex_unlock(&table_lock);
	fetch_sub_full(&writing, 1);
	return NULL;
}

static uint64_t reached; /* where the last area ended */
static uint64_t nr_seen;

static void look(struct seq_file *m, const struct proc_area *area)
{
	(void)m;
	CHECK(area->record.start >= reached);
	check_area(&area->record);
	reached = area->record.start + area->record.size;
	nr_seen++;
}

static void test_readers(void **state)
{
	static const struct proc_snapshot s = { .control = &control };
	pthread_t threads[NR_WRITERS];

	(void)state;
	control.page_size = 4096;
	writing = NR_WRITERS;
	for (uintptr_t i = 0; i < NR_WRITERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, write_areas,
				      (void *)i));
	while (load_full(&writing)) {
		reached = 0;
		proc_for_each_area(NULL, &s, look);
	}
	for (int i = 0; i < NR_WRITERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(nr_seen > 0);
	nr_seen = 0;
	proc_for_each_area(NULL, &s, look);
	assert_int_equal(nr_seen, 0);
	assert_in_range(control.area_heads[AREAS_MM].nr, 1, NR_WRITERS * HELD);
	assert_int_equal(control.area_heads[AREAS_MM].lost, 0);
}

/* More areas than records: none is lost for ever. */
static void test_full(void **state)
{
	enum { NR = NR_AREA_RECORDS + 10 };
	static uint32_t slots[NR];
	struct control_area_head *head = &control.area_heads[AREAS_VMALLOC];
	struct control_area area = area_of(1);

	(void)state;
	for (int i = 0; i < NR; i++)
		area_show(AREAS_VMALLOC, &area_slots, &slots[i], true, &area);
	assert_int_equal(head->nr, NR_AREA_RECORDS);
	assert_int_equal(head->lost, 10);
	assert_int_equal(slots[NR - 1], 0);
	area_update(AREAS_VMALLOC, slots[NR - 1], &area);
	/* One that goes makes room for another when that changes. */
	area_hide(AREAS_VMALLOC, &area_slots, &slots[5]);
	area_show(AREAS_VMALLOC, &area_slots, &slots[NR - 1], false, &area);
	assert_int_equal(slots[NR - 1], 6);
	assert_int_equal(head->lost, 9);
	area_show(AREAS_VMALLOC, &area_slots, &slots[5], true, &area);
	assert_int_equal(head->lost, 10);
	for (int i = 0; i < NR; i++)
		area_hide(AREAS_VMALLOC, &area_slots, &slots[i]);
	assert_int_equal(head->lost, 0);
	assert_int_equal(head->nr, NR_AREA_RECORDS);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_full),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
