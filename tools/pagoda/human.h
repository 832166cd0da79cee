/* SPDX-License-Identifier: MIT */
/*
 * human.h - numbers as people read them.
 */
#ifndef PAGODA_TOOL_HUMAN_H
#define PAGODA_TOOL_HUMAN_H

#include "base/compiler.h"

struct human {
	char text[24];
};

/* "17 B", "1.25 MiB": three digits, in units of 1024. */
struct human human_bytes(double bytes);

/* "0.05", "17", "1.25 M": three digits, in units of 1000. */
struct human human_count(double count);

/* "850 ms", "12.5 s", "3 min 20 s", "2 h 5 min" */
struct human human_time(uint64_t ms);

#endif
