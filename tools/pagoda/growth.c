/* SPDX-License-Identifier: MIT */
/*
 * growth.c - see growth.h.
 *
 * What a program needs goes up and down; what it leaks is never given back. So
 * the least that was in use in each part of the time is looked at: in a leak it
 * rises from part to part, along a line, and no less at the end than at the
 * start. A table that doubles, or what a program needs to get going, rises in
 * one or two parts only.
 */
#include "growth.h"

#include <math.h>

enum { MOST_PARTS = 8, LEAST_PARTS = 4 };

/* Less is not worth a word. */
#define LEAST_GROWTH 4096.0
/* Of the variance of the minima that a line must explain. */
#define STRAIGHT 0.8

struct fit {
	double slope;
	double explained; /* 0 .. 1 */
};

static struct fit fit_line(const double *x, const double *y, size_t nr)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0;

	for (size_t i = 0; i < nr; i++) {
		mean_x += x[i] / (double)nr;
		mean_y += y[i] / (double)nr;
	}
	for (size_t i = 0; i < nr; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
		yy += (y[i] - mean_y) * (y[i] - mean_y);
	}
	return (struct fit){
		.slope = xx > 0 ? xy / xx : 0,
		.explained = xx > 0 && yy > 0 ? xy * xy / (xx * yy) : 0,
	};
}

/* Return: the number of parts; 0 if there are too few samples. */
static unsigned int find_minima(const double *bytes, size_t nr,
				double minima[MOST_PARTS])
{
	size_t parts = min_size(nr, MOST_PARTS);

	if (parts < LEAST_PARTS)
		return 0;
	for (size_t part = 0; part < parts; part++) {
		minima[part] = INFINITY;
		for (size_t i = nr * part / parts; i < nr * (part + 1) / parts;
		     i++)
			minima[part] = fmin(minima[part], bytes[i]);
	}
	return (unsigned int)parts;
}

static bool is_steady(const struct growth *g, const double *minima)
{
	static const double numbers[MOST_PARTS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	double grown = minima[g->parts - 1] - minima[0];
	double late = minima[g->parts - 1] - minima[g->parts / 2];

	return grown >= LEAST_GROWTH && g->rises * 4 >= (g->parts - 1) * 3 &&
	       late >= grown / 4 &&
	       fit_line(numbers, minima, g->parts).explained >= STRAIGHT;
}

void growth_find(struct growth *g, const double *seconds, const double *bytes,
		 size_t nr)
{
	double minima[MOST_PARTS] = { 0 };

	g->parts = find_minima(bytes, nr, minima);
	g->rises = 0;
	g->per_second = fit_line(seconds, bytes, nr).slope;
	for (unsigned int i = 1; i < g->parts; i++)
		g->rises += minima[i] > minima[i - 1];
	g->steady = g->parts && is_steady(g, minima);
}
