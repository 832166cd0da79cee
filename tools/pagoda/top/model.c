/* SPDX-License-Identifier: MIT */
/*
 * model.c - see model.h. The screen itself is in layout.c.
 */
#include "top/model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "top/internal.h"

const struct view *const views[NR_VIEWS] = {
	&caches_view, &zones_view, &areas_view, &events_view, &fragments_view,
};

enum { CONTROL_D = 4 };

bool top_init(struct top *t, pid_t pid)
{
	memset(t, 0, sizeof(*t));
	t->pid = pid;
	t->delay = 1;
	t->width = MAX_WIDTH;
	for (int i = 0; i < NR_VIEWS; i++)
		t->states[i].sorted = views[i]->sorted;
	t->list_state.sorted = processes_view.sorted;
	return samples_init(&t->samples);
}

void top_free(struct top *t)
{
	samples_free(&t->samples);
	list_samples_free(&t->list);
	table_free(&t->table);
}

const struct view *top_view(const struct top *t)
{
	return t->pid ? views[t->view] : &processes_view;
}

struct view_state *top_state(struct top *t)
{
	return t->pid ? &t->states[t->view] : &t->list_state;
}

bool top_find_view(const char *name, int *ret)
{
	for (int i = 0; i < NR_VIEWS; i++)
		if (name[0] &&
		    !strncasecmp(views[i]->name, name, strlen(name))) {
			*ret = i;
			return true;
		}
	return false;
}

bool top_sort_by(struct top *t, const char *column)
{
	const struct view *view = top_view(t);

	for (int i = 0; i < view->nr_columns; i++) {
		const struct column *c = &view->columns[i];

		if (column[0] && (!strcasecmp(c->title, column) ||
				  (c->key == column[0] && !column[1]))) {
			top_state(t)->sorted = i;
			return true;
		}
	}
	return false;
}

/* --- samples --- */

static const char *describe(enum target_status status)
{
	switch (status) {
	case TARGET_OK:
		return NULL;
	case TARGET_NO_PROCESS:
		return "has ended";
	case TARGET_NO_PERMISSION:
		return "may not be looked at";
	case TARGET_NO_LIBRARY:
	case TARGET_NOT_STARTED:
		return "does not run on Pagoda";
	case TARGET_OTHER_VERSION:
		return "runs another version of Pagoda";
	case TARGET_DAMAGED:
	case TARGET_NO_CORE:
	case TARGET_TRUNCATED:
	case TARGET_FAILED:
		break;
	}
	return "cannot be read";
}

enum target_status top_take(struct top *t)
{
	enum target_status status;

	if (t->pid) {
		status = samples_take(&t->samples, t->pid);
		t->trouble = describe(status);
		return status;
	}
	status = list_samples_take(&t->list, &t->samples.spare->target) ?
			 TARGET_FAILED :
			 TARGET_OK;
	t->trouble = status == TARGET_OK ? NULL : "no list of the processes";
	return status;
}

bool top_has_sample(const struct top *t)
{
	return (t->pid ? t->samples.now->time : t->list.now.time) > 0;
}

void top_fill(struct top *t)
{
	const struct view *view = top_view(t);
	struct view_state *state = top_state(t);

	table_begin(&t->table, view->columns, view->nr_columns);
	if (t->pid)
		view->fill(&t->table, &t->samples);
	else
		fill_processes(&t->table, &t->list);
	table_sort(&t->table, state->sorted, state->reverse);
}

/* --- keys --- */

static void open_process(struct top *t, pid_t pid)
{
	if (!pid)
		return;
	t->pid = pid;
	t->has_list = true;
	samples_reset(&t->samples);
}

static enum top_action go_back(struct top *t, bool may_quit)
{
	if (!t->has_list || !t->pid)
		return may_quit ? TOP_QUIT : TOP_REDRAW;
	t->pid = 0;
	return TOP_SAMPLE;
}

/* To the next column that can be seen, @step to the right. */
static void choose_column(struct top *t, int step)
{
	const struct view *view = top_view(t);
	struct view_state *state = top_state(t);

	for (int i = state->sorted + step; i >= 0 && i < view->nr_columns;
	     i += step)
		if (view->columns[i].title[0] &&
		    view->columns[i].unit != UNIT_BAR &&
		    columns_show(view->columns, view->nr_columns, i,
				 t->width)) {
			state->sorted = i;
			return;
		}
}

static void choose_view(struct top *t, int view)
{
	if (t->pid)
		t->view = (view + NR_VIEWS) % NR_VIEWS;
}

/* Where a key leads from row @at; all rows of the list, or a scrolled view. */
static size_t move(const struct top *t, int key, size_t at)
{
	size_t page = max_size(t->page, 1);

	switch (key) {
	case TOP_KEY_UP:
		return at - (at > 0);
	case TOP_KEY_DOWN:
		return at + 1;
	case TOP_KEY_PAGE_UP:
		return at > page ? at - page : 0;
	case TOP_KEY_PAGE_DOWN:
		return at + page;
	case TOP_KEY_HOME:
		return 0;
	default: /* the end; what is beyond it is cut when it is shown */
		return SIZE_MAX / 2;
	}
}

static void move_cursor(struct top *t, int key)
{
	size_t place;

	top_fill(t);
	if (!t->table.nr)
		return;
	place = move(t, key, top_cursor_place(t));
	t->cursor_place = min_size(place, t->table.nr - 1);
	t->cursor = (pid_t)t->table.ids[t->table.order[t->cursor_place]];
}

static enum top_action scroll(struct top *t, int key)
{
	struct view_state *state = top_state(t);

	if (t->help)
		t->help_first = move(t, key, t->help_first);
	else if (t->pid)
		state->first = move(t, key, state->first);
	else
		move_cursor(t, key);
	return TOP_REDRAW;
}

static enum top_action key_by_letter(struct top *t, int key)
{
	const struct view *view = top_view(t);

	if (key >= '1' && key < '1' + NR_VIEWS)
		choose_view(t, key - '1');
	for (int i = 0; key < 256 && i < view->nr_columns; i++)
		if (view->columns[i].key == key)
			top_state(t)->sorted = i;
	return TOP_REDRAW;
}

enum top_action top_key(struct top *t, int key)
{
	if (key >= TOP_KEY_UP && key <= TOP_KEY_END && key != TOP_KEY_LEFT &&
	    key != TOP_KEY_RIGHT)
		return scroll(t, key);
	if (t->help) {
		t->help = false;
		return TOP_REDRAW;
	}
	switch (key) {
	case CONTROL_D:
		return TOP_QUIT;
	case 'q':
		return go_back(t, true);
	case TOP_KEY_ESCAPE:
		return go_back(t, false);
	case TOP_KEY_ENTER:
		if (t->pid)
			return TOP_REDRAW;
		top_fill(t);
		open_process(t, t->table.nr ? top_cursor(t) : 0);
		return TOP_SAMPLE;
	case 'h':
	case '?':
		t->help = true;
		t->help_first = 0;
		return TOP_REDRAW;
	case ' ':
		return TOP_SAMPLE;
	case 'r':
		top_state(t)->reverse = !top_state(t)->reverse;
		return TOP_REDRAW;
	case '<':
	case TOP_KEY_LEFT:
		choose_column(t, -1);
		return TOP_REDRAW;
	case '>':
	case TOP_KEY_RIGHT:
		choose_column(t, 1);
		return TOP_REDRAW;
	case TOP_KEY_TAB:
		choose_view(t, t->view + 1);
		return TOP_REDRAW;
	case TOP_KEY_BACKTAB:
		choose_view(t, t->view - 1);
		return TOP_REDRAW;
	default:
		return key_by_letter(t, key);
	}
}
