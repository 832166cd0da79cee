/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - atomic operations whose names carry their memory order.
 *
 * Type-generic over naturally aligned integers and pointers, so that a shared
 * field keeps its plain type and a reader of a stopped process sees the value.
 */
#ifndef PAGODA_BASE_ATOMIC_H
#define PAGODA_BASE_ATOMIC_H

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define fetch_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define fetch_add_acquire(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQUIRE)
#define fetch_add_full(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fetch_sub_full(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define exchange_relaxed(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define load_full(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_full(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

/* On failure *@oldp is the value found. */
#define cas_weak_acq_rel(p, oldp, v)                                    \
	__atomic_compare_exchange_n((p), (oldp), (v), 1, __ATOMIC_ACQ_REL, \
				    __ATOMIC_ACQUIRE)
#define cas_weak_release(p, oldp, v)                                    \
	__atomic_compare_exchange_n((p), (oldp), (v), 1, __ATOMIC_RELEASE, \
				    __ATOMIC_RELAXED)
#define cas_acquire(p, oldp, v)                                         \
	__atomic_compare_exchange_n((p), (oldp), (v), 0, __ATOMIC_ACQUIRE, \
				    __ATOMIC_RELAXED)
#define cas_release(p, oldp, v)                                         \
	__atomic_compare_exchange_n((p), (oldp), (v), 0, __ATOMIC_RELEASE, \
				    __ATOMIC_RELAXED)
#define cas_relaxed(p, oldp, v)                                         \
	__atomic_compare_exchange_n((p), (oldp), (v), 0, __ATOMIC_RELAXED, \
				    __ATOMIC_RELAXED)

/* What a signal handler of this thread sees, it sees in this order. */
#define signal_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
/* Between a store and a load of something else. */
#define full_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
