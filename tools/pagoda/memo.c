/* SPDX-License-Identifier: MIT */
/*
 * memo.c - see memo.h. Two processes may share an entry, and forget what was
 * known of each other: a look costs more then.
 *
 * A place needs no care, since who reads there sees whether it is still right.
 * That a process is foreign becomes true only a moment after its program was
 * started, when the loader has mapped the libraries. It may be a long moment, in
 * a debugger, so it is not believed for ever.
 */
#include "memo.h"

#include <pthread.h>

#include "clock.h"

enum {
	NR_ENTRIES = 16384,
	STARTED_AFTER_MS = 1000,
	BELIEVED_FOR_MS = 30000,
};

struct entry {
	pid_t pid;
	uint64_t place; /* 0: foreign */
	uint64_t image;
	int64_t first_ms; /* when that image was seen to be foreign ... */
	int64_t last_ms; /* ... for the first and for the last time */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entries[NR_ENTRIES]; /* Lock: lock */

static struct entry recall(pid_t pid)
{
	struct entry e;

	pthread_mutex_lock(&lock);
	e = entries[pid % NR_ENTRIES];
	pthread_mutex_unlock(&lock);
	return e.pid == pid ? e : (struct entry){ 0 };
}

static void keep(const struct entry *e)
{
	pthread_mutex_lock(&lock);
	entries[e->pid % NR_ENTRIES] = *e;
	pthread_mutex_unlock(&lock);
}

uint64_t memo_place(pid_t pid)
{
	return recall(pid).place;
}

void memo_set_place(pid_t pid, uint64_t address)
{
	keep(&(struct entry){ .pid = pid, .place = address });
}

static bool is_foreign_image(const struct entry *e, uint64_t image)
{
	return e->pid && !e->place && e->image == image;
}

bool memo_is_foreign(pid_t pid, uint64_t image)
{
	struct entry e = recall(pid);

	return is_foreign_image(&e, image) &&
	       e.last_ms - e.first_ms >= STARTED_AFTER_MS &&
	       (int64_t)now_ms() - e.last_ms < BELIEVED_FOR_MS;
}

void memo_set_foreign(pid_t pid, uint64_t image)
{
	struct entry e = recall(pid);
	int64_t now = (int64_t)now_ms();

	if (!is_foreign_image(&e, image))
		e = (struct entry){ .pid = pid, .image = image, .first_ms = now };
	e.last_ms = now;
	keep(&e);
}
