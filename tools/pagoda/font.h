/* SPDX-License-Identifier: MIT */
/*
 * font.h - letters for pictures: the tool's PNG files are the same on machines
 * without fonts.
 */
#ifndef PAGODA_TOOL_FONT_H
#define PAGODA_TOOL_FONT_H

#include "base/compiler.h"

enum { FONT_COLUMNS = 5, FONT_ROWS = 8, FONT_FIRST = ' ', FONT_LETTERS = 95 };

extern const uint8_t font[FONT_LETTERS][FONT_COLUMNS];

#endif
