/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time, for differences: it is never set back.
 */
#ifndef PAGODA_TOOL_CLOCK_H
#define PAGODA_TOOL_CLOCK_H

#include <time.h>

#include "base/compiler.h"

/* In seconds. */
static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline uint64_t now_ms(void)
{
	return (uint64_t)(now() * 1e3);
}

/* Less than nothing is nothing. */
static inline struct timespec to_timespec(double seconds)
{
	struct timespec ts = { 0 };

	if (seconds > 0) {
		ts.tv_sec = (time_t)seconds;
		ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	}
	return ts;
}

#endif
