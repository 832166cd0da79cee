/* SPDX-License-Identifier: MIT */
/*
 * views.h - the views of "pagoda top". Each is a function of samples; it knows
 * neither the terminal nor the keys.
 */
#ifndef PAGODA_TOP_VIEWS_H
#define PAGODA_TOP_VIEWS_H

#include "top/sample.h"
#include "top/table.h"

struct view {
	const char *name; /* on its tab, and for --view */
	/* A view is a table ... */
	const struct column *columns;
	int nr_columns;
	int sorted; /* by this column at first */
	void (*fill)(struct table *t, const struct samples *s);
	/* ... or lines. */
	void (*show)(struct output *o, const struct samples *s);
};

/* Of one process. */
enum { NR_VIEWS = 5 };
extern const struct view *const views[NR_VIEWS];

extern const struct view caches_view;
extern const struct view zones_view;
extern const struct view areas_view;
extern const struct view events_view;
extern const struct view fragments_view;

/* All processes; the ids of its rows are process ids. */
extern const struct view processes_view;
void fill_processes(struct table *t, const struct list_samples *s);

/* Call @fn for each zone that holds memory. */
void for_each_zone(const struct control_block *c,
		   void (*fn)(const struct control_block *c,
			      const struct control_zone *z, void *arg),
		   void *arg);

/* "0 Normal" */
enum { ZONE_NAME_LEN = 20 };
const char *zone_title(char buf[ZONE_NAME_LEN], const struct control_zone *z);

#endif
