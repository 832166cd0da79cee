/* SPDX-License-Identifier: MIT */
/*
 * stats_file.h - all text files of this process, written into one file.
 */
#ifndef PAGODA_PROC_STATS_FILE_H
#define PAGODA_PROC_STATS_FILE_H

#include "base/compiler.h"

/*
 * stats_file_write() - replace the file that @pattern names by one with all
 * text files, each behind a line "==> name <==".
 * @pattern: a path; %p becomes the process id, %% a percent sign.
 *
 * A reader sees the old file or the new one, never a part. A call while
 * another one of this process is writing does nothing. What goes wrong is
 * reported once, by warn().
 *
 * Context: any, also a signal handler; opens one descriptor and closes it.
 */
void stats_file_write(const char *pattern);

/*
 * The same at the end of the process: waits for another thread that is writing
 * (at most a fraction of a second), for its numbers are not the last ones, and
 * makes the function above do nothing from now on.
 */
void stats_file_write_last(const char *pattern);

#endif
