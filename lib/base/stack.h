/* SPDX-License-Identifier: MIT */
/*
 * stack.h - stacks without locks, of numbered cells: Treiber stacks.
 *
 * A head is {tag, index} in 64 bits, all zero = empty; index 0 is "none". The tag
 * changes with every operation, which makes a recycled index harmless. What is
 * below a cell stands in a word of its own, which its owner provides: a popper may
 * read that of a cell that someone else has just taken, so it must stay readable;
 * the compare-and-swap then fails.
 *
 * Safe in threads and, as nobody ever waits for anybody, in signal handlers.
 */
#ifndef PAGODA_BASE_STACK_H
#define PAGODA_BASE_STACK_H

#include "base/atomic.h"
#include "base/compiler.h"

static inline uint64_t stack_head(uint64_t old, uint32_t index)
{
	return ((old >> 32) + 1) << 32 | index;
}

/*
 * Push the cell @first and those linked below it, to the one whose word for what
 * is below it is @last_next.
 */
static inline void stack_push(uint64_t *head, uint32_t first,
			      uint32_t *last_next)
{
	uint64_t old = load_relaxed(head);

	do {
		store_relaxed(last_next, (uint32_t)old);
		/* Pairs with the acquire in stack_pop(): what was written to the
		 * cells before is visible. */
	} while (!cas_weak_release(head, &old, stack_head(old, first)));
}

/* The topmost cell, or 0. @next_of says where what is below a cell stands. */
static ALWAYS_INLINE uint32_t
stack_pop(uint64_t *head, uint32_t *(*next_of)(void *arg, uint32_t index),
	  void *arg)
{
	uint64_t old = load_acquire(head);
	uint32_t index, below;

	do {
		index = (uint32_t)old;
		if (!index)
			return 0;
		below = load_relaxed(next_of(arg, index));
	} while (!cas_weak_acq_rel(head, &old, stack_head(old, below)));
	return index;
}

/* All cells, linked from the topmost one; 0: there is none. */
static inline uint32_t stack_detach(uint64_t *head)
{
	uint64_t old = load_acquire(head);

	while ((uint32_t)old &&
	       !cas_weak_acq_rel(head, &old, stack_head(old, 0)))
		;
	return (uint32_t)old;
}

#endif
