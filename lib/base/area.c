/* SPDX-License-Identifier: MIT */
/*
 * area.c - see area.h.
 *
 * Free records form a list by slot numbers, last freed first, so that a program
 * with few areas touches one page. Every field is stored as a release and read
 * as an acquire: on x86 these are plain moves, and elsewhere cheaper to prove
 * right than fences.
 */
#include "base/area.h"

#include "base/atomic.h"

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

static uint32_t take_slot(enum control_area_table table)
{
	struct control_area_head *head = &control.area_heads[table];
	uint32_t slot = head->free;

	if (slot)
		head->free = (uint32_t)record_of(table, slot)->used;
	else if (head->nr < NR_AREA_RECORDS)
		slot = head->nr + 1;
	/* Pairs with nr_records() in proc/areas.c. */
	if (slot > head->nr)
		store_release(&head->nr, slot);
	return slot;
}

void area_show(enum control_area_table table, uint32_t *slot, bool is_new,
	       const struct control_area *area)
{
	struct control_area_head *head = &control.area_heads[table];

	if (!*slot) {
		*slot = take_slot(table);
		if (is_new && !*slot)
			head->lost++;
		else if (!is_new && *slot)
			head->lost--;
	}
	area_update(table, *slot, area);
}

void area_update(enum control_area_table table, uint32_t slot,
		 const struct control_area *area)
{
	if (slot)
		write_record(record_of(table, slot), area);
}

void area_hide(enum control_area_table table, uint32_t *slot)
{
	struct control_area_head *head = &control.area_heads[table];

	if (*slot) {
		struct control_area next_free = { .used = head->free };

		write_record(record_of(table, *slot), &next_free);
		head->free = *slot;
	} else {
		head->lost--;
	}
	*slot = 0;
}
