/* SPDX-License-Identifier: MIT */
/*
 * pagoda/map.h - memory whose pages come from the program: user pagers.
 *
 * pagoda_map() makes a mapping without pages. Who touches one that is missing
 * waits while the mapping's `fault` operation fills it, and goes on; system
 * calls that are given such memory wait in the same way. What is filled stays
 * until the mapping is unmapped or madvise(MADV_DONTNEED) drops it, after which
 * it is asked for again. So a file that is decompressed, a table that is
 * computed, or memory of another machine can be used like an array.
 *
 * The operations run in one thread of the library, the pager, which starts with
 * the first mapping. It blocks all signals and has no file descriptors of the
 * program (those it opens itself are its own). A fault operation may allocate
 * memory and take locks; it must not
 *  - touch missing pages of a mapping of this kind, not even of another one, or
 *    wait for a thread that does: the pager would wait for itself;
 *  - call pagoda_unmap() for what it is filling (EDEADLK);
 *  - leave by longjmp(), or end the thread.
 *
 * Fork: the child does not have these mappings; their addresses are not
 * accessible there. It can make its own.
 *
 * Needs Linux 6.6 and a userfaultfd that sees the faults of system calls, too:
 * root, CAP_SYS_PTRACE, access to /dev/userfaultfd, or
 * sysctl vm.unprivileged_userfaultfd=1. See PAGODA_MAP_USER_FAULTS for others.
 *
 * Idea: vm_operations_struct of Linux, and its `nopage` of old.
 */
#ifndef PAGODA_MAP_H
#define PAGODA_MAP_H

#include <stddef.h>

#include <pagoda/pagoda.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is to be filled. */
struct pagoda_vm_fault {
	void *address; /* the page that is touched */
	int write; /* by a write */
	/*
	 * A range of whole pages with that page in it: `size` bytes, from `offset`
	 * bytes behind the start of the mapping. Their content goes to `buf`,
	 * all of it: what is in there before is of no meaning.
	 */
	size_t offset;
	size_t size;
	void *buf;
};

struct pagoda_vm_operations {
	/*
	 * fault() - fill vmf->buf. Required; runs in the pager.
	 * Return: 0, or a negative errno value: then the library says so on standard
	 * error and whoever touches the page gets SIGBUS, as if a file had been
	 * truncated (from system calls, EFAULT), until it is dropped with
	 * MADV_DONTNEED.
	 */
	int (*fault)(void *private_data, const struct pagoda_vm_fault *vmf);
	/*
	 * open() - the mapping was made; runs in pagoda_map().
	 * close() - [offset, offset + size) of it was unmapped, and no fault is
	 * under way there; runs in pagoda_unmap().
	 * release() - nothing is left of it; the last call it gets. Runs after the
	 * last close(). All three may be NULL.
	 */
	void (*open)(void *private_data, void *addr, size_t size);
	void (*close)(void *private_data, size_t offset, size_t size);
	void (*release)(void *private_data);
	/*
	 * Bytes that one fault asks for: a power of two from the page size to
	 * PAGODA_MAP_MAX_BLOCK, counted from the start of the mapping; 0: one page.
	 * Ranges are cut at the ends of what is mapped.
	 */
	size_t block_size;
};

#define PAGODA_MAP_MAX_BLOCK ((size_t)1 << 21)

enum {
	/* The program only reads: writes get SIGSEGV. */
	PAGODA_MAP_READONLY = 1 << 0,
	/*
	 * If the system refuses a userfaultfd that sees the faults of system calls,
	 * make do with one that does not: read(2), write(2) and the like then fail
	 * with EFAULT on missing pages, so touch them first.
	 */
	PAGODA_MAP_USER_FAULTS = 1 << 1,
};

/*
 * pagoda_map() - map @size bytes, whose pages come from @ops.
 * @size:  bytes, more than 0; rounded up to whole pages.
 * @ops:   must stay as it is until release().
 * @private_data: given to every operation.
 * @flags: PAGODA_MAP_*, or 0.
 *
 * Return: the start, page-aligned; or NULL with errno
 *   EINVAL  size 0, no fault operation, a bad block size or unknown flags
 *   ENOMEM  no memory or address space
 *   EPERM   the system refuses a userfaultfd (see above), or quiet mode is on
 *   ENOSYS  the kernel has none, or one without what is needed
 *   EAGAIN  the pager's thread could not be started; or called by a signal
 *           handler inside another call of this header
 * Safe in threads, not in signal handlers. Starts a thread once in a process,
 * about 200 us; after that a few microseconds.
 */
PAGODA_API void *pagoda_map(size_t size,
			    const struct pagoda_vm_operations *ops,
			    void *private_data, unsigned int flags);

/*
 * pagoda_unmap() - unmap what of [@addr, @addr + @size) came from pagoda_map():
 * whole mappings or parts. Waits for a fault that is under way there.
 * @addr: page-aligned. @size: bytes, more than 0; rounded up.
 *
 * Return: 0, or -1 with errno
 *   EINVAL   addr or size make no sense, or reach outside of such mappings' space
 *   ENOMEM   no memory to cut a mapping in two; what was unmapped is before it
 *   EDEADLK  from a fault operation, for what it is filling
 *   EAGAIN   called by a signal handler inside another call of this header
 * Safe in threads, not in signal handlers.
 */
PAGODA_API int pagoda_unmap(void *addr, size_t size);

#ifdef __cplusplus
}
#endif

#endif
