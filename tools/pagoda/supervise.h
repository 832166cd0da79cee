/* SPDX-License-Identifier: MIT */
/*
 * supervise.h - "pagoda run --stats" and "--record".
 */
#ifndef PAGODA_TOOL_SUPERVISE_H
#define PAGODA_TOOL_SUPERVISE_H

#include "record.h"
#include "tool.h"

struct supervision {
	bool stats; /* print what memory it took when it has ended */
	struct record_request record; /* without a path: no recording */
};

/*
 * supervise() - run @start in a child process, which executes a program or
 * returns a status, and watch it. Return: its status; does not return if it ended
 * by a signal.
 */
enum tool_status supervise(enum tool_status (*start)(void *arg), void *arg,
			   const struct supervision *what);

#endif
