/* SPDX-License-Identifier: MIT */
/* page_model.c - see page_model.h. */
#include "page_model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "percpu/thread.h"

/* More than the window of ZONE_DMA32 has. */
enum { LOW_PAGES = GiB(1) >> PAGE_SHIFT };

void model_init(struct page_model *m, uint64_t stream, size_t max_pages,
		size_t max_nr)
{
	memset(m, 0, sizeof(*m));
	m->rng = rng_seeded(stream);
	/* The low window's pages are numbered behind those of the span. */
	m->nr_pages = span.nr_pages + LOW_PAGES;
	m->max_pages = max_pages;
	m->max_nr = max_nr;
	m->owner = calloc(m->nr_pages, sizeof(*m->owner));
	CHECK(m->owner);
	/* A huge page would make pages resident that nobody touched. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* --- stamps: the first and the last word of every page --- */

static uint64_t *page_words(size_t pfn)
{
	return pfn_to_addr(pfn);
}

enum { LAST_WORD = PAGE_SIZE / sizeof(uint64_t) - 1 };

static void stamp_pages(const struct model_block *b, size_t from, size_t to)
{
	size_t pfn = page_to_pfn(b->page);

	for (size_t i = from; i < to; i++) {
		page_words(pfn + i)[0] = b->stamp + i;
		page_words(pfn + i)[LAST_WORD] = ~(b->stamp + i);
	}
}

static void check_stamps(const struct model_block *b, size_t nr)
{
	size_t pfn = page_to_pfn(b->page);

	for (size_t i = 0; i < nr; i++) {
		CHECK(page_words(pfn + i)[0] == b->stamp + i);
		CHECK(page_words(pfn + i)[LAST_WORD] == ~(b->stamp + i));
	}
}

static void check_zero(size_t pfn, size_t nr)
{
	const char *p = pfn_to_addr(pfn);

	CHECK(*p == 0 && !memcmp(p, p + 1, (nr << PAGE_SHIFT) - 1));
}

/* --- who owns what --- */

static void own(struct page_model *m, const struct model_block *b, size_t from,
		size_t to)
{
	uint32_t id = (uint32_t)(b - m->blocks) + 1;
	size_t pfn = page_to_pfn(b->page);

	CHECK(pfn + to <= m->nr_pages);
	for (size_t i = from; i < to; i++) {
		CHECK(m->owner[pfn + i] == 0);
		m->owner[pfn + i] = id;
	}
	m->live_pages += to - from;
	m->allocated[b->page->node][b->page->zone] += to - from;
	if (b->exact)
		m->large[b->page->node][b->page->zone] += to - from;
}

static void disown(struct page_model *m, const struct model_block *b,
		   size_t from, size_t to)
{
	uint32_t id = (uint32_t)(b - m->blocks) + 1;
	size_t pfn = page_to_pfn(b->page);

	for (size_t i = from; i < to; i++) {
		CHECK(m->owner[pfn + i] == id);
		m->owner[pfn + i] = 0;
	}
	m->live_pages -= to - from;
	m->allocated[b->page->node][b->page->zone] -= to - from;
	if (b->exact)
		m->large[b->page->node][b->page->zone] -= to - from;
}

static struct model_block *free_slot(struct page_model *m)
{
	size_t start = rng_below(&m->rng, MODEL_MAX_BLOCKS);

	for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++) {
		struct model_block *b =
			&m->blocks[(start + i) % MODEL_MAX_BLOCKS];

		if (!b->page)
			return b;
	}
	return NULL;
}

struct model_block *model_pick(struct page_model *m)
{
	size_t start = rng_below(&m->rng, MODEL_MAX_BLOCKS);

	for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++) {
		struct model_block *b =
			&m->blocks[(start + i) % MODEL_MAX_BLOCKS];

		if (b->page)
			return b;
	}
	return NULL;
}

/* --- zones --- */

static void check_zone(const struct page *page, gfp_t gfp)
{
	if (gfp & GFPF_DMA)
		CHECK(page->zone == ZONE_DMA);
	else if (gfp & GFPF_DMA32)
		CHECK(page->zone == ZONE_DMA32);
	else if (gfp & GFPF_HIGHMEM)
		CHECK(page->zone != ZONE_DMA);
	else
		CHECK(page->zone == ZONE_NORMAL || page->zone == ZONE_DMA32);
	if (page->zone == ZONE_DMA32)
		CHECK((uintptr_t)page_address(page) >> 32 == 0);
	CHECK(is_managed(page_address(page)));
	CHECK(virt_to_page(page_address(page)) == page);
	CHECK(page->node < nr_nodes());
	CHECK(page_to_pfn(page) >= page_zone(page)->start_pfn);
	CHECK(page_to_pfn(page) < page_zone(page)->online_pfn);
}

/* --- operations --- */

static void adopt(struct page_model *m, struct model_block *b,
		  struct page *page, size_t nr, gfp_t gfp)
{
	b->page = page;
	b->nr = nr;
	b->stamp = rng_next(&m->rng);
	check_zone(page, gfp);
	own(m, b, 0, nr);
	if (gfp & GFPF_ZERO)
		check_zero(page_to_pfn(page), nr);
	stamp_pages(b, 0, nr);
}

bool model_alloc(struct page_model *m, gfp_t gfp, unsigned int order)
{
	struct model_block *b = free_slot(m);
	struct page *page;

	if (!b)
		return false;
	page = alloc_pages(gfp, order);
	if (!page) {
		m->nr_refused++;
		return false;
	}
	CHECK(page->type == PAGE_ALLOC && page->order == order);
	CHECK(page_to_pfn(page) % (1ul << order) == 0);
	b->exact = false;
	b->order = order;
	/* GFPF_ZERO is alloc_pages_exact()'s. */
	adopt(m, b, page, (size_t)1 << order, gfp & ~(gfp_t)GFPF_ZERO);
	return true;
}

bool model_alloc_exact(struct page_model *m, gfp_t gfp, size_t nr,
		       unsigned int align_order)
{
	struct model_block *b = free_slot(m);
	struct page *page;
	void *p;

	if (!b)
		return false;
	p = alloc_pages_exact(nr, align_order, gfp);
	if (!p) {
		m->nr_refused++;
		return false;
	}
	page = virt_to_page(p);
	CHECK(page->type == PAGE_LARGE && page->nr_pages == nr);
	CHECK(page_to_pfn(page) % (1ul << align_order) == 0);
	CHECK((uintptr_t)p % ((size_t)PAGE_SIZE << align_order) == 0);
	b->exact = true;
	adopt(m, b, page, nr, gfp);
	return true;
}

void model_free(struct page_model *m, struct model_block *b)
{
	struct page *page = b->page;

	check_stamps(b, b->nr);
	disown(m, b, 0, b->nr);
	b->page = NULL;
	if (b->exact)
		CHECK(free_pages_exact(page, true));
	else
		CHECK(free_pages(page, b->order, true));
}

void model_free_all(struct page_model *m)
{
	for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++)
		if (m->blocks[i].page)
			model_free(m, &m->blocks[i]);
	CHECK(m->live_pages == 0);
}

bool model_resize(struct page_model *m, struct model_block *b, size_t nr)
{
	size_t old = b->nr;

	CHECK(b->exact);
	if (!resize_pages_exact(b->page, nr, true)) {
		/* Shrinking always works, growing changes all or nothing. */
		CHECK(nr > old && b->page->nr_pages == old);
		check_stamps(b, old);
		return false;
	}
	CHECK(b->page->nr_pages == nr && b->page->type == PAGE_LARGE);
	if (nr < old)
		disown(m, b, nr, old);
	else
		own(m, b, old, nr);
	check_stamps(b, nr < old ? nr : old);
	b->nr = nr;
	if (nr > old)
		stamp_pages(b, old, nr);
	return true;
}

static void alloc_something(struct page_model *m, gfp_t gfp)
{
	size_t orders = ilog2(m->max_nr) + 1;

	if (rng_below(&m->rng, 2))
		model_alloc(m, gfp,
			    (unsigned int)min_size(rng_below(&m->rng, orders),
						   rng_below(&m->rng, orders)));
	else
		model_alloc_exact(m, gfp, rng_log(&m->rng, m->max_nr),
				  (unsigned int)(rng_below(&m->rng, 4) ?
					 0 : rng_below(&m->rng, orders)));
}

void model_step(struct page_model *m, const gfp_t *gfps, size_t nr_gfps)
{
	gfp_t gfp = gfps[rng_below(&m->rng, nr_gfps)];
	struct model_block *b = model_pick(m);

	/* Another CPU's page lists; with fake nodes, another node. */
	if (rng_below(&m->rng, 8) == 0)
		thread_word.stripe = (uint16_t)rng_below(&m->rng, 5);
	if (rng_below(&m->rng, 3) == 0)
		gfp |= GFPF_ZERO;
	switch (rng_below(&m->rng, 64)) {
	case 0:
		page_alloc_decay(1);
		break;
	case 1:
		page_alloc_trim();
		break;
	case 2 ... 35:
		if (m->live_pages < m->max_pages) {
			alloc_something(m, gfp);
			break;
		}
		/* fallthrough */
	case 36 ... 55:
		if (b)
			model_free(m, b);
		break;
	default:
		if (b && b->exact)
			model_resize(m, b, rng_log(&m->rng, m->max_nr));
		break;
	}
}

/* --- checking --- */

void model_validate(const struct page_model *m)
{
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++) {
			struct zone *z = zone_of(n, (enum zone_type)t);

			if (!z->limit_pfn)
				continue;
			lock_acquire(&z->lock);
			buddy_validate(z);
			CHECK(z->stat->present ==
			      z->online_pfn - z->start_pfn);
			CHECK(z->stat->present == z->stat->free +
				      z->stat->pcp + m->allocated[n][t]);
			CHECK(z->stat->large == m->large[n][t]);
			lock_release(&z->lock);
		}
}

void model_check_contents(const struct page_model *m)
{
	for (size_t i = 0; i < MODEL_MAX_BLOCKS; i++)
		if (m->blocks[i].page)
			check_stamps(&m->blocks[i], m->blocks[i].nr);
}

/* [pfn, pfn + nr) is neither owned nor present. */
static void check_absent(size_t pfn, size_t nr)
{
	static unsigned char resident[1 << 18];
	char *addr = pfn_to_addr(pfn);

	CHECK(nr <= sizeof(resident));
	CHECK(!mincore(addr, nr << PAGE_SHIFT, resident));
	for (size_t i = 0; i < nr; i++)
		CHECK(!(resident[i] & 1));
	check_zero(pfn, nr);
	/* Reading made it resident (the kernel's zero page). */
	CHECK(!madvise(addr, nr << PAGE_SHIFT, MADV_DONTNEED));
}

static bool is_absent(const struct page_model *m, size_t pfn)
{
	if (present_count(pfn, 1))
		return false;
	CHECK(!m->owner[pfn]);
	return true;
}

static void check_zone_present(const struct page_model *m,
			       const struct zone *z)
{
	for (size_t pfn = z->start_pfn; pfn < z->online_pfn; pfn++) {
		size_t end = pfn;

		while (end < z->online_pfn && is_absent(m, end))
			end++;
		if (end > pfn)
			check_absent(pfn, end - pfn);
		pfn = end;
	}
}

void model_check_present(const struct page_model *m)
{
	for (unsigned int n = 0; n < nr_nodes(); n++)
		for (unsigned int t = 0; t < NR_ZONES; t++) {
			struct zone *z = zone_of(n, (enum zone_type)t);

			/* Locked memory is resident whatever we know. */
			if (z->limit_pfn && t != ZONE_DMA)
				check_zone_present(m, z);
		}
}
