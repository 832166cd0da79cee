/* SPDX-License-Identifier: MIT */
/*
 * page_model.h - a reference model of the page layer: an array that says which
 * block owns each page of the span, and a stamp in every page handed out.
 *
 * All functions CHECK() what they do against it: blocks lie in the span, are
 * aligned, overlap nothing, keep their contents, are zero where that was asked
 * for, and the zones' counters add up.
 */
#ifndef PAGODA_TESTS_PAGE_MODEL_H
#define PAGODA_TESTS_PAGE_MODEL_H

#include "unit.h"

#include "page_alloc/internal.h"

enum { MODEL_MAX_BLOCKS = 4096 };

struct model_block {
	struct page *page; /* NULL: this slot is free */
	size_t nr;
	unsigned int order; /* of alloc_pages */
	bool exact;
	uint64_t stamp;
};

struct page_model {
	struct rng rng;
	uint32_t *owner; /* of each pfn: 1 + index in blocks[] */
	size_t nr_pages, live_pages;
	size_t max_pages; /* live at once, about */
	size_t max_nr; /* of one block */
	size_t allocated[MAX_NODES][NR_ZONES], large[MAX_NODES][NR_ZONES];
	size_t nr_refused;
	struct model_block blocks[MODEL_MAX_BLOCKS];
};

/* After core_start(). */
void model_init(struct page_model *m, uint64_t stream, size_t max_pages,
		size_t max_nr);

/* False if the library had no memory. */
bool model_alloc(struct page_model *m, gfp_t gfp, unsigned int order);
bool model_alloc_exact(struct page_model *m, gfp_t gfp, size_t nr,
		       unsigned int align_order);
void model_free(struct page_model *m, struct model_block *b);
void model_free_all(struct page_model *m);
/* False if it could not be done in place. */
bool model_resize(struct page_model *m, struct model_block *b, size_t nr);

/* Some live block; NULL if there is none. */
struct model_block *model_pick(struct page_model *m);

/* One operation by chance, with any gfp flags of @gfps. */
void model_step(struct page_model *m, const gfp_t *gfps, size_t nr_gfps);

/* Lists and counters of all zones. */
void model_validate(const struct page_model *m);

/* Every live block still holds its stamps. */
void model_check_contents(const struct page_model *m);

/*
 * A page whose present bit is clear holds no memory and reads as zero. Expects
 * that transparent huge pages are off (model_init() sees to that).
 */
void model_check_present(const struct page_model *m);

#endif
