/* SPDX-License-Identifier: MIT */
/*
 * pagoda/stats.h - what the allocator knows about itself, from inside the
 * process. The same texts come from `pagoda stat PID` and from the stats file
 * (PAGODA_OPTIONS=stats=PATH).
 *
 * A program that may run without Pagoda declares these functions weak, or looks
 * them up with dlsym().
 */
#ifndef PAGODA_STATS_H
#define PAGODA_STATS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * pagoda_version() - the version of the library that serves this process.
 *
 * Return: a constant text such as "0.1.0".
 * Safe in threads and in signal handlers; never fails.
 */
const char *pagoda_version(void);

/*
 * pagoda_proc_read() - one of the /proc-like files as text.
 * @file: "meminfo", "buddyinfo", "pagetypeinfo", "zoneinfo", "slabinfo",
 *        "sheafinfo", "vmstat" or "modes".
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
long pagoda_proc_read(const char *file, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
