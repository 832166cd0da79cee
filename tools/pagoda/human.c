/* SPDX-License-Identifier: MIT */
/*
 * human.c - see human.h.
 */
#include "human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static struct human with_unit(double value, double step,
			      const char *const *units, size_t nr_units)
{
	struct human h;
	size_t unit = 0;
	double size = fabs(value);
	int digits;

	/* 999.5 would be printed as 1000. */
	while (size >= 999.5 && unit + 1 < nr_units) {
		size /= step;
		value /= step;
		unit++;
	}
	digits = size >= 99.95 || size < 0.005 ? 0 : size >= 9.995 ? 1 : 2;
	if (!unit && size == floor(size))
		digits = 0;
	snprintf(h.text, sizeof(h.text), "%.*f%s%s", digits, value,
		 units[unit][0] ? " " : "", units[unit]);
	return h;
}

struct human human_bytes(double bytes)
{
	static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };

	return with_unit(bytes, 1024, units, ARRAY_SIZE(units));
}

struct human human_count(double count)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

	return with_unit(count, 1000, units, ARRAY_SIZE(units));
}

struct human human_time(uint64_t ms)
{
	uint64_t s = (ms + 500) / 1000;
	struct human h;

	if (ms < 1000)
		snprintf(h.text, sizeof(h.text), "%" PRIu64 " ms", ms);
	else if (ms < 60000)
		snprintf(h.text, sizeof(h.text), "%.1f s", (double)ms / 1e3);
	else if (s < 3600)
		snprintf(h.text, sizeof(h.text),
			 "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(h.text, sizeof(h.text),
			 "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			 s % 3600 / 60);
	return h;
}
