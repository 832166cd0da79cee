/* SPDX-License-Identifier: MIT */
/*
 * supervise.h - "pagoda run --stats".
 */
#ifndef PAGODA_TOOL_SUPERVISE_H
#define PAGODA_TOOL_SUPERVISE_H

#include "tool.h"

/*
 * supervise() - run @start in a child process, which executes a program or
 * returns a status; when it has ended print what memory it took on standard
 * error. Return: its status; does not return if it ended by a signal.
 */
enum tool_status supervise(enum tool_status (*start)(void *arg), void *arg);

#endif
