/* SPDX-License-Identifier: MIT */
/*
 * model.h - all of "pagoda top" but the terminal: what is sampled, which view
 * is shown and how, what a key does, and the lines of the screen.
 */
#ifndef PAGODA_TOP_MODEL_H
#define PAGODA_TOP_MODEL_H

#include "top/views.h"

/* The least in which something can be seen. */
enum { TOP_MIN_WIDTH = 40, TOP_MIN_HEIGHT = 8 };

/* Keys that are no characters; others are what they write. */
enum top_key {
	TOP_KEY_ENTER = '\n',
	TOP_KEY_TAB = '\t',
	TOP_KEY_ESCAPE = 27,
	TOP_KEY_UP = 256,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACKTAB,
};

enum top_action { TOP_REDRAW, TOP_SAMPLE, TOP_QUIT };

/* How one view is shown. */
struct view_state {
	int sorted;
	bool reverse;
	size_t first; /* row or line on the screen */
};

struct top {
	double delay; /* in seconds */
	pid_t pid; /* the process that is shown; 0: the list of all */
	bool has_list; /* to go back to */
	bool help;
	size_t help_first; /* line of it on the screen */
	int view; /* in views[]; of the process */
	struct view_state states[NR_VIEWS];
	struct view_state list_state;
	pid_t cursor; /* in the list: what Enter opens; 0: the first */
	size_t cursor_place; /* where it was last */
	const char *trouble; /* why there are no new samples; NULL */
	int width; /* of the last screen */
	size_t page; /* rows or lines of the view that were on it */
	size_t nr_rows; /* that the view has */
	struct samples samples;
	struct list_samples list;
	struct table table; /* of the view */
};

/* @pid: 0 for all processes. Return: false if there is no memory. */
bool top_init(struct top *t, pid_t pid);
void top_free(struct top *t);

/* The view whose name begins like @name: *ret. */
bool top_find_view(const char *name, int *ret);

/* Sort by the column of that title, or key. Return: false if there is none. */
bool top_sort_by(struct top *t, const char *column);

/* Look again. TARGET_OK, or why it could not be; then t->trouble says so. */
enum target_status top_take(struct top *t);

/* Has there been any sample of what is shown? */
bool top_has_sample(const struct top *t);

enum top_action top_key(struct top *t, int key);

/* Lines: @height of them for a screen, cut where it ends. */
void top_show(struct top *t, struct output *o, int height);

/* All there is to say, for a file. @view: -1 for all. */
void top_print(struct top *t, struct output *o, int view);

#endif
