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

	memset(s, 0, sizeof(*s));
	s->control = &control;
	for (uint32_t cpu = 0; cpu < nr; cpu++) {
		const uint64_t *headers =
			(const uint64_t *)(percpu->base +
					   cpu * percpu->stride);

		/* Owned by another CPU; a stale count is as good as any. */
		for (size_t class = 0; class < NR_CLASSES; class++)
			s->sheaf_objs[class] +=
				proc_count_sheaf(load_relaxed(&headers[class]));
	}
}
