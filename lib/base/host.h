/* SPDX-License-Identifier: MIT */
/*
 * host.h - the few things base/ needs from below it: implemented by os/, or by
 * a test's fake. None of them allocates or changes errno.
 */
#ifndef PAGODA_BASE_HOST_H
#define PAGODA_BASE_HOST_H

#include "base/compiler.h"

/* Sleep while *@word == @val; may return early. */
void host_futex_wait(uint32_t *word, uint32_t val);

/* Wake at most @nr sleepers on @word. */
void host_futex_wake(uint32_t *word, int nr);

/* Give the CPU to someone else. */
void host_yield(void);

/* Write all of @buf to standard error, as far as it can be done. */
void host_write_stderr(const char *buf, size_t len);

/* End the process with SIGABRT. */
NORETURN void host_abort(void);

#endif
