/* SPDX-License-Identifier: MIT */
/* options.c - the options and counters of include/pagoda/stats.h. */
#include <pagoda/stats.h>
#include <string.h>

#include "base/params.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "proc/proc.h"
#include "vma/mapping.h"

/* --- counters --- */

static void fill(struct pagoda_stats *st)
{
	struct proc_snapshot s;
	struct proc_totals t;

	proc_snapshot_self(&s);
	proc_sum(&s, &t);
	st->live = t.live;
	st->available = t.available;
	st->online = t.online;
	st->free = t.free;
	st->free_resident = t.free_resident;
	st->pcp = t.pcp;
	st->slab = t.slab;
	st->slab_reclaimable = t.slab_reclaimable;
	st->sheaves = t.sheaves;
	st->large = t.large;
	st->large_cached = t.large_cached;
	st->vmalloc_used = t.vmalloc_used;
	st->vmalloc_free = t.vmalloc_free;
	st->vmalloc_unpurged = t.vmalloc_unpurged;
	st->metadata = load_relaxed(&control.metadata_bytes);
	st->span = control.span_bytes;
	st->pgalloc = sum_vm_event(PGALLOC_DMA) + sum_vm_event(PGALLOC_DMA32) +
		      sum_vm_event(PGALLOC_NORMAL) +
		      sum_vm_event(PGALLOC_MOVABLE);
	st->pgfree = sum_vm_event(PGFREE);
	st->pgpurge = sum_vm_event(PGPURGE);
	st->purge_calls = sum_vm_event(PURGE_CALLS);
	st->allocstall = sum_vm_event(ALLOCSTALL);
	st->decay_ticks = sum_vm_event(DECAY_TICKS);
	st->slabs_scanned = sum_vm_event(SLABS_SCANNED);
	st->oom = sum_vm_event(OOM);
}

EXPORT int pagoda_stats(struct pagoda_stats *ret, size_t size)
{
	struct pagoda_stats st = { 0 };

	if (!size) {
		errno = EINVAL;
		return -1;
	}
	if (!malloc_is_up()) {
		errno = EAGAIN;
		return -1;
	}
	fill(&st);
	/* A newer program's fields are zero, an older one's are all it gets. */
	memset(ret, 0, size);
	memcpy(ret, &st, min_size(size, sizeof(st)));
	return 0;
}

/* --- options --- */

EXPORT long pagoda_option_get(const char *name, char *buf, size_t size)
{
	size_t len = 0;
	int err = malloc_start() ? params_get(name, buf, size, &len) : -EAGAIN;

	if (!err)
		return (long)len;
	errno = -err;
	return -1;
}

EXPORT int pagoda_option_set(const char *name, const char *value)
{
	int err = malloc_start() ? params_set(name, value) : -EAGAIN;

	if (err) {
		errno = -err;
		return -1;
	}
	/* What goes by them: less is kept at once. */
	decay_restart();
	mapping_trim();
	return 0;
}
