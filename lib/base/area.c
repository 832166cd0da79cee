/* SPDX-License-Identifier: MIT */
/*
 * area.c - see area.h.
 *
 * Free records of a lock form a list by slot numbers, last freed first, so that a
 * program with few areas touches one page. Every field is stored as a release and read
 * as an acquire: on x86 these are plain moves, and elsewhere cheaper to prove
 * right than fences.
 */
#include "base/area.h"

#include "base/atomic.h"

/* So that the records of two locks lie apart. */
enum { SLOTS_AT_ONCE = 8 };

_Static_assert(NR_AREA_RECORDS % SLOTS_AT_ONCE == 0, "all can be claimed");

static struct control_area *record_of(enum control_area_table table,
				      uint32_t slot)
{
	return &control.areas[table][slot - 1];
}

/* Pairs with try_read() in proc/areas.c. */
static void write_record(struct control_area *r, const struct control_area *area)
{
	/* An odd one was left behind by a thread that a fork took away. */
	uint32_t seq = load_relaxed(&r->seq) | 1;

	store_relaxed(&r->seq, seq);
	store_release(&r->kind, area->kind);
	store_release(&r->prot, area->prot);
	store_release(&r->pieces, area->pieces);
	store_release(&r->start, area->start);
	store_release(&r->size, area->size);
	store_release(&r->used, area->used);
	store_release(&r->moved, area->moved); /* or `offset` */
	store_release(&r->pager, area->pager);
	store_release(&r->faults, area->faults);
	store_release(&r->filled, area->filled);
	store_release(&r->seq, seq + 1);
}

/* Some that nobody has used; without a lock, for other locks' users want them, too. */
static bool claim_slots(enum control_area_table table, struct area_slots *slots)
{
	uint32_t *nr = &control.area_heads[table].nr;
	uint32_t old = load_relaxed(nr);

	do {
		if (old >= NR_AREA_RECORDS)
			return false;
	} while (!cas_relaxed(nr, &old, old + SLOTS_AT_ONCE));
	slots->next = old + 1;
	slots->end = old + 1 + SLOTS_AT_ONCE;
	return true;
}

static uint32_t take_slot(enum control_area_table table, struct area_slots *slots)
{
	uint32_t slot = slots->free;

	if (slot)
		slots->free = (uint32_t)record_of(table, slot)->used;
	else if (slots->next < slots->end || claim_slots(table, slots))
		slot = slots->next++;
	return slot;
}

void area_show(enum control_area_table table, struct area_slots *slots,
	       uint32_t *slot, bool is_new, const struct control_area *area)
{
	uint32_t *lost = &control.area_heads[table].lost;

	if (!*slot) {
		*slot = take_slot(table, slots);
		if (is_new && !*slot)
			fetch_add_relaxed(lost, 1);
		else if (!is_new && *slot)
			fetch_sub_relaxed(lost, 1);
	}
	area_update(table, *slot, area);
}

void area_update(enum control_area_table table, uint32_t slot,
		 const struct control_area *area)
{
	if (slot)
		write_record(record_of(table, slot), area);
}

void area_hide(enum control_area_table table, struct area_slots *slots,
	       uint32_t *slot)
{
	if (*slot) {
		struct control_area next_free = { .used = slots->free };

		write_record(record_of(table, *slot), &next_free);
		slots->free = *slot;
	} else {
		fetch_sub_relaxed(&control.area_heads[table].lost, 1);
	}
	*slot = 0;
}
