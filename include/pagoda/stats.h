/* SPDX-License-Identifier: MIT */
/*
 * pagoda/stats.h - what the allocator knows about itself, from inside the
 * process. The same texts come from `pagoda stat PID` and from the stats file
 * (PAGODA_OPTIONS=stats=PATH). And its options, some of which can be changed.
 */
#ifndef PAGODA_STATS_H
#define PAGODA_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <pagoda/pagoda.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * pagoda_proc_read() - one of the /proc-like files as text.
 * @file: "meminfo", "buddyinfo", "pagetypeinfo", "zoneinfo", "slabinfo",
 *        "sheafinfo", "vmallocinfo", "maps", "smaps", "vmstat" or "modes".
 * @buf:  where the text goes, with a NUL at its end if @size is not 0.
 * @size: bytes at @buf.
 *
 * Like snprintf(), returns the length of the whole text in bytes, which is
 * @size or more if it was cut. Numbers are read without stopping other threads:
 * each is right, sums over several may be off by what is in flight.
 *
 * Return: the length, or -1 with errno ENOENT (no such file) or EAGAIN (the
 * allocator is not up yet).
 * Safe in threads and in signal handlers; does not allocate.
 * Idea: /proc of Linux, whose formats the texts keep column for column.
 */
PAGODA_API long pagoda_proc_read(const char *file, char *buf, size_t size);

/* New fields are added at the end. */
struct pagoda_stats {
	/* Bytes now. */
	uint64_t live; /* handed out to the program, about */
	uint64_t available; /* could be handed out without asking the system */
	uint64_t online; /* readable and writable: free + pcp + slab + large +
			    large_cached + vmalloc_used + vmalloc_free */
	uint64_t free; /* free blocks of pages */
	uint64_t free_resident; /* of free: may be backed by memory */
	uint64_t pcp; /* free pages on lists of CPUs */
	uint64_t slab; /* pages in slabs */
	uint64_t slab_reclaimable; /* of slab: free objects, empty slabs */
	uint64_t sheaves; /* of that: ready in the CPUs' sheaves */
	uint64_t large; /* blocks of pages handed out */
	uint64_t large_cached; /* blocks of pages ready in sheaves and barns */
	uint64_t vmalloc_used;
	uint64_t vmalloc_free;
	uint64_t vmalloc_unpurged; /* of vmalloc_free: may be backed by memory */
	uint64_t metadata; /* of the allocator's own */
	uint64_t span; /* address space reserved */
	/* Events since the start. */
	uint64_t pgalloc; /* pages taken from zones */
	uint64_t pgfree; /* pages given back to them */
	uint64_t pgpurge; /* pages given back to the system */
	uint64_t purge_calls; /* system calls for that */
	uint64_t allocstall; /* allocations that had to reclaim first */
	uint64_t decay_ticks; /* ticks of the decay clock */
	uint64_t slabs_scanned; /* objects that shrinkers were asked to free */
	uint64_t oom; /* requests refused with ENOMEM */
};

/*
 * pagoda_stats() - the most important numbers of those files at once.
 * @size: sizeof(struct pagoda_stats). A library that is older than the program fills
 *        the fields that it knows, and others with 0; a newer one fills @size bytes.
 *
 * Numbers are read without stopping other threads, as by pagoda_proc_read().
 *
 * Return: 0; or -1 with errno EINVAL (@size is 0) or EAGAIN (the allocator is not up
 * yet).
 * Safe in threads and in signal handlers; does not allocate. Some microseconds.
 */
PAGODA_API int pagoda_stats(struct pagoda_stats *ret, size_t size);

/*
 * pagoda_option_get() - the value of an option of PAGODA_OPTIONS (libpagoda(7)).
 * @name: such as "decay_ms".
 * @buf:  gets the value as text, as pagoda_option_set() takes it, with a NUL at its
 *        end if @size is not 0. Numbers count the unit of the option's description.
 *
 * Return: the length of the whole text, which is @size or more if it was cut; or -1
 * with errno ENOENT (no such option) or EAGAIN (the allocator is not up yet).
 * Safe in threads and in signal handlers.
 */
PAGODA_API long pagoda_option_get(const char *name, char *buf, size_t size);

/*
 * pagoda_option_set() - change an option from now on: percpu_budget, block_budget,
 * barn_limit, decay_ms, resident_free, mmap_cache or stats_interval.
 * @value: as in PAGODA_OPTIONS: "500", "64M".
 *
 * What is above a new limit goes when it is next looked at, not at once; for that
 * there is malloc_trim().
 *
 * Return: 0; or -1 with errno ENOENT (no such option), EPERM (it is decided at the
 * start), EINVAL (not a value of this option) or EAGAIN (as above).
 * Safe in threads and in signal handlers.
 */
PAGODA_API int pagoda_option_set(const char *name, const char *value);

#ifdef __cplusplus
}
#endif

#endif
