/* SPDX-License-Identifier: MIT */
/*
 * self.c - the snapshot of the process that this code runs in. Apart from
 * proc.c, because the tool has no control block of its own.
 */
#include <string.h>

#include "base/atomic.h"
#include "proc/proc.h"

void proc_snapshot_self(struct proc_snapshot *s)
{
	const struct control_percpu *percpu = &control.percpu;
	uint32_t nr = load_acquire(&percpu->nr);
	uint32_t left = load_relaxed(&percpu->online);

	memset(s, 0, sizeof(*s));
	s->control = &control;
	for (uint32_t cpu = 0; cpu < nr && left; cpu++) {
		uint64_t addr = percpu->base + cpu * percpu->stride;

		if (proc_add_sheaves(s, (const uint64_t *)addr))
			left--;
	}
}
