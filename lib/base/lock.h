/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the only lock of the library: four bytes, spins briefly, then sleeps
 * on a futex. Never a pthread mutex: the program may interpose those, and
 * theirs may allocate.
 *
 * States: 0 free, 1 held, 2 held and someone may sleep. Every lock has a class
 * (lock_classes.def), which is also its place in the lock order; builds with
 * PAGODA_DEBUG check the order at run time.
 *
 * Fork: no handler takes these locks. The gate (percpu/gate.h) lets fork wait
 * until every slow path is over, so in the child all of them are free.
 */
#ifndef PAGODA_BASE_LOCK_H
#define PAGODA_BASE_LOCK_H

#include "base/atomic.h"
#include "base/compiler.h"

enum lock_class {
#define LOCK_CLASS(id, doc) LOCK_##id,
#include "base/lock_classes.def"
#undef LOCK_CLASS
	NR_LOCK_CLASSES
};

struct lock {
	uint32_t state; /* Atomic */
	uint32_t class; /* enum lock_class; Const after init */
};

#define LOCK_INIT(id)                  \
	{                              \
		.class = LOCK_##id     \
	}

void lock_slow(struct lock *l);
void lock_wake(struct lock *l);

#ifdef PAGODA_DEBUG
void lock_check_order(const struct lock *l); /* before waiting for it */
void lock_check_taken(const struct lock *l);
void lock_check_release(const struct lock *l);
#else
static inline void lock_check_order(const struct lock *l)
{
	(void)l;
}
static inline void lock_check_taken(const struct lock *l)
{
	(void)l;
}
static inline void lock_check_release(const struct lock *l)
{
	(void)l;
}
#endif

/* Give an all-zero lock its class; by every user, so it must be idempotent. */
static inline void lock_set_class(struct lock *l, enum lock_class class)
{
	if (load_relaxed(&l->class) != (uint32_t)class)
		store_relaxed(&l->class, (uint32_t)class);
}

static inline bool lock_try(struct lock *l)
{
	uint32_t free = 0;

	if (!cas_acquire(&l->state, &free, 1u))
		return false;
	/* In any order: who only tries cannot deadlock. */
	lock_check_taken(l);
	return true;
}

static inline void lock_acquire(struct lock *l)
{
	uint32_t free = 0;

	lock_check_order(l);
	if (unlikely(!cas_acquire(&l->state, &free, 1u)))
		lock_slow(l);
	lock_check_taken(l);
}

static inline void lock_release(struct lock *l)
{
	lock_check_release(l);
	/* Pairs with the acquiring exchange and compare-and-swap above. */
	if (unlikely(exchange_release(&l->state, 0u) == 2))
		lock_wake(l);
}

/*
 * A nested call (a signal handler inside one of our slow paths) must not wait
 * for what the interrupted frame may hold.
 */
static inline bool lock_acquire_unless(struct lock *l, bool nested)
{
	if (unlikely(nested))
		return lock_try(l);
	lock_acquire(l);
	return true;
}

#endif
