/* SPDX-License-Identifier: MIT */
/* reserve.c - see reserve.h. */
#include "slab/reserve.h"

#include "base/stack.h"

/* Cell number i is index i + 1, since 0 is none. */
static struct reserve_cell *cell_at(struct reserve *r, uint32_t index)
{
	/* Chunk k has 16 << k cells, and 16 * (2^k - 1) lie before it. */
	uint32_t at = index - 1 + RESERVE_FIRST_CHUNK;
	unsigned int chunk = ilog2(at / RESERVE_FIRST_CHUNK);

	return &r->chunks[chunk][at - ((uint32_t)RESERVE_FIRST_CHUNK << chunk)];
}

static ALWAYS_INLINE uint32_t *next_of(void *r, uint32_t index)
{
	return &cell_at(r, index)->next;
}

static void push(struct reserve *r, uint64_t *stack, uint32_t index)
{
	stack_push(stack, index, &cell_at(r, index)->next);
}

static uint32_t pop(struct reserve *r, uint64_t *stack)
{
	return stack_pop(stack, next_of, r);
}

/* Take a cell off @from, set its element, put it on @to. */
static bool fill_cell(struct reserve *r, uint64_t *from, uint64_t *to,
		      void *element)
{
	uint32_t index = pop(r, from);

	if (!index)
		return false;
	cell_at(r, index)->element = element;
	push(r, to, index);
	return true;
}

static bool empty_cell(struct reserve *r, uint64_t *from, uint64_t *to,
		       void **ret_element)
{
	uint32_t index = pop(r, from);

	if (!index)
		return false;
	*ret_element = cell_at(r, index)->element;
	push(r, to, index);
	return true;
}

void *reserve_take(struct reserve *r)
{
	void *element;

	return empty_cell(r, &r->full, &r->empty, &element) ? element : NULL;
}

bool reserve_put(struct reserve *r, void *element)
{
	return fill_cell(r, &r->empty, &r->full, element);
}

bool reserve_grow(struct reserve *r, void *element)
{
	return fill_cell(r, &r->spare, &r->full, element);
}

bool reserve_shrink(struct reserve *r, void **ret_element)
{
	if (fill_cell(r, &r->empty, &r->spare, NULL)) {
		*ret_element = NULL;
		return true;
	}
	return empty_cell(r, &r->full, &r->spare, ret_element);
}

static uint32_t chunk_cells(const struct reserve *r)
{
	return (uint32_t)RESERVE_FIRST_CHUNK << r->nr_chunks;
}

size_t reserve_chunk_size(const struct reserve *r)
{
	return chunk_cells(r) * sizeof(struct reserve_cell);
}

void reserve_add_chunk(struct reserve *r, struct reserve_cell *cells)
{
	uint32_t nr = chunk_cells(r);
	/* As many cells as this chunk has lie before it, less the first 16. */
	uint32_t first = nr - RESERVE_FIRST_CHUNK + 1;

	r->chunks[r->nr_chunks++] = cells;
	for (uint32_t i = 0; i < nr; i++)
		push(r, &r->spare, first + i);
}
