/* SPDX-License-Identifier: MIT */
/*
 * view_zones.c - what the pages of each zone are used for, and how far what is
 * free lies above the watermarks.
 */
#include <stdio.h>

#include "show.h"
#include "top/views.h"

enum { BAR_MOST = 100 };

void for_each_zone(const struct control_block *c,
		   void (*fn)(const struct control_block *c,
			      const struct control_zone *z, void *arg),
		   void *arg)
{
	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			if (proc_zone_populated(&c->zones[node][zone]))
				fn(c, &c->zones[node][zone], arg);
}

const char *zone_title(char buf[ZONE_NAME_LEN], const struct control_zone *z)
{
	snprintf(buf, ZONE_NAME_LEN, "%u %.8s", z->node, z->name);
	return buf;
}

static int bar_width(const struct output *o)
{
	int left = o->width - o->line.len;

	return left < BAR_MOST ? left : BAR_MOST;
}

/* The state of the watermarks, worst first. */
static void put_state(struct output *o, const struct control_zone *z)
{
	if (z->free < z->wmark[0])
		put(o, STYLE_BAD, "below min");
	else if (z->free < z->wmark[1])
		put(o, STYLE_BAD, "below low");
	else if (z->free < z->wmark[2])
		put(o, STYLE_WARN, "below high");
	else
		put(o, STYLE_GOOD, "above high");
}

static void put_use(struct output *o, const struct control_block *c,
		    const struct control_zone *z)
{
	double all = (double)(z->managed ? z->managed : 1);
	const struct part parts[] = {
		{ (double)z->slab / all, '|', STYLE_USED },
		{ (double)z->large / all, '#', STYLE_LARGE },
		{ (double)z->pcp / all, '+', STYLE_CACHED },
		{ (double)z->free_resident / all, ':', STYLE_KEPT },
	};
	const uint64_t pages[] = { z->slab, z->large, z->pcp, z->free_resident,
				   proc_less(z->free, z->free_resident) };
	static const char *const names[] = { "slabs", "large", "CPUs",
					     "free resident", "free" };
	char buf[NUMBER_LEN];

	put(o, STYLE_PLAIN, "  use  ");
	put_bar(o, bar_width(o), parts, ARRAY_SIZE(parts), "");
	end_line(o);
	put(o, STYLE_PLAIN, "       ");
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (i < ARRAY_SIZE(parts))
			put(o, parts[i].style, "%c ", parts[i].mark);
		put(o, STYLE_PLAIN, "%s %s  ", names[i],
		    format_bytes(buf, pages[i] * c->page_size));
	}
	end_line(o);
}

/* The bar ends at twice the highest mark. */
static void put_marks(struct output *o, const struct control_block *c,
		      const struct control_zone *z)
{
	static const char *const names[] = { "min", "low", "high" };
	double most = 2 * (double)(z->wmark[2] ? z->wmark[2] : 1);
	double share = (double)z->free / most;
	struct part part = { share < 1 ? share : 1, '|',
			     z->free < z->wmark[1] ? STYLE_BAD :
			     z->free < z->wmark[2] ? STYLE_WARN :
						     STYLE_GOOD };
	char buf[NUMBER_LEN];
	int start, width;

	put(o, STYLE_PLAIN, "  free ");
	start = o->line.len + 1;
	width = bar_width(o);
	put_bar(o, width, &part, 1, "");
	for (int i = 0; i < 3; i++) {
		int at =
			start + (int)((double)z->wmark[i] / most * (width - 2));

		if (at < o->line.len) {
			o->line.text[at] = names[i][0];
			o->line.style[at] = STYLE_BOLD;
		}
	}
	end_line(o);
	put(o, STYLE_PLAIN, "       free %s  ",
	    format_bytes(buf, z->free * c->page_size));
	for (int i = 0; i < 3; i++)
		put(o, STYLE_PLAIN, "%s %s  ", names[i],
		    format_bytes(buf, z->wmark[i] * c->page_size));
	put_state(o, z);
	end_line(o);
}

struct zones {
	struct output *output;
	size_t nr;
};

static void show_zone(const struct control_block *c,
		      const struct control_zone *z, void *arg)
{
	char name[ZONE_NAME_LEN], buf[NUMBER_LEN];
	struct zones *zones = arg;
	struct output *o = zones->output;

	if (zones->nr++)
		end_line(o);
	put(o, STYLE_BOLD, "%-12s", zone_title(name, z));
	put(o, STYLE_PLAIN, " %s ready for use",
	    format_bytes(buf, z->managed * c->page_size));
	put(o, STYLE_PLAIN, " of %s",
	    format_bytes(buf, z->spanned * c->page_size));
	end_line(o);
	put_use(o, c, z);
	put_marks(o, c, z);
}

static void show(struct output *o, const struct samples *s)
{
	struct zones zones = { .output = o };

	for_each_zone(&s->now->target.control, show_zone, &zones);
}

const struct view zones_view = {
	.name = "Zones",
	.show = show,
};
