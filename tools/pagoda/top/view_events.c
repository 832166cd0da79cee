/* SPDX-License-Identifier: MIT */
/*
 * view_events.c - faults, allocations and all else that is counted, per second.
 *
 * The fast paths of malloc and free count nothing. What is known of them is how
 * often a CPU's sheaf ran empty or full.
 */
#include "show.h"
#include "top/views.h"

enum { RATE, TOTAL, EVENT, MEANING, NR_COLUMNS };

static const struct column columns[NR_COLUMNS] = {
	[RATE] = { "PER_S", 8, UNIT_RATE, .key = 's' },
	[TOTAL] = { "TOTAL", 10, UNIT_COUNT, .key = 't' },
	[EVENT] = { "EVENT", 18, UNIT_TEXT, .key = 'n', .ascending = true },
	[MEANING] = { "", 20, UNIT_TEXT, .key = 0 },
};

static const char *const meanings[NR_VM_EVENTS] = {
#define VM_EVENT(id, name, doc) [id] = doc,
#include "base/vmstat.def"
#undef VM_EVENT
};

static void add(struct table *t, const struct samples *s, const char *name,
		const char *meaning, uint64_t before, uint64_t now)
{
	struct cell *row = table_add(t, t->nr);

	row[RATE].number = sample_rate(s, before, now);
	row[TOTAL].number = (double)now;
	row[EVENT].text = name;
	row[MEANING].text = meaning;
}

static void fill(struct table *t, const struct samples *s)
{
	const struct control_block *now = &s->now->target.control;
	const struct control_block *old = &s->before->target.control;
	const struct process_use *use = &s->now->process.use;
	const struct process_use *old_use = &s->before->process.use;
	struct cache_sums sums, old_sums;

	sum_caches(now, &sums);
	sum_caches(old, &old_sums);
	add(t, s, "minor_faults", "page faults of the process, by the kernel",
	    old_use->minor_faults, use->minor_faults);
	add(t, s, "major_faults", "those that had to read from a disk",
	    old_use->major_faults, use->major_faults);
	add(t, s, "refills", "times a CPU ran out of objects of a size",
	    old_sums.refills, sums.refills);
	add(t, s, "flushes", "times a CPU had too many objects of a size",
	    old_sums.flushes, sums.flushes);
	add(t, s, "slabs_grown", "slabs made", old_sums.grown, sums.grown);
	add(t, s, "slabs_reaped", "slabs given back", old_sums.reaped,
	    sums.reaped);
	for (int event = 0; event < NR_VM_EVENTS; event++)
		add(t, s, event_names[event], meanings[event],
		    event_count(old, (enum vm_event)event),
		    event_count(now, (enum vm_event)event));
}

const struct view events_view = {
	.name = "Events",
	.columns = columns,
	.nr_columns = NR_COLUMNS,
	.sorted = RATE,
	.fill = fill,
};
