/* SPDX-License-Identifier: MIT */
/*
 * report.h - parts of the page of "pagoda report".
 */
#ifndef PAGODA_TOOL_REPORT_H
#define PAGODA_TOOL_REPORT_H

#include <stdio.h>

#include "recording.h"
#include "things.h"

struct report {
	FILE *out;
	const struct recording *recording;
	struct things things;
	/*
	 * The samples that are drawn: of a long recording, those with the
	 * largest RSS of as many parts of the time; the first and the last.
	 */
	size_t *drawn;
	uint64_t *ms;
	size_t nr_drawn;
};

static inline const struct recording_sample *
report_sample(const struct report *r, size_t i)
{
	return &r->recording->samples[r->drawn[i]];
}

/* Return: false: out of memory. */
bool report_write_charts(struct report *r);
void report_write_maps(struct report *r);
bool report_write_tables(struct report *r);

#endif
