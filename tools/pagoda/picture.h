/* SPDX-License-Identifier: MIT */
/*
 * picture.h - draws the pages of a process, page block by page block.
 *
 * A page block of 2 MiB is a tile of 32 by 16 cells, a page each, in rows from
 * the left. Maps that would be too large have tiles with fewer cells, which
 * stand for several pages and have the colour of most of them.
 */
#ifndef PAGODA_TOOL_PICTURE_H
#define PAGODA_TOOL_PICTURE_H

#include "canvas.h"

/* One page block; tile_next() goes from one to the next of its region. */
struct tile {
	const struct palette *palette;
	const struct page_region *region;
	unsigned int scale; /* 1 << scale pages a cell */
	uint32_t columns;
	uint32_t rows;
	size_t next;	   /* tile of the region */
	size_t run;	   /* that the next page is in, ... */
	uint64_t run_done; /* ... and how many of its pages are behind */
	uint64_t start;	   /* address of its first page of the region */
	char type;
	uint8_t cells[PAGEBLOCK_PAGES]; /* inks, or NO_INK: not of the region */
	uint32_t amounts[MAX_INKS];	/* pages */
};

void tile_begin(struct tile *t, const struct page_region *region,
		const struct palette *palette, unsigned int scale);
/* Return: false behind the last one. */
bool tile_next(struct tile *t);
void tile_draw(const struct tile *t, struct canvas *c, uint32_t x, uint32_t y,
	       uint32_t cell);
/* "0x7f...: 300 pages kmalloc-64, 212 free, resident" */
void tile_describe(const struct tile *t, char *buf, size_t size);

/* Scale at which all tiles have no more cells than @most. */
unsigned int picture_scale(const struct page_states *s, uint64_t most);

/* Page blocks of each migrate type. */
void picture_count_types(const struct page_states *s,
			 uint64_t counts[NR_MIGRATETYPES]);
extern const char *const picture_type_names[NR_MIGRATETYPES];

/* "Normal", or "Normal of node 1"; and how large it is. */
void picture_describe_region(const struct page_region *r, char *buf,
			     size_t size);

/*
 * picture_draw() - the whole picture, with a legend.
 * @lines: NULL-terminated; the first one is the title.
 * Return: false: out of memory, or the output could not be written.
 */
bool picture_draw(struct canvas *c, const struct page_states *s,
		  const char *const *lines);

#endif
