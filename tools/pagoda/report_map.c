/* SPDX-License-Identifier: MIT */
/*
 * report_map.c - the memory maps of the page. A page block is an SVG of its own,
 * so that they are as many in a row as there is room for.
 */
#include <inttypes.h>
#include <string.h>

#include "human.h"
#include "picture.h"
#include "report.h"

enum {
	MAPS_AT_MOST = 6,
	CELLS_AT_MOST = 1 << 16, /* of a map */
	BLOCKS_AT_MOST = 1 << 13, /* 16 GiB */
	BLOCKS_LARGE = 64, /* so many are drawn large, ... */
	BLOCKS_SMALL = 512, /* ... and more than so many small */
	BLOCKS_WITH_TEXT = 1024,
};

struct maps {
	const struct recording_map *list[MAPS_AT_MOST];
	size_t nr;
	struct palette palette;
};

static size_t count_blocks(const struct page_states *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_regions; i++)
		nr += page_region_blocks(&s->regions[i]);
	return nr;
}

/* Evenly over the time, the last one in any case. */
static void choose_maps(struct maps *m, const struct recording *r)
{
	uint64_t end = r->maps[r->nr_maps - 1].ms;
	size_t next = 0;

	m->nr = 0;
	for (size_t n = 0; n < MAPS_AT_MOST; n++) {
		uint64_t from = end * n / (MAPS_AT_MOST - 1);

		while (next + 1 < r->nr_maps && r->maps[next].ms < from)
			next++;
		if (next < r->nr_maps)
			m->list[m->nr++] = &r->maps[next++];
	}
}

static const char *cache_name(const void *arg, uint32_t id)
{
	const struct recording *r = arg;

	for (size_t i = r->nr_caches; i-- > 0;)
		if (r->caches[i].id == id)
			return r->caches[i].name;
	return NULL;
}

/* --- one map --- */

static void write_item(FILE *out, unsigned int colour, const char *label,
		       const char *amount)
{
	fprintf(out, "<li><i class=\"c%u\"></i>", colour);
	write_escaped(out, label);
	fprintf(out, " <b>%s</b></li>", amount);
}

static void write_legend(FILE *out, const struct maps *m,
			 const struct page_states *s)
{
	uint64_t amounts[MAX_INKS], types[NR_MIGRATETYPES];

	palette_amounts(&m->palette, s, amounts);
	picture_count_types(s, types);
	fputs("<ul class=\"legend\">", out);
	for (unsigned int i = 0; i < m->palette.nr_inks; i++)
		if (amounts[i])
			write_item(out, COLOUR_INK + i,
				   m->palette.inks[i].label,
				   human_bytes((double)(amounts[i]
							<< PAGE_SHIFT)).text);
	for (int type = 0; type < NR_MIGRATETYPES; type++) {
		char label[64], amount[24];

		snprintf(label, sizeof(label), "edge: %s page block",
			 picture_type_names[type]);
		snprintf(amount, sizeof(amount), "%" PRIu64, types[type]);
		if (types[type])
			write_item(out, COLOUR_TYPE + (unsigned int)type, label,
				   amount);
	}
	fputs("</ul>", out);
}

static void write_region(FILE *out, const struct maps *m,
			 const struct page_region *region, unsigned int scale,
			 size_t nr_blocks)
{
	struct canvas canvas = {
		.ops = &svg_canvas,
		.out = out,
		.palette = &m->palette,
	};
	char text[1024];
	struct tile t;

	picture_describe_region(region, text, sizeof(text));
	fprintf(out, "<h3>%s</h3><p class=\"faint\">from 0x%" PRIx64
		"</p>\n<div class=\"tiles%s\">", text, region->start,
		nr_blocks <= BLOCKS_LARGE ? " large" :
		nr_blocks > BLOCKS_SMALL  ? " small" : "");
	tile_begin(&t, region, &m->palette, scale);
	while (tile_next(&t)) {
		fprintf(out, "<svg class=\"t%c\" viewBox=\"0 0 %" PRIu32
			" %" PRIu32 "\" preserveAspectRatio=\"none\">",
			t.type == PAGE_BLOCK_NO_TYPE ? 'N' : t.type, t.columns,
			t.rows);
		if (nr_blocks <= BLOCKS_WITH_TEXT) {
			tile_describe(&t, text, sizeof(text));
			fputs("<title>", out);
			write_escaped(out, text);
			fputs("</title>", out);
		}
		tile_draw(&t, &canvas, 0, 0, 1);
		fputs("</svg>\n", out);
	}
	fputs("</div>\n", out);
}

static void write_map(FILE *out, const struct maps *m, size_t n)
{
	const struct page_states *s = &m->list[n]->states;
	unsigned int scale = picture_scale(s, CELLS_AT_MOST);
	size_t nr_blocks = count_blocks(s);

	fprintf(out, "<div class=\"map\" id=\"map%zu\">", n);
	write_legend(out, m, s);
	if (nr_blocks > BLOCKS_AT_MOST)
		fputs("<p>It is too large for this page; 'pagoda map' draws "
		      "it.</p>", out);
	else if (scale)
		fprintf(out, "<p class=\"faint\">A cell stands for %u pages, "
			"in the colour of most of them.</p>", 1u << scale);
	for (size_t i = 0; i < s->nr_regions && nr_blocks <= BLOCKS_AT_MOST;
	     i++)
		write_region(out, m, &s->regions[i], scale, nr_blocks);
	fputs("</div>\n", out);
}

/* --- all --- */

/* Buttons that need no script: the chosen one is the last at first. */
static void write_buttons(FILE *out, const struct maps *m)
{
	for (size_t n = 0; n < m->nr; n++)
		fprintf(out, "<input class=\"pick\" type=\"radio\" "
			"name=\"map\" id=\"pick%zu\"%s>", n,
			n + 1 == m->nr ? " checked" : "");
	fputs("\n<div class=\"picks\">", out);
	for (size_t n = 0; n < m->nr && m->nr > 1; n++)
		fprintf(out, "<label for=\"pick%zu\">%s%s</label>", n,
			n ? "after " : "", n ? human_time(m->list[n]->ms).text :
					       "at the start");
	fputs("</div>\n<style>", out);
	for (size_t n = 0; n < m->nr; n++)
		fprintf(out, "#pick%zu:checked~#map%zu{display:block}"
			"#pick%zu:checked~.picks label[for=pick%zu]"
			"{background:var(--ink);color:var(--paper)}"
			"#pick%zu:focus-visible~.picks label[for=pick%zu]"
			"{outline:2px solid var(--s0)}\n", n, n, n, n, n, n);
	canvas_write_colours(out, &m->palette);
	fputs("</style>\n", out);
}

void report_write_maps(struct report *r)
{
	uint64_t counts[NR_STATES] = { 0 };
	struct maps m;

	if (!r->recording->nr_maps)
		return;
	choose_maps(&m, r->recording);
	for (size_t n = 0; n < m.nr; n++)
		page_states_count(&m.list[n]->states, counts);
	palette_choose(&m.palette, counts, cache_name, r->recording);
	fputs("<h2>Memory map</h2>\n<section class=\"card maps\">"
	      "<p class=\"faint\">Every block is 2 MiB of address space, every "
	      "cell in it a page of 4 KiB, in rows of 128 KiB from the upper "
	      "left. Blocks of one colour could be given back or backed by "
	      "huge pages; a block of many is fragmented.</p>\n", r->out);
	write_buttons(r->out, &m);
	for (size_t n = 0; n < m.nr; n++)
		write_map(r->out, &m, n);
	fputs("</section>\n", r->out);
}
