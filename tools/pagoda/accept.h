/* SPDX-License-Identifier: MIT */
/*
 * accept.h - which of the two formats of numbers a client wants.
 */
#ifndef PAGODA_TOOL_ACCEPT_H
#define PAGODA_TOOL_ACCEPT_H

#include "base/compiler.h"

/*
 * Does the header Accept, or NULL, ask for OpenMetrics 1.0 rather than for the
 * text format 0.0.4? Who names neither gets the latter: everything reads that.
 */
bool accepts_openmetrics(const char *accept);

#endif
