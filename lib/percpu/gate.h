/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the way into every slow path, so that a fork can wait until none is
 * under way.
 *
 * A slow path counts itself in; fork closes the gate, waits for the counts to
 * fall to zero, and then no lock of the library is held and no lock-free list
 * is half changed: the child starts with a consistent copy whatever the other
 * threads were doing. That replaces taking every lock in order.
 *
 * A nested entry (a signal handler inside a slow path of its own thread) passes
 * without counting: the frame below it has.
 */
#ifndef PAGODA_PERCPU_GATE_H
#define PAGODA_PERCPU_GATE_H

#include "base/compiler.h"
#include "percpu/thread.h"

enum slow_path {
	SLOW_NORMAL, /* outermost: may wait for locks */
	SLOW_NESTED, /* inside another: may only try locks */
	SLOW_BARRED, /* inside another that waits at the gate: no shared state */
};

enum slow_path gate_enter(void);
void gate_leave(void);

/* Has more than one thread ever passed? A hint. */
bool gate_saw_threads(void);

/*
 * Between these two every slow path of this thread is a nested one: it only tries
 * locks, and does not wait at the gate either.
 */
static inline void gate_never_wait(void)
{
	thread_word.depth++;
}

static inline void gate_may_wait(void)
{
	thread_word.depth--;
}

/*
 * Close the gate and wait until no slow path is left. Takes LOCK_GATE; not from
 * inside a slow path.
 */
void gate_close(void);
void gate_open(void);
/* In a forked child: whoever was counted in is gone. */
void gate_open_in_child(void);

#endif
