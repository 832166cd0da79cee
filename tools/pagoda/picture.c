/* SPDX-License-Identifier: MIT */
/*
 * picture.c - see picture.h.
 */
#include "picture.h"

#include <inttypes.h>
#include <string.h>

#include "human.h"

enum {
	MARGIN = 24,
	WIDTH = 1360,
	ADDRESS_WIDTH = 160,
	TILES_WIDTH = WIDTH - 2 * MARGIN - ADDRESS_WIDTH,
	TILES_HEIGHT = 1600, /* about: larger ones are scaled down */
	LINE = 24,
	SWATCH = 14,
	LEGEND_COLUMNS = 2,
	LEGEND_WIDTH = (WIDTH - 2 * MARGIN) / LEGEND_COLUMNS,
};

const char *const picture_type_names[NR_MIGRATETYPES] = {
	[MIGRATE_UNMOVABLE] = "unmovable",
	[MIGRATE_MOVABLE] = "movable",
	[MIGRATE_RECLAIMABLE] = "reclaimable",
};

/* --- tiles --- */

void tile_begin(struct tile *t, const struct page_region *region,
		const struct palette *palette, unsigned int scale)
{
	memset(t, 0, sizeof(*t));
	t->palette = palette;
	t->region = region;
	t->scale = scale;
	t->columns = 32 >> (scale + 1) / 2;
	t->rows = 16 >> scale / 2;
}

/* The inks of the tile's pages, each in a cell of its own. */
static void take_pages(struct tile *t)
{
	const struct page_region *r = t->region;
	uint64_t first = t->next ? 0 : r->offset;

	memset(t->cells, NO_INK, sizeof(t->cells));
	memset(t->amounts, 0, sizeof(t->amounts));
	while (first < PAGEBLOCK_PAGES && t->run < r->nr_runs) {
		const struct page_run *run = &r->runs[t->run];
		uint64_t nr = min_size(run->nr - t->run_done,
				       PAGEBLOCK_PAGES - first);
		uint8_t ink = t->palette->ink_of[run->state];

		memset(t->cells + first, ink, nr);
		if (ink != NO_INK)
			t->amounts[ink] += (uint32_t)nr;
		first += nr;
		t->run_done += nr;
		if (t->run_done == run->nr) {
			t->run_done = 0;
			t->run++;
		}
	}
}

/* Return: what most of the cells are; NO_INK only if all are. */
static uint8_t most_frequent(const uint8_t *cells, size_t nr)
{
	size_t counts[MAX_INKS] = { 0 };
	uint8_t best = NO_INK;

	for (size_t i = 0; i < nr; i++) {
		uint8_t ink = cells[i];

		if (ink == NO_INK)
			continue;
		counts[ink]++;
		if (best == NO_INK || counts[ink] > counts[best])
			best = ink;
	}
	return best;
}

bool tile_next(struct tile *t)
{
	const struct page_region *r = t->region;
	size_t per_cell = (size_t)1 << t->scale;

	if (t->next == page_region_blocks(r))
		return false;
	take_pages(t);
	for (size_t i = 0; t->scale && i < PAGEBLOCK_PAGES / per_cell; i++)
		t->cells[i] = most_frequent(t->cells + i * per_cell, per_cell);
	t->start = r->start;
	if (t->next)
		t->start += (t->next * PAGEBLOCK_PAGES - r->offset)
			    << PAGE_SHIFT;
	t->type = r->types ? r->types[t->next] : PAGE_BLOCK_NO_TYPE;
	t->next++;
	return true;
}

/* Cells of one colour from @at on, in its row. */
static uint32_t cells_alike(const struct tile *t, uint32_t at)
{
	uint32_t end = (at / t->columns + 1) * t->columns;
	uint32_t to = at + 1;

	while (to < end && t->cells[to] == t->cells[at])
		to++;
	return to - at;
}

static void draw_ink(const struct tile *t, struct canvas *c, uint8_t ink,
		     uint32_t x, uint32_t y, uint32_t cell)
{
	uint32_t nr = t->columns * t->rows;
	uint32_t run;

	c->ops->begin_path(c, COLOUR_INK + ink);
	for (uint32_t at = 0; at < nr; at += run) {
		uint32_t width, height = 1;

		run = width = cells_alike(t, at);
		if (t->cells[at] != ink)
			continue;
		/* Whole rows are one rectangle. */
		while (width == t->columns && at + run < nr &&
		       t->cells[at + run] == ink &&
		       cells_alike(t, at + run) == t->columns) {
			run += t->columns;
			height++;
		}
		c->ops->rect(c, COLOUR_INK + ink, x + at % t->columns * cell,
			     y + at / t->columns * cell, width * cell,
			     height * cell);
	}
	c->ops->end_path(c);
}

void tile_draw(const struct tile *t, struct canvas *c, uint32_t x, uint32_t y,
	       uint32_t cell)
{
	bool there[MAX_INKS] = { false };

	for (uint32_t i = 0; i < t->columns * t->rows; i++)
		if (t->cells[i] != NO_INK)
			there[t->cells[i]] = true;
	for (uint8_t ink = 0; ink < MAX_INKS; ink++)
		if (there[ink])
			draw_ink(t, c, ink, x, y, cell);
}

static int type_of(const struct tile *t)
{
	for (int type = 0; type < NR_MIGRATETYPES; type++)
		if (page_block_letters[type] == t->type)
			return type;
	return -1;
}

void tile_describe(const struct tile *t, char *buf, size_t size)
{
	int type = type_of(t);
	int len = snprintf(buf, size, "0x%" PRIx64 "%s%s", t->start,
			   type < 0 ? "" : ", ",
			   type < 0 ? "" : picture_type_names[type]);

	for (size_t i = 0; i < MAX_INKS && (size_t)len < size; i++)
		if (t->amounts[i])
			len += snprintf(buf + len, size - (size_t)len,
					"\n%" PRIu32 " pages: %s",
					t->amounts[i],
					t->palette->inks[i].label);
}

/* --- all of them --- */

static uint64_t count_blocks(const struct page_states *s)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < s->nr_regions; i++)
		nr += page_region_blocks(&s->regions[i]);
	return nr;
}

unsigned int picture_scale(const struct page_states *s, uint64_t most)
{
	uint64_t cells = count_blocks(s) * PAGEBLOCK_PAGES;
	unsigned int scale = 0;

	while (scale < PAGEBLOCK_ORDER && cells >> scale > most)
		scale++;
	return scale;
}

void picture_count_types(const struct page_states *s,
			 uint64_t counts[NR_MIGRATETYPES])
{
	memset(counts, 0, NR_MIGRATETYPES * sizeof(counts[0]));
	for (size_t i = 0; i < s->nr_regions; i++) {
		const char *types = s->regions[i].types;

		for (; types && *types; types++)
			for (int type = 0; type < NR_MIGRATETYPES; type++)
				counts[type] += *types ==
						page_block_letters[type];
	}
}

void picture_describe_region(const struct page_region *r, char *buf,
			     size_t size)
{
	struct human bytes = human_bytes((double)(r->nr_pages << PAGE_SHIFT));

	if (r->node)
		snprintf(buf, size, "%s of node %" PRIu32 ": %s", r->name,
			 r->node, bytes.text);
	else
		snprintf(buf, size, "%s: %s", r->name, bytes.text);
}

/* How large everything is. */
struct sizes {
	unsigned int scale;
	uint32_t cell;
	uint32_t tile_width;
	uint32_t tile_height;
	uint32_t gap;
	uint32_t per_row;
	uint32_t height; /* of all tiles */
};

static void size_tiles(const struct page_states *s, unsigned int scale,
		       uint32_t cell, struct sizes *ret)
{
	struct tile t;

	tile_begin(&t, NULL, NULL, scale);
	ret->scale = scale;
	ret->cell = cell;
	ret->tile_width = t.columns * cell;
	ret->tile_height = t.rows * cell;
	ret->gap = (uint32_t)min_size(max_size(ret->tile_width / 8, 2), 8);
	ret->per_row = 1;
	while (2 * ret->per_row * (ret->tile_width + ret->gap) <= TILES_WIDTH)
		ret->per_row *= 2;
	ret->height = 0;
	for (size_t i = 0; i < s->nr_regions; i++) {
		size_t rows = (page_region_blocks(&s->regions[i]) +
			       ret->per_row - 1) /
			      ret->per_row;
		size_t height = rows * (ret->tile_height + ret->gap) + 2 * LINE;

		ret->height = (uint32_t)min_size(ret->height + height,
						 UINT32_MAX / 2);
	}
}

static void choose_sizes(const struct page_states *s, struct sizes *ret)
{
	for (uint32_t cell = 8; cell > 2; cell /= 2) {
		size_tiles(s, 0, cell, ret);
		if (ret->height <= TILES_HEIGHT)
			return;
	}
	for (unsigned int scale = 0; scale <= PAGEBLOCK_ORDER; scale++) {
		size_tiles(s, scale, 2, ret);
		if (ret->height <= TILES_HEIGHT)
			return;
	}
}

static void draw_swatch(struct canvas *c, size_t place, uint32_t y,
			unsigned int colour, const char *label,
			const char *amount)
{
	uint32_t x = MARGIN + (uint32_t)(place % LEGEND_COLUMNS) * LEGEND_WIDTH;

	y += (uint32_t)(place / LEGEND_COLUMNS) * LINE;
	c->ops->rect(c, colour, x, y, SWATCH, SWATCH);
	c->ops->text(c, COLOUR_TEXT, x + SWATCH + 10, y, TEXT_SMALL, false,
		     label);
	c->ops->text(c, COLOUR_FAINT, x + LEGEND_WIDTH - 2 * MARGIN, y,
		     TEXT_SMALL, true, amount);
}

static size_t legend_size(const struct palette *p,
			  const uint64_t types[NR_MIGRATETYPES])
{
	size_t nr = p->nr_inks;

	for (int type = 0; type < NR_MIGRATETYPES; type++)
		nr += types[type] > 0;
	return nr;
}

/* Return: the y below it. */
static uint32_t draw_legend(struct canvas *c, const struct page_states *s,
			    uint32_t y)
{
	const struct palette *p = c->palette;
	uint64_t amounts[MAX_INKS], types[NR_MIGRATETYPES];
	size_t place = 0;

	palette_amounts(p, s, amounts);
	picture_count_types(s, types);
	for (; place < p->nr_inks; place++) {
		double bytes = (double)(amounts[place] << PAGE_SHIFT);

		draw_swatch(c, place, y, COLOUR_INK + (unsigned int)place,
			    p->inks[place].label, human_bytes(bytes).text);
	}
	for (int type = 0; type < NR_MIGRATETYPES; type++) {
		char label[64], amount[32];

		if (!types[type])
			continue;
		snprintf(label, sizeof(label), "bar: %s page block",
			 picture_type_names[type]);
		snprintf(amount, sizeof(amount), "%" PRIu64, types[type]);
		draw_swatch(c, place++, y, COLOUR_TYPE + (unsigned int)type,
			    label, amount);
	}
	return y +
	       (uint32_t)(place + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS * LINE +
	       LINE / 2;
}

static void draw_block(struct canvas *c, const struct tile *t,
		       const struct sizes *sizes, uint32_t x, uint32_t y)
{
	int type = type_of(t);
	char what[1024];

	tile_describe(t, what, sizeof(what));
	c->ops->begin_group(c, what);
	if (type >= 0)
		c->ops->rect(c, COLOUR_TYPE + (unsigned int)type,
			     x - sizes->gap * 5 / 8 - (sizes->gap < 8), y,
			     (sizes->gap + 1) / 2, sizes->tile_height);
	tile_draw(t, c, x, y, sizes->cell);
	c->ops->end_group(c);
}

/* Return: the y below it. */
static uint32_t draw_region(struct canvas *c, const struct page_region *r,
			    const struct sizes *sizes, uint32_t y)
{
	char text[64];
	struct tile t;
	uint32_t place = 0;
	/* Where rows are low, there is no room beside each. */
	uint32_t row = sizes->tile_height + sizes->gap;
	uint32_t every = (LINE + row - 1) / row;

	picture_describe_region(r, text, sizeof(text));
	c->ops->text(c, COLOUR_TEXT, MARGIN, y, TEXT_SMALL, false, text);
	y += LINE;
	tile_begin(&t, r, c->palette, sizes->scale);
	while (tile_next(&t)) {
		uint32_t x = MARGIN + ADDRESS_WIDTH +
			     place * (sizes->tile_width + sizes->gap);

		if (!place && (t.next - 1) / sizes->per_row % every == 0) {
			snprintf(text, sizeof(text), "%" PRIx64, t.start);
			c->ops->text(c, COLOUR_FAINT, MARGIN, y, TEXT_SMALL,
				     false, text);
		}
		draw_block(c, &t, sizes, x, y);
		if (++place == sizes->per_row) {
			place = 0;
			y += row;
		}
	}
	return y + (place ? row : 0) + LINE;
}

bool picture_draw(struct canvas *c, const struct page_states *s,
		  const char *const *lines)
{
	uint64_t types[NR_MIGRATETYPES];
	struct sizes sizes;
	size_t nr_lines = 0;
	char text[128], comment[64];
	uint32_t y = MARGIN;

	choose_sizes(s, &sizes);
	snprintf(comment, sizeof(comment),
		 "cell %" PRIu32 " px, %u pages each; swatch %d px", sizes.cell,
		 1u << sizes.scale, SWATCH);
	picture_count_types(s, types);
	while (lines[nr_lines])
		nr_lines++;
	c->width = WIDTH;
	c->height = 2 * MARGIN + LINE / 2 + sizes.height +
		    LINE * (uint32_t)(nr_lines + 2 +
				      (legend_size(c->palette, types) + 1) / 2);
	if (!c->ops->begin(c, lines[0], comment))
		return false;
	c->ops->text(c, COLOUR_TEXT, MARGIN, y, TEXT_LARGE, false, lines[0]);
	y += LINE + LINE / 2;
	for (size_t i = 1; i < nr_lines; i++, y += LINE)
		c->ops->text(c, COLOUR_FAINT, MARGIN, y, TEXT_SMALL, false,
			     lines[i]);
	if (sizes.scale)
		snprintf(text, sizeof(text),
			 "a block is 2 MiB, a cell %u "
			 "pages of 4 KiB in the colour of most of them",
			 1u << sizes.scale);
	else
		snprintf(text, sizeof(text),
			 "a block is 2 MiB, a cell a page of 4 KiB");
	c->ops->text(c, COLOUR_FAINT, MARGIN, y, TEXT_SMALL, false, text);
	y = draw_legend(c, s, y + LINE + LINE / 2);
	for (size_t i = 0; i < s->nr_regions; i++)
		y = draw_region(c, &s->regions[i], &sizes, y);
	return c->ops->end(c);
}
