/* SPDX-License-Identifier: MIT */
/*
 * pagoda/stats.h - what the allocator knows about itself, from inside the
 * process. The same texts come from `pagoda stat PID` and from the stats file
 * (PAGODA_OPTIONS=stats=PATH).
 */
#ifndef PAGODA_STATS_H
#define PAGODA_STATS_H

#include <stddef.h>

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

#ifdef __cplusplus
}
#endif

#endif
