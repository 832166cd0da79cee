/* SPDX-License-Identifier: MIT */
/*
 * decay.c - the decay clock: what was not needed for a while goes back.
 *
 * There is no thread. Slow paths look at a coarse clock now and then, and one
 * of them runs the tick when it is due: four a decay time, each giving back
 * half of what lay idle since the one before. An idle program does not tick;
 * what it may keep then is bounded by amount: as soon as more free memory is
 * resident than resident_free allows, the next look runs a tick, whatever the
 * time, and vmalloc areas beyond it are purged when they are freed.
 */
#include "base/atomic.h"
#include "base/lock.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "page_alloc/page_alloc.h"
#include "page_alloc/thp.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "proc/stats_file.h"
#include "slab/slab.h"
#include "vma/mapping.h"
#include "vmalloc/vmalloc.h"

enum { TICKS_PER_DECAY = 4, MAX_MISSED = 30, NR_LOOKS = 16 };

static struct lock decay_lock = LOCK_INIT(DECAY);
static uint64_t next_tick; /* ms. Atomic */
static uint64_t next_stats; /* ms. Atomic */

/* Since a CPU looked at the clock. Atomic; a lost update only delays the next look. */
static struct look {
	uint32_t sum;
} CACHELINE_ALIGNED looks[NR_LOOKS];

static void run_tick(uint64_t now)
{
	uint64_t period = load_relaxed(&params.decay_ms) / TICKS_PER_DECAY;
	uint64_t due = load_relaxed(&next_tick);
	unsigned int missed = 0;

	/* Before its time, because too much is resident: only that goes. */
	if (now < due) {
		page_alloc_decay(0);
		return;
	}
	/* A rare tick stands for those that nobody was there to run. */
	if (due && now > due)
		missed = (unsigned int)min_size((now - due) / max_size(period, 1),
						MAX_MISSED);
	count_vm_event(DECAY_TICKS);
	slab_decay(missed + 1);
	vmalloc_decay(missed + 1);
	mapping_decay(missed + 1);
	page_alloc_decay(missed + 1);
	thp_reconsider();
	store_relaxed(&next_tick, now + period);
}

static void tick_if_due(uint64_t now)
{
	if (now < load_relaxed(&next_tick) && !page_alloc_over_limit())
		return;
	/* The gate first: no lock may be held while a fork is waited for. */
	if (gate_enter() == SLOW_NORMAL && lock_try(&decay_lock)) {
		run_tick(now);
		lock_release(&decay_lock);
	}
	gate_leave();
}

static void write_stats_if_due(uint64_t now)
{
	uint64_t interval = load_relaxed(&params.stats_interval);
	uint64_t due = load_relaxed(&next_stats);

	if (!interval || now < due ||
	    !cas_relaxed(&next_stats, &due, now + interval))
		return;
	stats_file_write(params.stats);
}

void decay_tick(unsigned int weight)
{
	uint32_t *sum = &looks[percpu_slot() % NR_LOOKS].sum;
	uint32_t n = load_relaxed(sum) + weight;
	uint64_t now;

	if (likely(n < LOOK_EVERY)) {
		store_relaxed(sum, n);
		return;
	}
	store_relaxed(sum, 0);
	now = os_now_ms();
	tick_if_due(now);
	if (unlikely(params.stats[0]))
		write_stats_if_due(now);
}

void decay_restart(void)
{
	store_relaxed(&next_tick, 0);
	store_relaxed(&next_stats, 0);
}

bool trim_all(void)
{
	size_t pages = 0;

	mapping_trim();
	if (gate_enter() == SLOW_NORMAL) {
		slab_drain();
		pages = vmalloc_trim() + page_alloc_trim();
	}
	gate_leave();
	return pages > 0;
}
