/* SPDX-License-Identifier: MIT */
/*
 * gate.c - see gate.h. The counts are striped, so that threads on different
 * CPUs do not fight for a line; a closer adds them up.
 *
 * Ordering: an entrant counts itself, then looks whether the gate is closed; a
 * closer closes it, then looks at the counts. Both with sequentially consistent
 * operations, so at least one of the two sees the other. The same holds for one
 * who leaves and must wake the closer.
 */
#include "percpu/gate.h"

#include "base/atomic.h"
#include "base/host.h"
#include "base/lock.h"
#include "percpu/percpu.h"

enum { NR_STRIPES = 64 };

static struct stripe {
	uint32_t count; /* Atomic */
} CACHELINE_ALIGNED stripes[NR_STRIPES];

static uint32_t closed; /* Atomic; also the futex the barred sleep on */
static struct lock gate_lock = LOCK_INIT(GATE);

_Thread_local struct thread_word thread_word;

/* Atomic; does not come round to where it says that there are no threads. */
static uint32_t next_stripe;

static uint16_t my_stripe(void)
{
	/* Threads take turns: cheaper than asking for the CPU. */
	if (unlikely(!thread_word.stripe))
		thread_word.stripe = (uint16_t)(
			fetch_add_relaxed(&next_stripe, 1) % NR_STRIPES + 1);
	return (uint16_t)(thread_word.stripe - 1);
}

bool gate_saw_threads(void)
{
	return load_relaxed(&next_stripe) > 1;
}

static void count_out(struct stripe *s)
{
	if (unlikely(fetch_sub_full(&s->count, 1) == 1 && load_full(&closed)))
		host_futex_wake(&s->count, 1);
}

static COLD void wait_open(struct stripe *s)
{
	do {
		count_out(s);
		while (load_acquire(&closed))
			host_futex_wait(&closed, 1);
		fetch_add_full(&s->count, 1);
	} while (load_full(&closed));
}

/*
 * Nested in a frame that is just about to enter. It may or may not have counted
 * itself in, so this one does; but it cannot wait, for the closer may be
 * waiting for that frame.
 */
static enum slow_path enter_nested(void)
{
	struct stripe *s = &stripes[my_stripe()];

	if (thread_word.gated)
		return SLOW_NESTED;
	fetch_add_full(&s->count, 1);
	if (load_full(&closed)) {
		count_out(s);
		return SLOW_BARRED;
	}
	/* In this order: a handler that comes in between passes without counting,
	 * and leaves without taking this count for its own. */
	thread_word.gated = 1;
	signal_fence();
	thread_word.counted = thread_word.depth;
	return SLOW_NESTED;
}

static void leave_nested(void)
{
	if (thread_word.counted == thread_word.depth) {
		thread_word.counted = 0;
		signal_fence();
		thread_word.gated = 0;
		count_out(&stripes[my_stripe()]);
	}
	thread_word.depth--;
}

enum slow_path gate_enter(void)
{
	struct stripe *s;

	if (unlikely(thread_word.depth++))
		return enter_nested();
	s = &stripes[my_stripe()];
	fetch_add_full(&s->count, 1);
	if (unlikely(load_full(&closed)))
		wait_open(s);
	thread_word.gated = 1;
	return SLOW_NORMAL;
}

void gate_leave(void)
{
	if (unlikely(thread_word.depth > 1)) {
		leave_nested();
		return;
	}
	thread_word.gated = 0;
	count_out(&stripes[my_stripe()]);
	thread_word.depth = 0;
}

/*
 * The closer counts as one in a slow path itself: a signal handler of its own
 * that allocates must not wait for the gate to open.
 */
void gate_close(void)
{
	thread_word.depth++;
	lock_acquire(&gate_lock);
	store_full(&closed, 1);
	for (int i = 0; i < NR_STRIPES; i++) {
		uint32_t n;

		/* The loser of the race with the wake-up looks again soon. */
		while ((n = load_full(&stripes[i].count)) != 0)
			host_futex_wait(&stripes[i].count, n);
	}
	thread_word.gated = 1;
}

static void step_out(void)
{
	thread_word.gated = 0;
	lock_release(&gate_lock);
	thread_word.depth--;
}

void gate_open(void)
{
	store_full(&closed, 0);
	host_futex_wake(&closed, INT32_MAX);
	step_out();
}

void gate_open_in_child(void)
{
	for (int i = 0; i < NR_STRIPES; i++)
		store_relaxed(&stripes[i].count, 0);
	store_full(&closed, 0);
	step_out();
}
