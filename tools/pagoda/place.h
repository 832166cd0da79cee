/* SPDX-License-Identifier: MIT */
/*
 * place.h - what an address of another process is.
 */
#ifndef PAGODA_TOOL_PLACE_H
#define PAGODA_TOOL_PLACE_H

#include "target.h"
#include "page_alloc/page.h"
#include "slab/barn.h"

enum { MAX_DATA_RANGES = 8 };

/* Where things are in the process; found once. */
struct layout {
	struct span span; /* addresses of the process */
	uint64_t boot; /* the boot arena, or 0 */
	struct barn_map barns; /* addresses of the process, or zeros */
	/* The library's variables. */
	struct {
		uint64_t start;
		uint64_t size;
	} data[MAX_DATA_RANGES];
	size_t nr_data;
};

enum place_kind {
	PLACE_OUTSIDE, /* not the library's */
	PLACE_OWN, /* variables and tables of the library */
	PLACE_BOOT, /* in the boot arena */
	PLACE_MMAP, /* a mapping of the program that is looked after */
	PLACE_PAGER, /* a mapping with a pager */
	PLACE_RESERVED, /* in the span, but not ready for use */
	PLACE_FREE, /* a block of free pages */
	PLACE_PCP, /* free pages kept by a CPU */
	PLACE_OBJECT,
	PLACE_GAP, /* in a slab, but in none of its objects */
	PLACE_LARGE,
	PLACE_CACHED, /* a large block that was freed, kept by a CPU or for several */
	PLACE_AREA,
	PLACE_AREA_ROOM, /* behind an area, for it to grow */
	PLACE_AREA_FREE,
	PLACE_CHANGING, /* just now handed out or taken back */
};

enum object_state {
	OBJECT_ALLOCATED,
	OBJECT_MAYBE, /* or free in a barn that was just changing */
	OBJECT_IN_SHEAF,
	OBJECT_IN_BARN,
	OBJECT_IN_SLAB,
};

struct place {
	enum place_kind kind;
	uint64_t start; /* of the object, block, area or run */
	uint64_t size; /* in bytes */
	const struct control_zone *zone; /* or NULL */
	/* Of objects and gaps. */
	const struct control_cache *cache;
	uint64_t slab;
	uint32_t slab_free;
	/* Of objects. */
	uint32_t index;
	enum object_state state;
	uint32_t cpu; /* OBJECT_IN_SHEAF: the CPU slot */
};

/*
 * layout_find() - TARGET_OK, TARGET_NOT_STARTED if the library has no heap yet,
 * or what else is wrong.
 */
enum target_status layout_find(struct target *t, struct layout *ret);

/* Where page number @pfn is. */
uint64_t layout_address(const struct layout *layout, uint64_t pfn);

/* Return: 0 or -errno. */
int place_find(const struct target *t, const struct layout *layout,
	       uint64_t addr, struct place *ret);

#endif
