/* SPDX-License-Identifier: MIT */
/*
 * page_states.c - see page_states.h. Goes from the first page of one block to
 * that of the next in mem_map[] of the process, and reads no part of it that
 * the library did not touch either: to look at memory makes page tables for it.
 */
#include "page_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* struct pages on a page of mem_map[] */
enum { WINDOW = PAGE_SIZE / sizeof(struct page) };

/* Longer lists are of a process that is damaged. */
#define RUNS_AT_MOST MiB(64)

const char *const page_state_names[NR_FIXED_STATES] = {
	[STATE_CHANGING] = "changing",
	[STATE_FREE_RESIDENT] = "free, resident",
	[STATE_FREE_RETURNED] = "free, given back",
	[STATE_PCP] = "free, kept by a CPU",
	[STATE_LARGE] = "large blocks",
	[STATE_LARGE_CACHED] = "large blocks kept by a CPU",
	[STATE_AREA] = "vmalloc areas",
	[STATE_AREA_ROOM] = "room of vmalloc areas",
	[STATE_AREA_UNPURGED] = "free vmalloc space, resident",
	[STATE_AREA_RETURNED] = "free vmalloc space, given back",
	[STATE_SLAB_HOLLOW] = "slabs' free pages, given back",
};

const char page_block_letters[NR_MIGRATETYPES + 1] = {
	[MIGRATE_UNMOVABLE] = 'U',
	[MIGRATE_MOVABLE] = 'M',
	[MIGRATE_RECLAIMABLE] = 'R',
};

struct reader {
	const struct target *target;
	const struct layout *layout;
	struct page_region *region;
	uint64_t end;	     /* of the region: page number */
	uint64_t window_at; /* its address in the process */
	struct page window[WINDOW];
	uint64_t block_nr; /* of block; ~0: none was read */
	struct pageblock block;
};

bool page_region_add(struct page_region *r, uint32_t state, uint64_t nr)
{
	struct page_run *last = r->nr_runs ? &r->runs[r->nr_runs - 1] : NULL;

	if (!nr)
		return true;
	if (nr > UINT32_MAX || r->nr_pages + nr > UINT32_MAX)
		return false;
	r->nr_pages += nr;
	if (last && last->state == state) {
		last->nr += (uint32_t)nr;
		return true;
	}
	if (r->nr_runs == r->room) {
		size_t room = max_size(2 * r->room, 256);
		struct page_run *runs = NULL;

		if (room <= RUNS_AT_MOST)
			runs = reallocarray(r->runs, room, sizeof(*runs));
		if (!runs)
			return false;
		r->runs = runs;
		r->room = room;
	}
	r->runs[r->nr_runs++] = (struct page_run){ state, (uint32_t)nr };
	return true;
}

size_t page_region_blocks(const struct page_region *r)
{
	return (r->offset + r->nr_pages + PAGEBLOCK_PAGES - 1) /
	       PAGEBLOCK_PAGES;
}

void page_states_free(struct page_states *s)
{
	for (size_t i = 0; i < s->nr_regions; i++) {
		free(s->regions[i].runs);
		free(s->regions[i].types);
	}
	memset(s, 0, sizeof(*s));
}

/* --- single pages --- */

static int read_page(struct reader *r, uint64_t pfn, struct page *ret)
{
	uint64_t addr = (uintptr_t)(r->layout->span.mem_map + pfn);
	uint64_t start = align_down(addr, PAGE_SIZE);

	if (r->window_at != start) {
		int err = memory_read(&r->target->memory, start, r->window,
				      sizeof(r->window));

		if (err)
			return err;
		r->window_at = start;
	}
	*ret = r->window[(addr - start) / sizeof(*ret)];
	return 0;
}

static int read_block(struct reader *r, uint64_t nr, struct pageblock *ret)
{
	uint64_t blocks = (uintptr_t)r->layout->span.pageblocks;

	return memory_read(&r->target->memory, blocks + nr * sizeof(*ret), ret,
			   sizeof(*ret));
}

static int add(struct reader *r, uint32_t state, uint64_t nr)
{
	return page_region_add(r->region, state, nr) ? 0 : -ENOMEM;
}

/* Free pages of a zone: which of them hold memory? */
static int add_free(struct reader *r, uint64_t pfn, uint64_t nr)
{
	for (uint64_t end = pfn + nr; pfn < end; pfn++) {
		uint64_t bit = pfn % PAGEBLOCK_PAGES;
		bool resident;
		int err = 0;

		if (r->block_nr != pfn >> PAGEBLOCK_ORDER) {
			r->block_nr = pfn >> PAGEBLOCK_ORDER;
			err = read_block(r, r->block_nr, &r->block);
		}
		resident = r->block.present[bit / 64] >> (bit % 64) & 1;
		if (!err)
			err = add(r,
				  resident ? STATE_FREE_RESIDENT :
					     STATE_FREE_RETURNED,
				  1);
		if (err)
			return err;
	}
	return 0;
}

/* A slab of @nr pages: 32 at most, unless the process is damaged. */
static int add_slab(struct reader *r, const struct page *slab, uint64_t nr)
{
	int err = 0;

	if (!slab->cache) /* 0 is no cache */
		return add(r, STATE_CHANGING, nr);
	for (uint64_t i = 0; i < nr && !err; i++)
		err = add(r,
			  i < 32 && slab->holes >> i & 1 ?
				  STATE_SLAB_HOLLOW :
				  STATE_SLAB + slab->cache,
			  1);
	return err;
}

/* --- blocks --- */

/* The block that starts at @pfn. *ret_nr: its pages. */
static int add_block(struct reader *r, uint64_t pfn, uint64_t *ret_nr)
{
	uint64_t left = r->end - pfn;
	uint64_t in_order, in_block;
	struct page page;
	int err = read_page(r, pfn, &page);

	if (err)
		return err;
	in_order = page.order <= MAX_ORDER ? 1ull << page.order : 1;
	in_order = min_size(in_order, left);
	in_block = min_size(max_size(page.nr_pages, 1), left);
	*ret_nr = in_order;
	switch ((enum page_type)page.type) {
	case PAGE_BUDDY:
	case PAGE_ISOLATED:
		return add_free(r, pfn, in_order);
	case PAGE_PCP:
		return add(r, STATE_PCP, in_order);
	case PAGE_SLAB:
		return add_slab(r, &page, in_order);
	case PAGE_LARGE:
	case PAGE_CACHED:
		*ret_nr = in_block;
		return add(r,
			   page.type == PAGE_LARGE ? STATE_LARGE :
						     STATE_LARGE_CACHED,
			   in_block);
	case PAGE_ALLOC:
		return add(r, STATE_CHANGING, in_order);
	case PAGE_NONE:
	case PAGE_VMALLOC:
	case PAGE_VFREE:
	case PAGE_VTAIL:
		break;
	}
	*ret_nr = 1;
	return add(r, STATE_CHANGING, 1);
}

/* The same in VMALLOC space. */
static int add_extent(struct reader *r, uint64_t pfn, uint64_t *ret_nr)
{
	uint64_t left = r->end - pfn;
	uint64_t nr;
	struct page page;
	int err = read_page(r, pfn, &page);

	if (err)
		return err;
	nr = min_size(max_size(page.nr_pages, 1), left);
	*ret_nr = nr;
	if (page.type == PAGE_VFREE)
		return add(r,
			   page.cold ? STATE_AREA_RETURNED :
				       STATE_AREA_UNPURGED,
			   nr);
	if (page.type != PAGE_VMALLOC) {
		*ret_nr = 1;
		return add(r, STATE_CHANGING, 1);
	}
	*ret_nr = min_size(max_size(page.room, nr), left);
	err = add(r, STATE_AREA, nr);
	return err ? err : add(r, STATE_AREA_ROOM, *ret_nr - nr);
}

/* --- regions --- */

static int add_blocks(struct reader *r, uint64_t start,
		      int (*add_one)(struct reader *r, uint64_t pfn,
				     uint64_t *ret_nr))
{
	uint64_t nr;

	for (uint64_t pfn = start; pfn < r->end; pfn += nr) {
		int err = add_one(r, pfn, &nr);

		if (err)
			return err;
	}
	return 0;
}

static int add_types(struct reader *r, uint64_t start)
{
	size_t nr = page_region_blocks(r->region);
	char *types = calloc(1, nr + 1);

	r->region->types = types;
	if (!types)
		return -ENOMEM;
	memset(types, PAGE_BLOCK_NO_TYPE, nr);
	for (size_t i = 0; i < nr && r->target->control.pageblock_order; i++) {
		struct pageblock block;
		int err = read_block(r, (start >> PAGEBLOCK_ORDER) + i, &block);

		if (err)
			return err;
		if (block.migratetype < NR_MIGRATETYPES)
			types[i] = page_block_letters[block.migratetype];
	}
	return 0;
}

static struct page_region *begin_region(struct page_states *s,
					const struct layout *layout,
					uint64_t start, const char *name,
					uint32_t node)
{
	struct page_region *region = &s->regions[s->nr_regions++];

	snprintf(region->name, sizeof(region->name), "%.8s", name);
	region->node = node;
	region->start = layout_address(layout, start);
	region->offset = start % PAGEBLOCK_PAGES;
	return region;
}

static int read_zone(const struct target *t, const struct layout *layout,
		     const struct control_zone *z, struct page_states *s)
{
	struct reader r = {
		.target = t,
		.layout = layout,
		.region =
			begin_region(s, layout, z->start_pfn, z->name, z->node),
		.end = z->start_pfn + z->present,
		.block_nr = UINT64_MAX,
	};
	int err = add_blocks(&r, z->start_pfn, add_block);

	return err ? err : add_types(&r, z->start_pfn);
}

static int read_areas(const struct target *t, const struct layout *layout,
		      struct page_states *s)
{
	uint64_t end = layout->span.nr_pages;
	uint64_t start =
		end - min_size(t->control.vmalloc.online >> PAGE_SHIFT, end);
	struct reader r = {
		.target = t,
		.layout = layout,
		.end = end,
	};

	if (start == end)
		return 0;
	r.region = begin_region(s, layout, start, "VMALLOC", 0);
	return add_blocks(&r, start, add_extent);
}

static int read_regions(const struct target *t, const struct layout *layout,
			struct page_states *s)
{
	const struct control_block *c = &t->control;
	uint64_t most = (layout->span.size + layout->span.low_size) >>
			PAGE_SHIFT;

	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++) {
			const struct control_zone *z = &c->zones[node][zone];
			int err;

			if (!proc_zone_populated(z))
				continue;
			if (z->start_pfn > most ||
			    z->present > most - z->start_pfn)
				return -EBADMSG;
			err = read_zone(t, layout, z, s);
			if (err)
				return err;
		}
	return read_areas(t, layout, s);
}

enum target_status page_states_read(struct target *t, struct page_states *ret)
{
	struct layout layout;
	enum target_status status = layout_find(t, &layout);
	int err;

	memset(ret, 0, sizeof(*ret));
	if (status != TARGET_OK)
		return status;
	err = read_regions(t, &layout, ret);
	if (err == -EBADMSG)
		return TARGET_DAMAGED;
	return err ? target_status_of(t, -err) : TARGET_OK;
}
