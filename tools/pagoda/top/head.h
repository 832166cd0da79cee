/* SPDX-License-Identifier: MIT */
/*
 * head.h - the lines above the view.
 */
#ifndef PAGODA_TOP_HEAD_H
#define PAGODA_TOP_HEAD_H

#include "top/sample.h"
#include "top/output.h"

enum { BRIEF_HEAD_LINES = 2, HEAD_LINES = 4 };

/* @trouble: why the samples are old; or NULL. HEAD_LINES lines. */
void show_process_head(struct output *o, const struct samples *s,
		       const char *trouble, bool brief);

/* BRIEF_HEAD_LINES lines. */
void show_list_head(struct output *o, const struct list_samples *s,
		    const char *trouble);

#endif
