/* SPDX-License-Identifier: MIT */
/*
 * reserve.h - the elements that a mempool keeps for bad times: a bounded stack
 * of pointers without locks, so that signal handlers can take and put while the
 * thread they interrupt does the same.
 *
 * A cell holds one element. Every cell is on one of three stacks, or for a moment
 * in the hands of who moves it:
 *
 *	full	its element is there to be taken
 *	empty	an element was taken: the next one that is freed goes here
 *	spare	no part of the reserve now (it shrank, or is about to grow)
 *
 *	cells on full and empty == size of the reserve
 *
 * Cells come in chunks that double, given by the owner, who frees them together
 * with the reserve.
 */
#ifndef PAGODA_SLAB_RESERVE_H
#define PAGODA_SLAB_RESERVE_H

#include "base/atomic.h"
#include "base/compiler.h"

enum {
	RESERVE_CHUNKS = 24,
	RESERVE_FIRST_CHUNK = 16,
	/* All chunks together. */
	RESERVE_MAX = RESERVE_FIRST_CHUNK * ((1 << RESERVE_CHUNKS) - 1),
};

struct reserve_cell {
	void *element; /* Owner: who took the cell off its stack */
	uint32_t next; /* Atomic: base/stack.h */
};

/* All zero: empty, without cells. */
struct reserve {
	uint64_t full, empty, spare; /* Atomic: base/stack.h */
	/* Owner: who adds chunks; one at a time. */
	uint32_t nr_chunks;
	struct reserve_cell *chunks[RESERVE_CHUNKS];
};

/* reserve_take() - an element, or NULL. Any context. */
void *reserve_take(struct reserve *r);

/* reserve_put() - keep @element. Return: false if it is full. Any context. */
bool reserve_put(struct reserve *r, void *element);

/* Would it take one now? A hint. */
static inline bool reserve_has_room(const struct reserve *r)
{
	return (uint32_t)load_relaxed(&r->empty) != 0;
}

/*
 * reserve_chunk_size() - bytes of the next chunk; reserve_add_chunk() makes its
 * cells spare ones. @cells: zeroed.
 */
size_t reserve_chunk_size(const struct reserve *r);
void reserve_add_chunk(struct reserve *r, struct reserve_cell *cells);

/*
 * reserve_grow() - one element more: a spare cell becomes a full one. Return:
 * false if there is no spare cell.
 * reserve_shrink() - one less: an empty cell becomes a spare one, or else a full
 * one. @ret_element: what was in it, or NULL. Return: false if there is none.
 */
bool reserve_grow(struct reserve *r, void *element);
bool reserve_shrink(struct reserve *r, void **ret_element);

#endif
