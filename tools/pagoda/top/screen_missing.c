/* SPDX-License-Identifier: MIT */
/*
 * screen_missing.c - takes the place of screen.c in builds without ncurses.
 */
#include "top/run.h"

enum tool_status run_screen(struct top *t, uint64_t count)
{
	(void)t;
	(void)count;
	complain("top: this pagoda was built without ncurses (libncurses-dev): "
		 "only -b works");
	return TOOL_FAILED;
}
