/* SPDX-License-Identifier: MIT */
/*
 * growth.h - does it grow all the time, or did it grow once?
 */
#ifndef PAGODA_TOOL_GROWTH_H
#define PAGODA_TOOL_GROWTH_H

#include "base/compiler.h"

struct growth {
	/* The time is cut into parts of as many samples. */
	unsigned int parts;
	/* Parts whose minimum is above that of the one before. */
	unsigned int rises;
	double per_second; /* slope of the line through all samples */
	bool steady;
};

/* @bytes at @seconds, which ascend. @nr is at least one. */
void growth_find(struct growth *g, const double *seconds, const double *bytes,
		 size_t nr);

#endif
