/* SPDX-License-Identifier: MIT */
/*
 * present.c - a bit for each page: may it hold memory (and old data)?
 *
 * Set when a page is handed out, cleared when it was given back to the kernel.
 * So a clear bit means "reads as zero and costs no memory", which lets calloc
 * skip it and lets the buddy prefer pages that need no page fault.
 * Lock: the zone's, for all pages of a pageblock.
 */
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"

struct word_run {
	uint64_t *word;
	uint64_t mask;
	size_t next_pfn;
};

/* The bits of @pfn and up to @end that lie in one word. */
static struct word_run word_at(size_t pfn, size_t end)
{
	size_t bit = pfn % 64;
	size_t n = min_size(64 - bit, end - pfn);
	uint64_t ones = n == 64 ? ~0ull : (1ull << n) - 1;

	return (struct word_run){
		.word = &pfn_to_pageblock(pfn)
				 ->present[pfn % PAGEBLOCK_PAGES / 64],
		.mask = ones << bit,
		.next_pfn = pfn + n,
	};
}

size_t present_count(size_t pfn, size_t nr)
{
	size_t end = pfn + nr;
	size_t count = 0;

	while (pfn < end) {
		struct word_run r = word_at(pfn, end);
		uint64_t bits = *r.word & r.mask;

		/* Mostly all or none; counting bits is a call on old CPUs. */
		if (bits == r.mask)
			count += r.next_pfn - pfn;
		else if (bits)
			count += (size_t)__builtin_popcountll(bits);
		pfn = r.next_pfn;
	}
	return count;
}

bool present_hand_out(size_t pfn, size_t nr)
{
	/* For ahead.c, which does nothing elsewhere. */
	bool fresh = faults_are_dear() && !present_count(pfn, nr);

	present_set(pfn, nr);
	return fresh;
}

void present_set(size_t pfn, size_t nr)
{
	size_t end = pfn + nr;

	while (pfn < end) {
		struct word_run r = word_at(pfn, end);

		*r.word |= r.mask;
		pfn = r.next_pfn;
	}
}

void present_clear(size_t pfn, size_t nr)
{
	size_t end = pfn + nr;

	while (pfn < end) {
		struct word_run r = word_at(pfn, end);

		*r.word &= ~r.mask;
		pfn = r.next_pfn;
	}
}

void present_copy(size_t pfn, size_t nr, uint64_t *bits)
{
	for (size_t i = 0; i < nr; i++) {
		struct word_run r = word_at(pfn + i, pfn + i + 1);

		if (i % 64 == 0)
			bits[i / 64] = 0;
		if (*r.word & r.mask)
			bits[i / 64] |= 1ull << (i % 64);
	}
}
