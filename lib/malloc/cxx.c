/* SPDX-License-Identifier: MIT */
/*
 * cxx.c - operators new and delete of C++, without linking libstdc++.
 *
 * When memory is short, new calls the program's new_handler until it helps,
 * throws, or is gone, and then throws std::bad_alloc; both are functions of the
 * program's own C++ library, bound weakly. Exceptions pass through these
 * frames, so the file is compiled with -fexceptions.
 */
#include <malloc.h>
#include <stdlib.h>
#include <unwind.h>

#include "base/bug.h"
#include "malloc/internal.h"

typedef void (*new_handler)(void);

/* std::get_new_handler(), std::__throw_bad_alloc() */
extern new_handler std_get_new_handler(void)
	__asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void std_throw_bad_alloc(void)
	__asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));

static new_handler current_handler(void)
{
	return std_get_new_handler ? std_get_new_handler() : NULL;
}

static COLD void *new_slow(size_t align, size_t size)
{
	for (;;) {
		new_handler handler = current_handler();
		void *p;

		if (!handler)
			break;
		handler();
		p = alloc_aligned(align, size);
		if (p)
			return p;
	}
	if (std_throw_bad_alloc)
		std_throw_bad_alloc();
	bug("out of memory: operator new of %zu bytes, and no C++ library to throw std::bad_alloc",
	    size);
}

/* --- nothrow: what a handler throws must not leave the operator --- */

#if defined(__x86_64__)
/* catch_x86_64.S */
bool call_and_catch(void (*fn)(void)) INTERNAL;
extern const char call_and_catch_landing[] INTERNAL;
/* Called from there. */
_Unwind_Reason_Code catch_personality(int version, _Unwind_Action actions,
				      _Unwind_Exception_Class class,
				      struct _Unwind_Exception *exception,
				      struct _Unwind_Context *context) INTERNAL;
void drop_exception(void *exception) INTERNAL;

/* The program's own: libgcc's unwinder and the C++ library. */
extern __typeof__(_Unwind_SetGR) _Unwind_SetGR __attribute__((weak));
extern __typeof__(_Unwind_SetIP) _Unwind_SetIP __attribute__((weak));
extern void *cxa_begin_catch(void *exception)
	__asm__("__cxa_begin_catch") __attribute__((weak));
extern void cxa_end_catch(void) __asm__("__cxa_end_catch")
	__attribute__((weak));

_Unwind_Reason_Code catch_personality(int version, _Unwind_Action actions,
				      _Unwind_Exception_Class class,
				      struct _Unwind_Exception *exception,
				      struct _Unwind_Context *context)
{
	const int rax = 0;

	(void)version;
	(void)class;
	/* The end of a thread is no exception. */
	if (actions & _UA_FORCE_UNWIND || !_Unwind_SetGR || !_Unwind_SetIP)
		return _URC_CONTINUE_UNWIND;
	if (actions & _UA_SEARCH_PHASE)
		return _URC_HANDLER_FOUND;
	_Unwind_SetGR(context, rax, (uintptr_t)exception);
	_Unwind_SetIP(context, (uintptr_t)call_and_catch_landing);
	return _URC_INSTALL_CONTEXT;
}

void drop_exception(void *exception)
{
	if (cxa_begin_catch && cxa_end_catch) {
		cxa_begin_catch(exception);
		cxa_end_catch();
	}
}
#else
static bool call_and_catch(void (*fn)(void))
{
	fn();
	return false;
}
#endif

static COLD void *new_nothrow_slow(size_t align, size_t size)
{
	for (;;) {
		new_handler handler = current_handler();
		void *p;

		if (!handler || call_and_catch(handler))
			return NULL;
		p = alloc_aligned(align, size);
		if (p)
			return p;
	}
}

static ALWAYS_INLINE void *new_any(size_t align, size_t size)
{
	void *p = align <= 16 ? malloc(size) : alloc_aligned(align, size);

	return likely(p) ? p : new_slow(align, size);
}

static ALWAYS_INLINE void *new_nothrow(size_t align, size_t size)
{
	void *p = align <= 16 ? malloc(size) : alloc_aligned(align, size);

	return likely(p) ? p : new_nothrow_slow(align, size);
}

/* Names as the Itanium C++ ABI mangles them; m is size_t. */
#define NEW(name, ...) \
	EXPORT void *name(__VA_ARGS__); \
	FAST_EXPORT void *name(__VA_ARGS__)
#define DELETE(name, ...) \
	EXPORT void name(__VA_ARGS__); \
	FAST_EXPORT void name(__VA_ARGS__)

NEW(_Znwm, size_t size)
{
	return new_any(1, size);
}

NEW(_Znam, size_t size)
{
	return new_any(1, size);
}

NEW(_ZnwmRKSt9nothrow_t, size_t size, const void *tag)
{
	(void)tag;
	return new_nothrow(1, size);
}

NEW(_ZnamRKSt9nothrow_t, size_t size, const void *tag)
{
	(void)tag;
	return new_nothrow(1, size);
}

NEW(_ZnwmSt11align_val_t, size_t size, size_t align)
{
	return new_any(align, size);
}

NEW(_ZnamSt11align_val_t, size_t size, size_t align)
{
	return new_any(align, size);
}

NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, size_t size, size_t align,
    const void *tag)
{
	(void)tag;
	return new_nothrow(align, size);
}

NEW(_ZnamSt11align_val_tRKSt9nothrow_t, size_t size, size_t align,
    const void *tag)
{
	(void)tag;
	return new_nothrow(align, size);
}

DELETE(_ZdlPv, void *p)
{
	free(p);
}

DELETE(_ZdaPv, void *p)
{
	free(p);
}

DELETE(_ZdlPvm, void *p, size_t size)
{
	(void)size;
	free(p);
}

DELETE(_ZdaPvm, void *p, size_t size)
{
	(void)size;
	free(p);
}

DELETE(_ZdlPvRKSt9nothrow_t, void *p, const void *tag)
{
	(void)tag;
	free(p);
}

DELETE(_ZdaPvRKSt9nothrow_t, void *p, const void *tag)
{
	(void)tag;
	free(p);
}

DELETE(_ZdlPvSt11align_val_t, void *p, size_t align)
{
	(void)align;
	free(p);
}

DELETE(_ZdaPvSt11align_val_t, void *p, size_t align)
{
	(void)align;
	free(p);
}

DELETE(_ZdlPvmSt11align_val_t, void *p, size_t size, size_t align)
{
	(void)size;
	(void)align;
	free(p);
}

DELETE(_ZdaPvmSt11align_val_t, void *p, size_t size, size_t align)
{
	(void)size;
	(void)align;
	free(p);
}

DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, void *p, size_t align,
       const void *tag)
{
	(void)align;
	(void)tag;
	free(p);
}

DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, void *p, size_t align,
       const void *tag)
{
	(void)align;
	(void)tag;
	free(p);
}
