/* SPDX-License-Identifier: MIT */
/*
 * parse.h - numbers from the command line.
 */
#ifndef PAGODA_TOOL_PARSE_H
#define PAGODA_TOOL_PARSE_H

#include "base/compiler.h"

/* "0.5": seconds, from a millisecond to 115 days. */
bool parse_seconds(const char *text, uint64_t *ret_ms);

/* At least 1. */
bool parse_count(const char *text, uint64_t *ret);

#endif
