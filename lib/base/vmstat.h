/* SPDX-License-Identifier: MIT */
/*
 * vmstat.h - counting events. Slow paths only: the fast path counts nothing,
 * its totals follow from what the slow path moved.
 */
#ifndef PAGODA_BASE_VMSTAT_H
#define PAGODA_BASE_VMSTAT_H

#include "base/atomic.h"
#include "base/control.h"

/* Striped by stack address: threads differ there, and it costs nothing. */
static inline void count_vm_events(enum vm_event event, uint64_t n)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0);

	fetch_add_relaxed(&control.events[(stack >> 20) % EVENT_STRIPES][event],
			  n);
}

static inline void count_vm_event(enum vm_event event)
{
	count_vm_events(event, 1);
}

static inline uint64_t sum_vm_event(enum vm_event event)
{
	uint64_t sum = 0;

	for (int i = 0; i < EVENT_STRIPES; i++)
		sum += load_relaxed(&control.events[i][event]);
	return sum;
}

#endif
