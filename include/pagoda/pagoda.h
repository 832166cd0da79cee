/* SPDX-License-Identifier: MIT */
/*
 * pagoda/pagoda.h - is Pagoda there? For programs that use its interface when
 * they run on it, and do without when they do not.
 *
 * A program that is linked with -lpagoda needs nothing of this. One that is not,
 * and may be started with or without LD_PRELOAD=libpagoda.so, defines
 * PAGODA_OPTIONAL before it includes any header of Pagoda, and asks
 * pagoda_available() before it calls a function of theirs:
 *
 *	#define PAGODA_OPTIONAL
 *	#include <pagoda/kmem.h>
 *
 *	if (pagoda_available())
 *		cache = pagoda_kmem_cache_create(...);
 */
#ifndef PAGODA_PAGODA_H
#define PAGODA_PAGODA_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In code that is not position independent (-fno-pie), a linker decides that what
 * nobody defines yet never will be, unless it is asked for indirectly.
 */
#ifdef __has_attribute
#if __has_attribute(noplt)
#define PAGODA_INDIRECT __attribute__((noplt))
#endif
#endif
#ifndef PAGODA_INDIRECT
#define PAGODA_INDIRECT
#endif

#ifdef PAGODA_OPTIONAL
#define PAGODA_API __attribute__((weak)) PAGODA_INDIRECT
#else
#define PAGODA_API
#endif

/*
 * pagoda_version() - the version of the library that serves this process.
 *
 * Return: a constant text such as "0.1.0".
 * Safe in threads and in signal handlers; never fails.
 */
PAGODA_API const char *pagoda_version(void);

/* Its address, or NULL where nobody defines it. */
static const char *pagoda_probe(void)
	__attribute__((weakref("pagoda_version"), unused)) PAGODA_INDIRECT;

/*
 * pagoda_available() - does the loader know this library?
 *
 * It looks at an address and calls nothing, so it needs no library to link with.
 *
 * Return: 1 or 0; the same at any time. In a program that is linked statically, or
 * was compiled by clang with -fno-pie, 0.
 * Safe in threads and in signal handlers.
 */
static inline int pagoda_available(void)
{
	return pagoda_probe != 0;
}

#ifdef __cplusplus
}
#endif

#endif
