/* SPDX-License-Identifier: MIT */
/*
 * thread.h - the one thread-local word of the library.
 *
 * Initial-exec, zero at thread start, never needs a destructor. `depth` counts
 * the slow paths this thread is in: more than one means that a signal handler
 * interrupted the first. Owner: this thread (and its signal handlers).
 */
#ifndef PAGODA_PERCPU_THREAD_H
#define PAGODA_PERCPU_THREAD_H

#include "base/compiler.h"

struct thread_word {
	uint8_t depth; /* slow paths entered */
	uint8_t gated; /* the outermost one is past the gate */
	uint16_t shard; /* 1 + shard in percpu=lock, 0 = none yet */
	uint16_t stripe; /* 1 + gate stripe, 0 = none yet */
	uint8_t counted; /* depth of a nested path that counted itself in */
	uint8_t forking; /* between the fork handlers, holding the gate */
	uint8_t in_mm; /* holds LOCK_MM, or is about to */
	uint8_t in_scan; /* runs a shrinker of the program */
};

extern _Thread_local struct thread_word thread_word
	INTERNAL __attribute__((tls_model("initial-exec")));

#endif
