/* SPDX-License-Identifier: MIT */
/*
 * shrinker.c - the functions of include/pagoda/shrinker.h.
 *
 * A scan runs where an allocation is about to fail: outside the gate and without
 * any lock of ours, since it will call free(). The list is walked with the lock
 * taken for each step only; meanwhile the shrinker that is run holds a note of who
 * runs it (struct runner, on that thread's stack), and stays on the list as long as
 * there is one, even if it is being unregistered.
 *
 * Fork: whoever takes the lock is inside the gate, so a child has a consistent
 * list. Notes of threads that it does not have are dropped, before their stacks
 * are used for something else.
 */
#include <pagoda/shrinker.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/host.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/vmstat.h"
#include "malloc/internal.h"
#include "percpu/gate.h"

/* Of all that a shrinker counts, the first round asks for a quarter. */
enum { ROUNDS = 3 };

struct shrinker {
	struct list_head link; /* Lock: shrinker_lock, like the rest */
	struct list_head runners;
	const struct pagoda_shrinker *ops; /* Const */
	bool dying; /* unregistered, waits for the runners */
};

/* Owner: the thread on whose stack it is. */
struct runner {
	struct list_head link; /* Lock: shrinker_lock */
	const struct thread_word *thread;
};

static struct lock shrinker_lock = LOCK_INIT(SHRINKER);
static struct list_head shrinkers = { &shrinkers, &shrinkers };
static uint32_t nr_shrinkers; /* Atomic */
static uint32_t ended; /* scans of dying shrinkers. Atomic; also the futex */

/* Not from inside a slow path. */
static void enter(void)
{
	gate_enter();
	lock_acquire(&shrinker_lock);
}

static void leave(void)
{
	lock_release(&shrinker_lock);
	gate_leave();
}

/* --- the walk --- */

/* From @s (NULL: the start) to the next one, which gets the note. */
static struct shrinker *advance(struct shrinker *s, struct runner *self)
{
	struct shrinker *next = NULL;
	struct list_head *i;
	bool wake = false;

	enter();
	i = s ? s->link.next : shrinkers.next;
	if (s) {
		list_del(&self->link);
		wake = s->dying && list_empty(&s->runners);
	}
	for (; i != &shrinkers && !next; i = i->next) {
		next = list_entry(i, struct shrinker, link);
		if (next->dying)
			next = NULL;
	}
	if (next)
		list_add(&self->link, &next->runners);
	if (wake)
		fetch_add_relaxed(&ended, 1);
	leave();
	if (wake)
		host_futex_wake(&ended, INT32_MAX);
	return next;
}

/* Ask for a part of what there is, the less the dearer it is. Return: freed. */
static size_t run(const struct pagoda_shrinker *ops, unsigned int shift)
{
	unsigned int seeks = ops->seeks ? ops->seeks : PAGODA_DEFAULT_SEEKS;
	size_t all = ops->count(ops->private_data);
	size_t nr = all, freed;

	if (shift)
		nr = max_size((all >> shift) / seeks * PAGODA_DEFAULT_SEEKS, 1);
	nr = min_size(nr, all);
	if (!nr)
		return 0;
	count_vm_events(SLABS_SCANNED, nr);
	freed = ops->scan(ops->private_data, nr);
	return freed == PAGODA_SHRINK_STOP ? 0 : freed;
}

/* Return: whether any of them freed anything. */
static bool run_all(unsigned int shift)
{
	struct runner self = { .thread = &thread_word };
	struct shrinker *s = NULL;
	bool freed = false;
	int saved = errno;

	thread_word.in_scan = 1;
	while ((s = advance(s, &self)) != NULL)
		if (run(s->ops, shift))
			freed = true;
	thread_word.in_scan = 0;
	errno = saved;
	return freed;
}

/* Not inside the allocator, nor inside a scan. */
static bool may_run(void)
{
	return load_relaxed(&nr_shrinkers) && !thread_word.depth &&
	       !thread_word.in_scan && !thread_word.in_mm;
}

bool shrink_for_memory(unsigned int *round)
{
	if (!may_run())
		return false;
	while (*round < ROUNDS)
		if (run_all(ROUNDS - 1 - (*round)++))
			return true;
	return false;
}

void shrink_all(void)
{
	if (may_run())
		run_all(0);
}

/* --- register and unregister --- */

/* With the lock held. */
static struct shrinker *find(const struct pagoda_shrinker *ops)
{
	struct list_head *i;

	for (i = shrinkers.next; i != &shrinkers; i = i->next) {
		struct shrinker *s = list_entry(i, struct shrinker, link);

		if (s->ops == ops && !s->dying)
			return s;
	}
	return NULL;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

EXPORT int pagoda_register_shrinker(const struct pagoda_shrinker *ops)
{
	struct shrinker *s;
	bool taken;

	if (!ops || !ops->count || !ops->scan || ops->flags)
		return fail(EINVAL);
	if (thread_word.depth)
		return fail(EDEADLK);
	s = malloc_start() ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return fail(ENOMEM);
	s->ops = ops;
	INIT_LIST_HEAD(&s->runners);
	enter();
	taken = find(ops) != NULL;
	if (!taken) {
		list_add_tail(&s->link, &shrinkers);
		fetch_add_relaxed(&nr_shrinkers, 1);
	}
	leave();
	if (!taken)
		return 0;
	free(s);
	return fail(EEXIST);
}

/* Return: whether it is off the list; if not, @ret_seen is what to wait for. */
static bool try_remove(struct shrinker *s, uint32_t *ret_seen)
{
	bool done;

	enter();
	done = list_empty(&s->runners);
	if (done)
		list_del(&s->link);
	*ret_seen = load_relaxed(&ended);
	leave();
	return done;
}

EXPORT int pagoda_unregister_shrinker(const struct pagoda_shrinker *ops)
{
	struct shrinker *s;
	uint32_t seen;

	/* Two scans that wait for each other's end would wait for ever. */
	if (thread_word.depth || thread_word.in_scan || thread_word.in_mm)
		return fail(EDEADLK);
	if (!load_relaxed(&nr_shrinkers))
		return fail(ENOENT);
	enter();
	s = find(ops);
	if (s) {
		s->dying = true;
		fetch_sub_relaxed(&nr_shrinkers, 1);
	}
	leave();
	if (!s)
		return fail(ENOENT);
	while (!try_remove(s, &seen))
		host_futex_wait(&ended, seen);
	free(s);
	return 0;
}

/* --- fork --- */

static void drop_runners(struct shrinker *s)
{
	struct list_head *i, *next;

	for (i = s->runners.next; i != &s->runners; i = next) {
		next = i->next;
		if (list_entry(i, struct runner, link)->thread != &thread_word)
			list_del(i);
	}
}

void shrinkers_fork_child(void)
{
	struct list_head *i;

	for (i = shrinkers.next; i != &shrinkers; i = i->next)
		drop_runners(list_entry(i, struct shrinker, link));
}
