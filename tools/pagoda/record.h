/* SPDX-License-Identifier: MIT */
/*
 * record.h - looks at a process again and again.
 */
#ifndef PAGODA_TOOL_RECORD_H
#define PAGODA_TOOL_RECORD_H

#include <signal.h>
#include <sys/types.h>

#include "tool.h"

struct record_request {
	const char *path; /* of the recording */
	uint64_t interval_ms;
	uint64_t duration_ms; /* 0: until the process ends */
	uint64_t count; /* samples; 0: any number */
	/* The process is about to be a program on the library: no error yet. */
	bool starting;
};

enum { RECORD_INTERVAL_MS = 1000 };
#define RECORD_LEAST_SECONDS 0.001

/*
 * record_process() - until the process ends, or the request says so, or
 * record_stop() was called by a signal handler. Signals that do so are blocked
 * when it is called and in @wait_mask are not: they only come while it waits.
 * The file is there afterwards only if there is a sample in it.
 */
enum tool_status record_process(pid_t pid, const struct record_request *r,
				const sigset_t *wait_mask);
void record_stop(int sig);

#endif
