/* SPDX-License-Identifier: MIT */
/*
 * fake_control.h - a control block filled by hand, with numbers that add up.
 */
#ifndef PAGODA_TESTS_FAKE_CONTROL_H
#define PAGODA_TESTS_FAKE_CONTROL_H

#include "base/control.h"

enum { FAKE_CPUS = 3 };

/* Fills @c and the headers of the CPUs' sheaves, both zero before. */
void fake_control_fill(struct control_block *c,
		       uint64_t headers[FAKE_CPUS][NR_CLASSES]);

#endif
