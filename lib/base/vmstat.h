/* SPDX-License-Identifier: MIT */
/*
 * vmstat.h - counting events. Slow paths only: the fast path counts nothing,
 * its totals follow from what the slow path moved.
 */
#ifndef PAGODA_BASE_VMSTAT_H
#define PAGODA_BASE_VMSTAT_H

#include "base/atomic.h"
#include "base/control.h"

/*
 * Striped by stack address: threads differ there, and it costs nothing. Stacks lie 8
 * MiB apart as a rule, so the lowest bits that differ do not tell much: the upper
 * ones of a multiple of 2^32 over the plastic number's square do, for neighbours
 * at 1 and at 8 MiB.
 */
static inline unsigned int event_stripe(void)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0);

	return (uint32_t)(stack >> 20) * 0x91e10da5u >> 29;
}

_Static_assert(EVENT_STRIPES == 1 << (32 - 29), "three bits name a stripe");

static inline void count_vm_events(enum vm_event event, uint64_t n)
{
	fetch_add_relaxed(&control.events[event_stripe()][event], n);
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
