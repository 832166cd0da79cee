/* SPDX-License-Identifier: MIT */
/*
 * fork.c - the child of a fork must find the allocator in a consistent state
 * whatever other threads of the parent were doing.
 *
 * prepare: take the lock of the vm_areas, then close the gate, so that no slow
 *          path is under way and no other lock is held; stop the sheaves, so
 *          that no restartable sequence is under way (a copy of memory taken
 *          while one runs might hold its last store and not the one before).
 * parent, child: start the sheaves, open the gate.
 *
 * Registered by the constructor, before the program can register its own, so
 * prepare runs last and the others first. A fork inside one of our slow paths
 * (from a signal handler) cannot wait for itself: it does nothing.
 */
#include <pthread.h>

#include "base/control.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "percpu/gate.h"
#include "percpu/percpu.h"
#include "vma/map.h"
#include "vma/mapping.h"

/* Owner: the thread that forks, which holds the gate. */
static bool stopped;
static bool mm_held;

static void prepare(void)
{
	if (thread_word.depth)
		return;
	/* A copy of it would be no cheaper than new memory. */
	mapping_trim();
	mm_held = mm_fork_prepare();
	gate_close();
	thread_word.forking = 1;
	stopped = percpu_stop();
}

static void resume(void (*open)(void), void (*mm_resume)(void))
{
	if (!thread_word.forking)
		return;
	if (stopped)
		percpu_start();
	thread_word.forking = 0;
	open();
	if (mm_held)
		mm_resume();
}

static void parent(void)
{
	resume(gate_open, mm_fork_parent);
}

static void child(void)
{
	control.pid = os_getpid();
	if (thread_word.forking)
		shrinkers_fork_child();
	resume(gate_open_in_child, mm_fork_child);
}

void fork_init(void)
{
	pthread_atfork(prepare, parent, child);
}
