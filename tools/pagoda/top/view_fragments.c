/* SPDX-License-Identifier: MIT */
/*
 * view_fragments.c - in which pieces the free memory is, and what that means
 * for a request of each order: the kernel's unusable_index and extfrag_index
 * (/sys/kernel/debug/extfrag).
 */
#include "show.h"
#include "top/views.h"

enum { ZONE, ORDER, SIZE, BLOCKS, FREE, UNUSABLE, EXTFRAG, BAR, NR_COLUMNS };

static const struct column columns[NR_COLUMNS] = {
	[ZONE] = { "ZONE", 9, UNIT_TEXT, .key = 'z', .ascending = true },
	[ORDER] = { "ORDER", 5, UNIT_COUNT, .key = 'o', .ascending = true },
	[SIZE] = { "SIZE", 6, UNIT_BYTES, .extra = true },
	[BLOCKS] = { "BLOCKS", 7, UNIT_COUNT, .key = 'b' },
	[FREE] = { "FREE", 7, UNIT_BYTES, .key = 'f', .extra = true },
	[UNUSABLE] = { "UNUSABLE", 8, UNIT_INDEX, .key = 'u' },
	[EXTFRAG] = { "EXTFRAG", 7, UNIT_INDEX, .key = 'e' },
	[BAR] = { "SHARE", 10, UNIT_BAR, .extra = true },
};

/* The free blocks of a zone, as a request of some order sees them. */
struct fragments {
	uint64_t pages;
	uint64_t blocks;
	uint64_t suitable; /* that many could be cut from them */
};

static void count_fragments(const struct control_zone *z, int order,
			    struct fragments *ret)
{
	struct fragments f = { 0 };

	for (int o = 0; o < NR_PAGE_ORDERS; o++) {
		uint64_t blocks = free_blocks(z, o);

		f.blocks += blocks;
		f.pages += blocks << o;
		if (o >= order)
			f.suitable += blocks << (o - order);
	}
	*ret = f;
}

/* Share of the free pages that are of no use to a request of that order. */
static double unusable_index(const struct fragments *f, int order)
{
	if (!f->pages)
		return 1;
	return (double)proc_less(f->pages, f->suitable << order) /
	       (double)f->pages;
}

/*
 * Why would a request fail? Towards 0: for lack of memory, towards 1: because
 * it is in pieces; -1: it would not fail.
 */
static double extfrag_index(const struct fragments *f, int order)
{
	double requested = (double)(1ull << order);

	if (!f->blocks)
		return 0;
	if (f->suitable)
		return -1;
	return 1 - (1 + (double)f->pages / requested) / (double)f->blocks;
}

static void add_zone(const struct control_block *c,
		     const struct control_zone *z, void *arg)
{
	/* One zone's name for all of its rows. */
	static char names[MAX_NODES][NR_ZONES][ZONE_NAME_LEN];
	char *name = names[z->node % MAX_NODES][z->zone % NR_ZONES];
	struct table *t = arg;

	zone_title(name, z);
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		struct cell *row = table_add(t, t->nr);
		uint64_t blocks = free_blocks(z, order);
		uint64_t size = (uint64_t)c->page_size << order;
		struct fragments f;

		count_fragments(z, order, &f);
		row[ZONE].text = name;
		row[ORDER].number = order;
		row[SIZE].number = (double)size;
		row[BLOCKS].number = (double)blocks;
		row[FREE].number = (double)(blocks * size);
		row[UNUSABLE].number = unusable_index(&f, order);
		row[EXTFRAG].number = extfrag_index(&f, order);
		row[BAR].number =
			f.pages ? (double)(blocks << order) / (double)f.pages :
				  0;
	}
}

static void fill(struct table *t, const struct samples *s)
{
	for_each_zone(&s->now->target.control, add_zone, t);
}

const struct view fragments_view = {
	.name = "Fragmentation",
	.columns = columns,
	.nr_columns = NR_COLUMNS,
	.sorted = ZONE,
	.fill = fill,
};
