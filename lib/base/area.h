/* SPDX-License-Identifier: MIT */
/*
 * area.h - keeping the area records of the control block, which show what lies
 * in VMALLOC space and which mappings are looked after.
 *
 * A record has one writer at a time: whoever holds the area, or the lock of the
 * slots it is one of. An area remembers where its record is in a "slot"; 0: it has
 * none, because the table was full. Such areas are counted, and get a record when
 * they change and there is room again.
 *
 * A reader takes no lock: a record whose `seq` is even, and the same after it
 * was read as before, was read as one.
 */
#ifndef PAGODA_BASE_AREA_H
#define PAGODA_BASE_AREA_H

#include "base/control.h"

/* Slots of a table that come and go under one lock, which takes more of them when it has
 * none. All zero to begin with. */
struct area_slots {
	uint32_t free; /* last freed one; 0: none */
	uint32_t next, end; /* those that were never used */
};

/*
 * area_show() - @area, but for its `seq`, becomes what @slot's record says.
 * @slot: 0 for an area that was not shown before, or could not be.
 * @is_new: the area was not shown before.
 * Context: the lock of @slots is held.
 */
void area_show(enum control_area_table table, struct area_slots *slots,
	       uint32_t *slot, bool is_new, const struct control_area *area);

/* The same for an area that has a record, else nothing. Context: its holder. */
void area_update(enum control_area_table table, uint32_t slot,
		 const struct control_area *area);

/* The area is gone, or shown no more. Context: the lock of @slots is held. */
void area_hide(enum control_area_table table, struct area_slots *slots,
	       uint32_t *slot);

#endif
