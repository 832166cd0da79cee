/* SPDX-License-Identifier: MIT */
/*
 * number.c - see number.h.
 */
#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* 12.3M, with as many digits as a number that is worth four of them. */
static void format_scaled(char *buf, double value, double base)
{
	static const char units[] = " KMGTPE";
	int unit = 0;

	/* What would be printed as a thousand is one of the next. */
	while (value >= 999.95 && units[unit + 1]) {
		value /= base;
		unit++;
	}
	if (unit)
		snprintf(buf, NUMBER_LEN, "%.1f%c", value, units[unit]);
	else
		snprintf(buf, NUMBER_LEN, "%.0f", value);
}

static void format_count(char *buf, int width, double value)
{
	if (snprintf(buf, NUMBER_LEN, "%.0f", value) > width)
		format_scaled(buf, value, 1000);
}

const char *format_number(char buf[NUMBER_LEN], enum unit unit, int width,
			  double value)
{
	if (isnan(value)) {
		snprintf(buf, NUMBER_LEN, "-");
		return buf;
	}
	switch (unit) {
	case UNIT_COUNT:
		format_count(buf, width, value);
		break;
	case UNIT_BYTES:
		format_scaled(buf, value, 1024);
		break;
	case UNIT_PERCENT:
		snprintf(buf, NUMBER_LEN, "%.1f", value);
		break;
	case UNIT_RATE:
		if (value > 0 && value < 9.95)
			snprintf(buf, NUMBER_LEN, "%.1f", value);
		else
			format_count(buf, width, value);
		break;
	case UNIT_INDEX:
		snprintf(buf, NUMBER_LEN, "%.3f", value);
		break;
	case UNIT_ADDRESS:
		snprintf(buf, NUMBER_LEN, "%012" PRIx64, (uint64_t)value);
		break;
	case UNIT_TEXT:
	case UNIT_BAR:
		buf[0] = '\0';
		break;
	}
	return buf;
}

const char *format_bytes(char buf[NUMBER_LEN], uint64_t bytes)
{
	return format_number(buf, UNIT_BYTES, 0, (double)bytes);
}
