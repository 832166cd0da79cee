/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - pointers that are not ours: libc's own malloc made them for a
 * library that was bound to it (RTLD_DEEPBIND), or nobody did.
 *
 * The address alone tells that they are not ours. They go to libc's functions,
 * which are looked up when the first such pointer arrives: dlsym may allocate
 * and take the loader's locks, so never earlier. libc stops the program if the
 * pointer is not its own either.
 */
#include <dlfcn.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "percpu/thread.h"

struct libc_malloc {
	void (*free)(void *p);
	void *(*realloc)(void *p, size_t size);
	size_t (*usable_size)(void *p);
};

static struct libc_malloc libc_malloc; /* Atomic fields, set once */

static void *look_up(const char *name)
{
	return dlsym(RTLD_NEXT, name);

}

static bool find_libc(void)
{
	static uint32_t found; /* Atomic */

	if (load_acquire(&found))
		return libc_malloc.free != NULL;
	/* In a signal handler the loader's lock may be this thread's. */
	if (thread_word.depth)
		return false;
	libc_malloc.realloc = look_up("realloc");
	libc_malloc.usable_size = look_up("malloc_usable_size");
	libc_malloc.free = look_up("free");
	store_release(&found, 1);
	return libc_malloc.free != NULL;
}

static COLD NORETURN void not_ours(const char *what, const void *p)
{
	bug("invalid %s of %p: not a pointer of this allocator", what, p);
}

void foreign_free(void *p)
{
	int saved = errno;

	if (!find_libc())
		not_ours("free", p);
	count_vm_event(FOREIGN_FREE);
	libc_malloc.free(p);
	errno = saved;
}

void *foreign_realloc(void *p, size_t size)
{
	if (!find_libc() || !libc_malloc.realloc)
		not_ours("realloc", p);
	return libc_malloc.realloc(p, size);
}

size_t foreign_usable_size(void *p)
{
	if (!find_libc() || !libc_malloc.usable_size)
		not_ours("malloc_usable_size", p);
	return libc_malloc.usable_size(p);
}
