/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - per-CPU stacks of pointers ("sheaves"), one for every class.
 *
 * Each CPU slot has a region of 1 << PERCPU_SHIFT bytes in one reservation:
 *
 *   word 0 .. 255      struct sheaf_header of class 0 .. 255
 *   word 256 ..        slots; a header says which run of them is its own
 *
 *            begin            cur                 end
 *     | G | p | p | p | p | p |   |   |   |   |   | G | ...next class
 *       guard                  next free slot
 *
 * The objects of a class are the slots [begin, cur). The word before `begin` is
 * PERCPU_GUARD, which is how rseq_pop() knows an empty sheaf; zero would say so too.
 * A header of zero is both empty and full, so memory that was never touched sends
 * every operation to the slow path: no set-up per CPU. Its guard is the word before
 * the region, so the last one of each is not used, and there is a page before the first.
 * Class 0 is not used; its header says that the region is online (writable),
 * which a thread that gives a class its first slots must find there itself: it
 * may have moved to another CPU since it made its own region so.
 *
 * What a slot stands for depends on the mode:
 * - PERCPU_MODE_RSEQ: a virtual CPU, named by the kernel (mm_cid or cpu_id).
 *   All accesses are restartable sequences on the current CPU's region, each
 *   with a single committing store, so that a signal, a migration or a fork in
 *   the middle leaves nothing behind. No sequence retries by itself: when one
 *   is aborted it reports so, and callers go on without it after a few tries
 *   (a debugger that single-steps aborts every sequence).
 * - PERCPU_MODE_LOCK: a shard, to which a thread is assigned once, guarded by
 *   a lock of its own.
 *
 * percpu_stop() makes all regions quiescent: the base pointer, which every
 * sequence loads inside its restartable part, is turned to a reservation of
 * zeros, and membarrier restarts whoever still uses the old value.
 */
#ifndef PAGODA_PERCPU_PERCPU_H
#define PAGODA_PERCPU_PERCPU_H

#include "base/compiler.h"

enum {
	PERCPU_SHIFT = 19,
	PERCPU_HEADER_WORDS = 256,
	PERCPU_WORDS = 1 << (PERCPU_SHIFT - 3),
	/* Aborted sequences in a row before a caller does without. */
	PERCPU_RETRIES = 8,
};

/*
 * What is below the last object is fetched ahead like any other. An address that no
 * page table can hold costs nothing; a walk for a null pointer took half as long as
 * the rest of a malloc and free, if only one object was there.
 */
#define PERCPU_GUARD INTPTR_MIN

enum percpu_mode { PERCPU_MODE_NONE, PERCPU_MODE_RSEQ, PERCPU_MODE_LOCK };

union sheaf_header {
	uint64_t word;
	struct {
		uint32_t cur;
		uint16_t begin, end;
	};
};

/*
 * What the sequences read; its line is read by every malloc and free. They read
 * the second half: objects begin where lines do, and a load waits for a store of
 * the same offset in another page (a pair of malloc(1024) took a fifth longer).
 */
struct percpu_state {
	uintptr_t real_base; /* Const after init */
	uintptr_t zeros; /* Const after init */
	enum percpu_mode mode; /* Const after init */
	unsigned int nr; /* slots. Const after init */
	bool can_stop; /* Const after init */
	uintptr_t base; /* region of slot 0, or the zeros while stopped */
	ptrdiff_t cid_offset; /* CPU slot number, from the thread pointer */
	ptrdiff_t cs_offset; /* rseq_cs, from the thread pointer */
} CACHELINE_ALIGNED;
_Static_assert(offsetof(struct percpu_state, base) >= CACHELINE / 2,
	       "not where objects begin");

extern struct percpu_state percpu INTERNAL;

/*
 * percpu_init() - choose the mode and reserve the regions.
 * Context: start-up, one thread.
 * Return: 0, or -ENOMEM when not even the regions of one slot can be had.
 */
MUST_CHECK int percpu_init(void);

/*
 * percpu_popn() - take up to @n objects of @class off the current CPU's sheaf.
 * percpu_pushn() - put up to @n on it.
 * Return: how many were moved; 0 also if sequences keep being aborted.
 * Context: any but the holder of a shard lock; never sleeps when @nested.
 */
unsigned int percpu_popn(unsigned int class, void **objs, unsigned int n,
			 bool nested);
unsigned int percpu_pushn(unsigned int class, void *const *objs,
			  unsigned int n, bool nested);

/*
 * percpu_is_top() - was @obj the last object pushed on the current CPU's sheaf?
 * percpu_pushn() of a single object that is on top already pushes nothing in
 * PERCPU_MODE_LOCK, as rseq_push() does: a double free.
 */
bool percpu_is_top(unsigned int class, const void *obj, bool nested);

/* Number of the current CPU's region: a hint, the CPU may change at once. For the
 * child of a vfork it may be beyond the last one. */
unsigned int percpu_slot(void);

/* The current CPU's header of @class: a hint as above. */
union sheaf_header percpu_header(unsigned int class);

/* All headers of the current CPU, to be read only. A hint as above. */
const union sheaf_header *percpu_headers(void);

/*
 * percpu_resize() - give @class of the current CPU the slots of @new.
 *
 * Takes effect only if the header still is @old; the objects move along. @new
 * must be old.cur - old.begin objects long already and have room for them.
 * Return: whether it took effect.
 */
bool percpu_resize(unsigned int class, union sheaf_header old,
		   union sheaf_header new, bool nested);

/*
 * For the child of a vfork, which has no CPU slot: the offset of the slot number
 * in the thread area (0: nothing to do), and a number that never has sheaves.
 */
extern ptrdiff_t percpu_vfork_cid INTERNAL;
extern uint32_t percpu_vfork_slot INTERNAL;

/* Bring the current CPU's region online. Idempotent, cheap when done. */
MUST_CHECK int percpu_online(void);

/*
 * percpu_stop() - from here on all sheaves hold still until percpu_start().
 * Meanwhile every sheaf looks empty and full to everyone else.
 * Return: false if this kernel offers no way; then nothing is stopped.
 * Context: takes LOCK_PERCPU_STOP (and all shard locks).
 */
bool percpu_stop(void);
void percpu_start(void);

/* While stopped: header and slots of slot @nr. */
union sheaf_header *percpu_header_of(unsigned int nr, unsigned int class);
void **percpu_slots_of(unsigned int nr);

/*
 * Where a class keeps its objects before it has earned room of its own: the
 * first slots of all classes lie side by side, so that a program that caches a
 * few objects of each touches few pages.
 */
enum {
	NURSERY_SLOTS = 15,
	INFANT_SLOTS = 63,
	NURSERY_CLASSES = 68,
	NURSERY_BEGIN = PERCPU_HEADER_WORDS,
	INFANTS_BEGIN = NURSERY_BEGIN + NURSERY_CLASSES * (NURSERY_SLOTS + 1),
	NURSERIES_END = INFANTS_BEGIN + NURSERY_CLASSES * (INFANT_SLOTS + 1),
};

/* First slot for @class to keep @cap objects, if it is not to be its own. */
static inline uint16_t percpu_nursery(unsigned int class, size_t cap)
{
	if (cap <= NURSERY_SLOTS)
		return (uint16_t)(NURSERY_BEGIN +
				  class * (NURSERY_SLOTS + 1) + 1);
	return (uint16_t)(INFANTS_BEGIN + class * (INFANT_SLOTS + 1) + 1);
}

#endif
