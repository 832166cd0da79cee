/* SPDX-License-Identifier: MIT */
/*
 * number.h - numbers as people read them. One that is not known is NAN, "-".
 */
#ifndef PAGODA_TOP_NUMBER_H
#define PAGODA_TOP_NUMBER_H

#include <stdint.h>

enum unit {
	UNIT_COUNT, /* 1234567, or 12.3M where that has no room */
	UNIT_BYTES, /* 4.0K: units of 1,024 */
	UNIT_PERCENT, /* 12.3 */
	UNIT_RATE, /* per second */
	UNIT_INDEX, /* 0.123 */
	UNIT_ADDRESS,
	UNIT_TEXT, /* no number */
	UNIT_BAR, /* a share of 1 */
};

enum { NUMBER_LEN = 24 };

/* Return: @buf. @width: columns that the text should not exceed. */
const char *format_number(char buf[NUMBER_LEN], enum unit unit, int width,
			  double value);

/* The same for bytes, for running text. */
const char *format_bytes(char buf[NUMBER_LEN], uint64_t bytes);

#endif
