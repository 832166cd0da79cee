/* SPDX-License-Identifier: MIT */
/*
 * rseq_none.h - architectures without sequences of ours: percpu_init() never
 * chooses PERCPU_MODE_RSEQ there, so none of these runs.
 */
#ifndef PAGODA_PERCPU_RSEQ_NONE_H
#define PAGODA_PERCPU_RSEQ_NONE_H

#include "percpu/percpu.h"

static inline void *rseq_pop(uintptr_t class)
{
	(void)class;
	return NULL;
}

static inline bool rseq_push(uintptr_t class, void *obj)
{
	(void)class;
	(void)obj;
	return false;
}

static inline bool rseq_is_top(uintptr_t class, const void *obj)
{
	(void)class;
	(void)obj;
	return false;
}

static inline int rseq_popn(uintptr_t class, void **objs, size_t n)
{
	(void)class;
	(void)objs;
	(void)n;
	return 0;
}

static inline int rseq_pushn(uintptr_t class, void *const *objs, size_t n)
{
	(void)class;
	(void)objs;
	(void)n;
	return 0;
}

static inline int rseq_resize(uintptr_t class, union sheaf_header old,
			      union sheaf_header new)
{
	(void)class;
	(void)old;
	(void)new;
	return 0;
}

static inline unsigned int rseq_slot(void)
{
	return 0;
}

#endif
