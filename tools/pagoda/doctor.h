/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what "pagoda doctor" found out, one thing at a time.
 */
#ifndef PAGODA_TOOL_DOCTOR_H
#define PAGODA_TOOL_DOCTOR_H

#include "base/compiler.h"

enum verdict { VERDICT_OK, VERDICT_LIMITED, VERDICT_OFF };

struct finding {
	const char *name;
	enum verdict verdict;
	bool needed; /* by the default mode: it does not work if this is off */
	char value[160];
	const char *effect; /* what Pagoda does about it */
	const char *enable; /* the line that would change it; NULL: none */
};

/*
 * probe() - look at this machine as this process sees it. Changes nothing, needs
 * no privileges. @report is called for each finding.
 */
void probe(void (*report)(const struct finding *f, void *arg), void *arg);

#endif
