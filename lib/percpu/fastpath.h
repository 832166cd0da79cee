/* SPDX-License-Identifier: MIT */
/* fastpath.h - the sequences that malloc and free inline: rseq_pop, rseq_push.
 * Only for PERCPU_MODE_RSEQ. */
#ifndef PAGODA_PERCPU_FASTPATH_H
#define PAGODA_PERCPU_FASTPATH_H

#if defined(__x86_64__)
#include "percpu/rseq_x86_64.h"
#else
#include "percpu/rseq_none.h"
#endif

#endif
