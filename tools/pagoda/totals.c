/* SPDX-License-Identifier: MIT */
/*
 * totals.c - names of what the forms show, and the meanings of the sums.
 */
#include "show.h"

#define TOTAL(n, member, text)                                           \
	{ .name = n "_bytes", .offset = offsetof(struct proc_totals, member), \
	  .doc = text }

const struct total totals[NR_TOTALS] = {
	TOTAL("heap", live, "Memory handed out to the program."),
	TOTAL("online", online, "Memory that is ready for use."),
	TOTAL("available", available,
	      "Memory that can be handed out without more from the kernel."),
	TOTAL("free", free, "Free pages of the zones."),
	TOTAL("free_resident", free_resident,
	      "Of the free pages of the zones: may be resident."),
	TOTAL("pcp", pcp, "Free pages that the CPUs keep."),
	TOTAL("slab", slab, "Pages that are divided into objects."),
	TOTAL("slab_hollow", slab_hollow,
	      "Of the slabs: pages that no object lies in, given back."),
	TOTAL("slab_reclaimable", slab_reclaimable,
	      "Of the slabs: empty ones, and cached objects."),
	TOTAL("sheaves", sheaves, "Free objects that the CPUs keep."),
	TOTAL("large", large, "Page blocks handed out."),
	TOTAL("large_cached", large_cached,
	      "Freed page blocks that the CPUs keep."),
	TOTAL("vmalloc_used", vmalloc_used, "Large areas in use."),
	TOTAL("vmalloc_free", vmalloc_free,
	      "Memory for large areas that is not in use."),
	TOTAL("vmalloc_unpurged", vmalloc_unpurged,
	      "Of the memory for large areas not in use: may be resident."),
};

const char *const mode_names[NR_CONTROL_MODES] = {
#define CONTROL_MODE(id, name, doc) [id] = name,
#include "base/modes.def"
#undef CONTROL_MODE
};

const char *const event_names[NR_VM_EVENTS] = {
#define VM_EVENT(id, name, doc) [id] = name,
#include "base/vmstat.def"
#undef VM_EVENT
};

uint64_t kept_bytes(const struct proc_totals *t)
{
	uint64_t objects = proc_less(t->live, t->large + t->vmalloc_used);

	return t->free_resident + t->vmalloc_unpurged + t->pcp +
	       t->large_cached + proc_less(t->slab, t->slab_hollow + objects);
}
