/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the contended half of lock.h, and the checker of the lock order.
 */
#include "base/lock.h"

#include "base/bug.h"
#include "base/host.h"

/*
 * Enough for a holder that runs on another CPU to finish a batch; a holder
 * that was preempted is not worth spinning for.
 */
enum { LOCK_SPINS = 100 };

COLD void lock_slow(struct lock *l)
{
	for (int i = 0; i < LOCK_SPINS; i++) {
		uint32_t free = 0;

		cpu_relax();
		if (load_relaxed(&l->state) == 0 &&
		    cas_acquire(&l->state, &free, 1u))
			return;
	}
	while (exchange_acquire(&l->state, 2u) != 0)
		host_futex_wait(&l->state, 2);
}

COLD void lock_wake(struct lock *l)
{
	host_futex_wake(&l->state, 1);
}

#ifdef PAGODA_DEBUG
static const char *const class_names[] = {
#define LOCK_CLASS(id, doc) #id,
#include "base/lock_classes.def"
#undef LOCK_CLASS
};

static _Thread_local uint32_t held[NR_LOCK_CLASSES];

void lock_check_order(const struct lock *l)
{
	/* Two locks of one class nest in address order by their callers. */
	for (uint32_t c = l->class + 1; c < NR_LOCK_CLASSES; c++)
		if (held[c])
			bug("lock order: %s taken while %s is held",
			    class_names[l->class], class_names[c]);
}

void lock_check_taken(const struct lock *l)
{
	held[l->class]++;
}

void lock_check_release(const struct lock *l)
{
	if (!held[l->class])
		bug("lock order: %s released but not held",
		    class_names[l->class]);
	held[l->class]--;
}
#endif
