/* SPDX-License-Identifier: MIT */
/*
 * os_fake.h - the os layer with a will of its own: counts the calls that the
 * kernel may refuse, and refuses those it is told to.
 *
 * The fake stands between the library and lib/os/os.c: the linker's --wrap
 * turns every call of os_commit() outside os.c into one of __wrap_os_commit(),
 * so the very objects that are shipped are tested. Without orders it passes
 * everything on.
 */
#ifndef PAGODA_TESTS_OS_FAKE_H
#define PAGODA_TESTS_OS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum os_call {
	OS_RESERVE,
	OS_COMMIT,
	OS_PURGE,
	OS_MOVE,
	OS_REFRESH,
	OS_MLOCK,
	OS_POPULATE,
	NR_OS_CALLS
};

enum { OS_ALL = (1 << NR_OS_CALLS) - 1 };
#define OS_BIT(call) (1u << (call))

/* Calls of this kind so far. */
uint64_t os_fake_calls(enum os_call call);

/* All of them. */
uint64_t os_fake_all_calls(void);

/* From now on: of the calls in @kinds only the @nth (from 1) fails. */
void os_fake_fail_nth(unsigned int kinds, uint64_t nth);

/* ... the @nth and all after it. */
void os_fake_fail_from(unsigned int kinds, uint64_t nth);

/* ... one of @in, by chance. */
void os_fake_fail_randomly(unsigned int kinds, uint64_t seed, unsigned int in);

/* ... those of an address in [start, end). */
void os_fake_fail_range(unsigned int kinds, const void *start,
			const void *end);

/* Pass everything on again. */
void os_fake_relent(void);

/* Calls that were refused since the last order. */
uint64_t os_fake_refused(void);

/* What another thread does while memory goes back to the kernel. */
void os_fake_on_purge(void (*fn)(const void *addr));

/*
 * os_fake_faults() - what faultin() measures from now on: each touch of a page takes
 * @fault_ns, and each page that is asked for @page_ns; @fault_ns is 0: back to the
 * truth.
 */
void os_fake_faults(uint64_t fault_ns, uint64_t page_ns);

/* How often os_holds_data() was called. */
uint64_t os_fake_questions(void);

/* --- the price of huge pages --- */

/*
 * os_fake_huge_pages() - the clocks stand still, and each touch of memory that
 * was advised to have huge pages takes @us; @us is 0: back to the truth. The
 * process has used no CPU time and @is_guest of a virtual machine.
 */
void os_fake_huge_pages(uint64_t us, bool is_guest);

/* Move the clocks: all of them. */
void os_fake_pass_ms(uint64_t ms);

/* What another thread does while memory is advised to have huge pages, or made
 * around what is needed. */
void os_fake_meanwhile(void (*fn)(void));

/* Pages that were advised to be huge, and that none of them be any more. */
uint64_t os_fake_advised(void);
uint64_t os_fake_unadvised(void);

/*
 * Keep what the library writes to standard error instead of writing it;
 * os_fake_stderr() returns it and starts anew.
 */
void os_fake_keep_stderr(bool keep);
const char *os_fake_stderr(void);

#endif
