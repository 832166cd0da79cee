/* SPDX-License-Identifier: MIT */
/*
 * list.h - "pagoda stat --all".
 */
#ifndef PAGODA_TOOL_LIST_H
#define PAGODA_TOOL_LIST_H

#include "tool.h"

/* Print one line for each process that runs on the library, by RSS. */
enum tool_status list_processes(void);

#endif
