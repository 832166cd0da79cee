/* SPDX-License-Identifier: MIT */
/*
 * layout.c - finds the library's tables in another process.
 *
 * The control block says where the span is, but not where its tables are. They
 * are in `span`, which is known among the library's data by its first three
 * words: base, size and number of pages; `barn_map` by its magic. The boot arena
 * is known by its blocks: headers with sizes that lead from one to the next and
 * end where the control block says it is used up to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

enum { BOOT_HEADER = 16 };

struct hunt {
	const struct target *target;
	struct layout *layout;
	int error; /* -errno */
};

static bool is_span(const struct control_block *c, const struct span *s)
{
	return s->base == c->span_base && s->size == c->span_bytes &&
	       s->nr_pages == c->span_bytes >> PAGE_SHIFT && s->mem_map &&
	       s->page_class;
}

static void look_for_span(struct hunt *h, const char *data, size_t len)
{
	struct span s;

	for (size_t at = 0; at + sizeof(s) <= len; at += sizeof(uint64_t)) {
		memcpy(&s, data + at, sizeof(s));
		if (is_span(&h->target->control, &s)) {
			h->layout->span = s;
			return;
		}
	}
}

static void look_for_barns(struct hunt *h, const char *data, size_t len)
{
	struct barn_map *map = &h->layout->barns;

	for (size_t at = 0; at + sizeof(*map) <= len; at += sizeof(uint64_t))
		if (!memcmp(data + at, BARN_MAGIC, sizeof(map->magic))) {
			memcpy(map, data + at, sizeof(*map));
			return;
		}
}

static uint64_t word_at(const char *data, size_t at)
{
	uint64_t word;

	memcpy(&word, data + at, sizeof(word));
	return word;
}

/* Do blocks lead from the start of @data to exactly @used? */
static bool is_boot_arena(const char *data, size_t used)
{
	size_t at = 0;

	if (!word_at(data, 0))
		return false;
	while (at + BOOT_HEADER <= used) {
		uint64_t size = word_at(data, at);

		/* Zero: skipped, to align the block behind it. */
		if (size % BOOT_HEADER || word_at(data, at + 8) ||
		    size > used - at - BOOT_HEADER)
			return false;
		at += BOOT_HEADER + size;
		if (at == used)
			return size != 0;
	}
	return false;
}

static void look_for_boot(struct hunt *h, uint64_t start, const char *data,
			  size_t len)
{
	uint64_t used = h->target->control.boot_used;
	uint64_t size = h->target->control.boot_size;

	if (!used || used > size || used % BOOT_HEADER)
		return;
	for (size_t at = 0; at + size <= len; at += PAGE_SIZE)
		if (is_boot_arena(data + at, used)) {
			h->layout->boot = start + at;
			return;
		}
}

static void note_data(struct layout *l, uint64_t start, uint64_t size)
{
	if (l->nr_data == ARRAY_SIZE(l->data))
		return;
	l->data[l->nr_data].start = start;
	l->data[l->nr_data++].size = size;
}

static bool search_data(const struct memory *m, uint64_t start, uint64_t end,
			void *arg)
{
	struct hunt *h = arg;
	size_t len = end - start;
	char *data = calloc(1, len);

	if (!data) {
		h->error = -ENOMEM;
		return false;
	}
	note_data(h->layout, start, len);
	h->error = memory_read_pieces(m, start, PAGE_SIZE, PAGE_SIZE,
				      len / PAGE_SIZE, data);
	if (!h->error && !h->layout->span.base)
		look_for_span(h, data, len);
	if (!h->error && !h->layout->barns.full)
		look_for_barns(h, data, len);
	if (!h->error && !h->layout->boot)
		look_for_boot(h, start, data, len);
	free(data);
	return !h->error;
}

enum target_status layout_find(struct target *t, struct layout *ret)
{
	struct hunt h = { .target = t, .layout = ret };
	int err;

	memset(ret, 0, sizeof(*ret));
	if (!t->control.span_bytes)
		return TARGET_NOT_STARTED;
	/* The tables' layout is part of no interface. */
	if (strcmp(t->control.version_string, PAGODA_VERSION))
		return TARGET_OTHER_VERSION;
	err = target_for_each_data(t, search_data, &h);
	if (!err)
		err = h.error;
	if (err)
		return target_status_of(t, -err);
	return ret->span.base ? TARGET_OK : TARGET_DAMAGED;
}

uint64_t layout_address(const struct layout *layout, uint64_t pfn)
{
	const struct span *there = &layout->span;

	if (pfn < there->nr_pages)
		return there->base + (pfn << PAGE_SHIFT);
	return there->low_base + ((pfn - there->nr_pages) << PAGE_SHIFT);
}
