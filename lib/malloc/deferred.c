/* SPDX-License-Identifier: MIT */
/*
 * deferred.c - frees that a nested call could not finish, because a lock it
 * needs is held by the frame it interrupted. The next slow path that is not
 * nested frees them.
 *
 * A fixed array of slots, taken and emptied with single atomic operations. It
 * would take hundreds of large blocks freed by handlers within one slow path to
 * fill it; what finds no slot is lost, and counted.
 */
#include "base/atomic.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "slab/slab.h"

enum { NR_DEFERRED = 512 };

static void *slots[NR_DEFERRED] SPARSE_TABLE; /* Atomic */
static unsigned int pending; /* Atomic */

void defer_free(void *p)
{
	for (unsigned int i = 0; i < NR_DEFERRED; i++) {
		void *none = NULL;

		if (!load_relaxed(&slots[i]) &&
		    __atomic_compare_exchange_n(&slots[i], &none, p, 0,
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
	if (likely(!load_relaxed(&pending)))
		return;
	for (unsigned int i = 0; i < NR_DEFERRED; i++) {
		/* Pairs with the releasing exchange in defer_free(). */
		void *p = load_relaxed(&slots[i]) ?
				  exchange_acquire(&slots[i], NULL) : NULL;

		if (p) {
			fetch_sub_relaxed(&pending, 1);
			free_now(p);
		}
	}
}
