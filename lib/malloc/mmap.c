/* SPDX-License-Identifier: MIT */
/*
 * mmap.c - wrappers of mmap() and of what changes mappings.
 *
 * Each is the system call, with what vma/mapping.h has to know said before. Only
 * plain anonymous memory is looked after: private, readable and writable, at an
 * address of the kernel's choice.
 */
#undef _FILE_OFFSET_BITS /* The headers would call mmap() mmap64(). */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/atomic.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "os/syscall.h"
#include "page_alloc/ahead.h"
#include "vma/lazy.h"
#include "vma/map.h"
#include "vma/mapping.h"

/* What is kept counts against the program's limits. */
static void *map_by_kernel(void *addr, size_t size, int prot, int flags,
			   int fd, off_t offset)
{
	long ret = os_syscall6(SYS_mmap, (long)addr, (long)size, prot, flags,
			       fd, offset);

	if (unlikely(ret == -ENOMEM) && mapping_trim())
		ret = os_syscall6(SYS_mmap, (long)addr, (long)size, prot,
				  flags, fd, offset);
	return (void *)syscall_result(ret);
}

static bool is_plain(const void *addr, size_t size, int prot, int flags,
		     off_t offset)
{
	return !addr && !offset && prot == (PROT_READ | PROT_WRITE) &&
	       flags == (MAP_PRIVATE | MAP_ANONYMOUS) &&
	       mapping_is_managed(size);
}

static void *map_plain(size_t size)
{
	void *addr = mapping_reuse(size);
	bool is_new = !addr;

	if (is_new)
		addr = map_by_kernel(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return addr;
	size = align_up(size, PAGE_SIZE);
	mapping_track(addr, size);
	if (is_new && lazy_wants(size))
		lazy_arm(addr, size);
	else if (is_new)
		ahead_mapping(addr, size >> PAGE_SHIFT);
	decay_tick(WEIGHT_OBJECT);
	return addr;
}

EXPORT void *mmap(void *addr, size_t size, int prot, int flags, int fd,
		  off_t offset)
{
	if (is_plain(addr, size, prot, flags, offset) && malloc_is_up())
		return map_plain(size);
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		mapping_untrack(addr, size);
	return map_by_kernel(addr, size, prot, flags, fd, offset);
}

_Static_assert(sizeof(off_t) == 8, "one wrapper for both");
extern __typeof__(mmap) mmap64 EXPORT __attribute__((alias("mmap")));

EXPORT int munmap(void *addr, size_t size)
{
	int err = vm_unmap_if_ours(addr, size);

	if (err <= 0)
		return (int)syscall_result(err);
	if (mapping_retire(addr, size))
		return 0;
	return (int)syscall_result(
		os_syscall2(SYS_munmap, (long)addr, (long)size));
}

EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	void *new = NULL;
	va_list args;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(args, flags);
		new = va_arg(args, void *);
		va_end(args);
	}
	mapping_untrack(old, max_size(old_size, size));
	if (flags & MREMAP_FIXED)
		mapping_untrack(new, size);
	return (void *)syscall_result(os_syscall5(SYS_mremap, (long)old,
						  (long)old_size, (long)size,
						  flags, (long)new));
}

EXPORT int mprotect(void *addr, size_t size, int prot)
{
	mapping_untrack(addr, size);
	return (int)syscall_result(
		os_syscall3(SYS_mprotect, (long)addr, (long)size, prot));
}

EXPORT int pkey_mprotect(void *addr, size_t size, int prot, int key)
{
	if (key == -1)
		return mprotect(addr, size, prot);
	mapping_untrack(addr, size);
	return (int)syscall_result(os_syscall4(SYS_pkey_mprotect, (long)addr,
					       (long)size, prot, key));
}

/* Advice about contents, which leaves the mapping what it is. */
static bool is_about_contents(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

EXPORT int madvise(void *addr, size_t size, int advice)
{
	if (!is_about_contents(advice))
		mapping_untrack(addr, size);
	return (int)syscall_result(
		os_syscall3(SYS_madvise, (long)addr, (long)size, advice));
}

/*
 * Pages that the kernel holds by reference after these calls stay what they are
 * when their mapping is unmapped; so from the first such call on nothing is kept.
 */
typedef ssize_t (*vmsplice_fn)(int fd, const struct iovec *pages, size_t nr,
			       unsigned int flags);

EXPORT ssize_t vmsplice(int fd, const struct iovec *pages, size_t nr,
			unsigned int flags)
{
	static vmsplice_fn libc_vmsplice; /* Atomic */
	vmsplice_fn fn = load_relaxed(&libc_vmsplice);

	mapping_stop();
	if (!fn) {
		fn = (vmsplice_fn)dlsym(RTLD_NEXT, "vmsplice");
		store_relaxed(&libc_vmsplice, fn);
	}
	if (fn)
		return fn(fd, pages, nr, flags);
	errno = ENOSYS;
	return -1;
}

EXPORT int setsockopt(int fd, int level, int name, const void *value,
		      socklen_t size)
{
	/* Before it sends by reference, which that allows. */
	if (level == SOL_SOCKET && name == SO_ZEROCOPY)
		mapping_stop();
	return (int)syscall_result(os_syscall5(SYS_setsockopt, fd, level, name,
					       (long)value, size));
}
