/* SPDX-License-Identifier: MIT */
/*
 * dlopen.c - dlopen() without RTLD_DEEPBIND.
 *
 * A library opened with that flag would call libc's own malloc and free while
 * the rest of the program calls ours, and a block that crosses the border would
 * be freed by the wrong one. Option deepbind=keep leaves the flag alone.
 *
 * libc finds out who calls dlopen() from the return address, so its function is
 * entered by a jump: from its view the program called it directly. The compiler
 * makes that jump of a call in tail position (checked by a test).
 */
#include <dlfcn.h>

#include "base/atomic.h"
#include "base/params.h"
#include "malloc/internal.h"

typedef void *(*dlopen_fn)(const char *path, int mode);

static dlopen_fn libc_dlopen; /* Atomic */

static COLD dlopen_fn find_dlopen(void)
{
	dlopen_fn fn = (dlopen_fn)dlsym(RTLD_NEXT, "dlopen");

	store_relaxed(&libc_dlopen, fn);
	return fn;
}

EXPORT void *dlopen(const char *path, int mode)
{
	dlopen_fn fn = load_relaxed(&libc_dlopen);

	if (!fn)
		fn = find_dlopen();
	if (!fn)
		return NULL;
	if (params.deepbind == DEEPBIND_STRIP)
		mode &= ~RTLD_DEEPBIND;
	return fn(path, mode);
}
