/* SPDX-License-Identifier: MIT */
/*
 * run.h - where "pagoda top" is shown: into a file, or on a terminal.
 */
#ifndef PAGODA_TOP_RUN_H
#define PAGODA_TOP_RUN_H

#include "top/model.h"
#include "tool.h"

/* Both show @count samples, with t->delay between them; 0: until it ends. */

/* @view: -1 for all. */
enum tool_status run_batch(struct top *t, uint64_t count, int view);

/* Until 'q'. Leaves the terminal as it was whatever happens. */
enum tool_status run_screen(struct top *t, uint64_t count);

#endif
