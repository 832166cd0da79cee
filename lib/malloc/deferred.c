/* SPDX-License-Identifier: MIT */
/*
 * deferred.c - frees that a nested call could not finish, because a lock it
 * needs is held by the frame it interrupted. The next slow path that is not
 * nested frees them.
 *
 * A fixed array of slots, taken and emptied with single atomic operations. Most
 * are for handlers of threads that wait at the gate, perhaps for long: they take
 * objects off sheaves and find them full when they free, but no sheaf is filled
 * meanwhile, so there are slots for more than the sheaves of a few CPUs hold. What
 * finds none is lost, and counted.
 */
#include "base/atomic.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "slab/slab.h"

enum { NR_DEFERRED = 8192 };

static void *slots[NR_DEFERRED] SPARSE_TABLE; /* Atomic */
static unsigned int pending; /* Atomic */

void defer_free(void *p)
{
	/* Those before are likely taken. */
	unsigned int first = load_relaxed(&pending);

	for (unsigned int i = 0; i < NR_DEFERRED; i++) {
		void **slot = &slots[(first + i) % NR_DEFERRED];
		void *none = NULL;

		if (!load_relaxed(slot) &&
		    __atomic_compare_exchange_n(slot, &none, p, 0,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED)) {
			fetch_add_relaxed(&pending, 1);
			break;
		}
	}
	count_vm_event(NESTED_DEFER);
}

static void free_now(void *p)
{
	unsigned int class = span.page_class[addr_to_pfn(p)];

	if (class == PAGE_CLASS_ASK)
		large_free(p, true);
	else
		kmem_cache_free_slow(&kmem_caches[class], p, SLOW_NORMAL);
}

void run_deferred(void)
{
	for (unsigned int i = 0; i < NR_DEFERRED; i++) {
		void *p;

		if (likely(!load_relaxed(&pending)))
			return;
		/* Pairs with the releasing exchange in defer_free(). */
		p = load_relaxed(&slots[i]) ?
			    exchange_acquire(&slots[i], NULL) : NULL;
		if (p) {
			fetch_sub_relaxed(&pending, 1);
			free_now(p);
		}
	}
}
