/* SPDX-License-Identifier: MIT */
/*
 * os.h - everything the library asks of the kernel and of libc, but for files
 * (file.h) and the restartable sequences (percpu/rseq_*.h).
 *
 * No function here allocates, takes a lock or changes errno; all are safe in
 * signal handlers and in a forked child. Errors are negative errno values.
 * Tests replace this layer by tests/fake/os_fake.c, which can refuse the n-th
 * call.
 */
#ifndef PAGODA_OS_OS_H
#define PAGODA_OS_OS_H

#include "base/compiler.h"

/* --- memory --- */

/*
 * Reserve @size bytes of address space anywhere, private and anonymous, not
 * charged and not accessible; @readable: reads as zeros without costing memory.
 * Return: NULL if the kernel refuses.
 */
void *os_reserve(size_t size, bool readable);

/* The same below 4 GiB. */
void *os_reserve_low(size_t size);

/*
 * Make reserved memory readable and writable (zero-filled on first touch);
 * locked in RAM if os_set_lock_commits() says so.
 */
MUST_CHECK int os_commit(void *addr, size_t size);

/* From here on what is committed is locked: the program called mlockall. */
void os_set_lock_commits(bool lock);

/* Is @addr in one of our reservations? */
bool os_is_reserved(const void *addr);

/*
 * Reserve exactly these addresses, not accessible. Return: NULL if any of them is
 * taken. Not for mlockall: they were reserved before.
 */
void *os_reserve_at(void *addr, size_t size);

/* Memory of ours becomes reserved again, whatever it was. */
MUST_CHECK int os_reserve_again(void *addr, size_t size);

/* Make committed memory readable or writable, or neither. */
MUST_CHECK int os_protect(void *addr, size_t size, bool read, bool write);

/* Committed memory becomes reserved again, its contents are gone. */
MUST_CHECK int os_decommit(void *addr, size_t size);

/*
 * os_is_plain() - is @page private anonymous memory of the program's, and not
 * locked? Its content may be gone afterwards.
 * os_move_in() - move such memory, one mapping of the kernel's, over @to, where
 * @size and a page more are ours, and unmap @addr. Return: 0, or -errno; then
 * @addr is as it was, but @to may be unmapped.
 * os_move_out() - move it to where the kernel would put a new mapping; @addr stays
 * readable and writable, and reads as zeros. Return: NULL if that failed.
 */
bool os_is_plain(void *page);
MUST_CHECK int os_move_in(void *addr, size_t size, void *to);
void *os_move_out(void *addr, size_t size);

/* Is the page resident? Not for quiet mode: sandboxes may not know the call. */
bool os_is_resident(const void *page);

/*
 * Is there something else than 0 at @word? False as well where nothing can be read.
 * For a page that is not there the kernel maps its page of zeros; nothing is made, nor
 * is a call made that sandboxes do not know. A userfaultfd of the program's is asked as
 * if the program had read the word.
 */
bool os_holds_data(const uint32_t *word);

/* A child of a fork will not have the range. */
int os_dont_fork(void *addr, size_t size);

/* Return address space to the kernel. */
int os_release(void *addr, size_t size);

/*
 * Drop the contents: the pages read as zeros again. Fails on locked memory;
 * then the contents stay.
 */
MUST_CHECK int os_purge(void *addr, size_t size);

/* Make the pages of the range resident, as if each was written to. */
MUST_CHECK int os_populate(void *addr, size_t size);

/* Map fresh zero pages over the range, which merges what was moved apart. */
MUST_CHECK int os_refresh(void *addr, size_t size);

/*
 * Move @old_size bytes at @old over @addr, a committed range of @new_size; the
 * old range stays committed and reads as zeros.
 */
MUST_CHECK int os_move(void *old, size_t old_size, void *addr);

enum os_thp { OS_THP_ON, OS_THP_OFF };
int os_set_thp(void *addr, size_t size, enum os_thp how);

/* Lock in RAM what is resident now, and the rest when it is touched. */
MUST_CHECK int os_mlock_onfault(void *addr, size_t size);

int os_munlock(void *addr, size_t size);
/* --- descriptors --- */

/*
 * os_unshare_files() - from here on the calling thread has a descriptor table of
 * its own, an empty one; what it shared stays with the others. Messages still go
 * to the program's standard error.
 */
MUST_CHECK int os_unshare_files(void);

/* --- the machine and its limits --- */

size_t os_page_size(void);
size_t os_total_ram(void);
/* RLIMIT_AS less what is mapped already; SIZE_MAX without a limit. */
size_t os_address_space_left(void);
/* Did it find a limit? No system call. */
bool os_address_space_is_limited(void);
bool os_may_open_files(void);
/* One more than the highest CPU number the kernel may report; a few more than
 * that unless @exact, which reads a file. */
unsigned int os_nr_cpu_ids(bool exact);
unsigned int os_nr_cpus_allowed(void);
unsigned int os_nr_nodes(void);
unsigned int os_current_node(void);
/* True where that cannot be known. */
bool os_in_virtual_machine(void);

/* --- the process --- */

/* Milliseconds of a monotonic clock, a few ms coarse. Never a system call. */
uint64_t os_now_ms(void);
/* Microseconds and nanoseconds; a system call where the kernel's clock source asks
 * for one. */
uint64_t os_now_us(void);
uint64_t os_now_ns(void);
/* Microseconds of CPU time of the calling thread; a system call. */
uint64_t os_thread_us(void);
/* The same of all threads. */
uint64_t os_process_us(void);
uint32_t os_getpid(void);
uint32_t os_gettid(void);
/* Has this process, still, a thread of that id? */
bool os_thread_exists(uint32_t tid);
/* AT_SECURE: setuid, setgid or file capabilities. */
bool os_is_secure(void);
bool os_environ_ready(void);
/* Value of an environment variable, or NULL. */
const char *os_getenv(const char *name);
bool os_under_valgrind(void);

/* Other threads of this process may exist. */
bool os_is_multithreaded(void);

/* --- membarrier --- */

/* Can this process restart the sequences of its other CPUs? Registers it. */
bool os_rseq_barrier_init(void);

/*
 * After this every restartable sequence that ran on another CPU when it was
 * called has been restarted or is over.
 */
void os_rseq_barrier(void);

/* glibc's registered rseq area of the calling thread, relative to the thread
 * pointer; false if libc did not register one. */
bool os_rseq_area(ptrdiff_t *ret_offset, size_t *ret_size);

/* Size of the rseq fields the kernel fills in. */
size_t os_rseq_feature_size(void);

#endif
