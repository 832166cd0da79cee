/* SPDX-License-Identifier: MIT */
/*
 * probe.h - static probes (USDT) of slow paths, to which gdb, perf, bpftrace and
 * SystemTap attach.
 *
 * A probe is one nop and a note in the file, in a section that is not loaded; the
 * note says where the arguments are. So these should be at hand anyway: integers or
 * pointers in registers or memory, no calls. Never on a fast path. Their names
 * and arguments are an interface, documented in libpagoda(7); a test compares.
 */
#ifndef PAGODA_BASE_PROBE_H
#define PAGODA_BASE_PROBE_H

#ifdef PAGODA_PROBES

#define SDT_USE_VARIADIC
#include <sys/sdt.h>

#define PROBE(name, ...) STAP_PROBEV(pagoda, name, __VA_ARGS__)

#else

#define PROBE(name, ...) ((void)0)

#endif

#endif
