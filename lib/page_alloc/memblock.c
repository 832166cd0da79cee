/* SPDX-License-Identifier: MIT */
/*
 * memblock.c - the boot arena: a static bump allocator.
 *
 * Serves allocations before the allocator is up (the loader's, while libc has
 * no environment yet) and nested ones that find every other way locked. Each
 * block is preceded by 16 bytes with its size. The one store that matters, the
 * bump of `used`, is a compare-and-swap, so it works in every context; only the
 * block on top can be taken back. Memory is zero: it is handed out once, and
 * what is taken back is cleared.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/vmstat.h"
#include "page_alloc/page_alloc.h"

enum { BOOT_ARENA_SIZE = 256 * 1024, BOOT_HEADER = 16 };

static char arena[BOOT_ARENA_SIZE] SPARSE_TABLE;

bool memblock_owns(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena < sizeof(arena);
}

void *memblock_arena(size_t *ret_size)
{
	*ret_size = sizeof(arena);
	return arena;
}

static size_t *header_of(const void *p)
{
	return (size_t *)((uintptr_t)p - BOOT_HEADER);
}

size_t memblock_usable_size(const void *p)
{
	return *header_of(p);
}

void *memblock_alloc(size_t size, size_t align)
{
	uint64_t used = load_acquire(&control.boot_used);
	uintptr_t start;
	uint64_t end;

	if (size > sizeof(arena) || align > sizeof(arena))
		return NULL;
	align = max_size(align, BOOT_HEADER);
	size = align_up(size ? size : 1, BOOT_HEADER);
	do {
		start = align_up((uintptr_t)arena + used + BOOT_HEADER, align);
		end = start + size - (uintptr_t)arena;
		if (end > sizeof(arena))
			return NULL;
		/* Pairs with the one in memblock_free(): it cleared the block. */
	} while (!cas_weak_acq_rel(&control.boot_used, &used, end));
	store_relaxed(&control.boot_size, sizeof(arena));
	*header_of((void *)start) = size;
	count_vm_event(BOOT_ALLOC);
	return (void *)start;
}

void memblock_free(void *p)
{
	size_t size = memblock_usable_size(p);
	uint64_t end = (uint64_t)((char *)p - arena) + size;
	uint64_t start = end - size - BOOT_HEADER;

	/* Cleared first: after the swap it may be someone else's. */
	if (load_relaxed(&control.boot_used) != end)
		return;
	memset(p, 0, size);
	*header_of(p) = 0;
	cas_release(&control.boot_used, &end, start);
}
