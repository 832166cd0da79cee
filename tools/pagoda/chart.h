/* SPDX-License-Identifier: MIT */
/*
 * chart.h - charts over time for an HTML page, as SVG.
 */
#ifndef PAGODA_TOOL_CHART_H
#define PAGODA_TOOL_CHART_H

#include <stdio.h>

#include "base/compiler.h"

enum { MAX_SERIES = 8 };

enum chart_unit { UNIT_BYTES, UNIT_PER_SECOND };

struct series {
	char name[48];
	double *values; /* one for each time */
};

struct chart {
	const char *id; /* in the page */
	const char *title;
	const char *doc;
	enum chart_unit unit;
	bool stacked; /* no value is negative then */
	const uint64_t *ms; /* the times, ascending */
	size_t nr; /* at least one */
	struct series series[MAX_SERIES];
	size_t nr_series;
};

/*
 * chart_add() - one more series, of zeros.
 * Return: its values, of which the chart becomes the owner; or NULL.
 */
double *chart_add(struct chart *c, const char *name);

/* Leave out series of nothing but zeros, but not the first one. */
void chart_drop_zeros(struct chart *c);

/*
 * chart_write() - a figure with the chart, its legend, and its numbers as JSON
 * for the page's script. chart_free() - all values.
 */
void chart_write(FILE *out, const struct chart *c);
void chart_free(struct chart *c);

/* A small line without axes. */
void chart_write_spark(FILE *out, const double *values, size_t nr);

#endif
