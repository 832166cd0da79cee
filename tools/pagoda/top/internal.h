/* SPDX-License-Identifier: MIT */
/*
 * internal.h - what the files of the model share.
 */
#ifndef PAGODA_TOP_INTERNAL_H
#define PAGODA_TOP_INTERNAL_H

#include "top/model.h"

/* What is shown now. */
const struct view *top_view(const struct top *t);
struct view_state *top_state(struct top *t);

/* Make t->table of a view that is one. */
void top_fill(struct top *t);

/*
 * The row that the cursor is on, in the order of the table, which is not empty:
 * that of its process, or if it has ended the one that took its place.
 */
size_t top_cursor_place(const struct top *t);
pid_t top_cursor(const struct top *t);

#endif
