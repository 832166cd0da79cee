/* SPDX-License-Identifier: MIT */
/*
 * memmap.c - the reserved span and its side tables.
 *
 * Two reservations: the span (no access) and the tables (readable, so that
 * page_class[] of an address that was never used reads as zero without costing
 * memory). Parts become writable by mprotect in steps; neighbouring steps merge
 * into one kernel mapping, and strict overcommit is charged only for them.
 *
 * The upper part of the span is shared: node 0's ZONE_NORMAL grows up, VMALLOC
 * space grows down; their claims keep them apart.
 */
#include <errno.h>

#include "base/format.h"
#include "base/params.h"
#include "base/probe.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/faultin.h"
#include "page_alloc/internal.h"
#include "page_alloc/span.h"

struct span span;

/* Address space below 4 GiB is scarce, and other things live there. */
enum { LOW_WINDOW = MiB(256) };

/*
 * mem_map[] begins so many struct pages into its first page. Blocks of pages are
 * written to at the start of their pages first of all, and a load waits for
 * earlier stores to the same offset of other pages: the struct page of an aligned
 * block would be at offset 0, too. Those of a block of STRIP_ORDER are still the
 * only ones in all but the first page of its mem_map.
 */
enum { MEM_MAP_OFFSET = 1 };

/* Pages of it made at once: those of the largest block. */
enum { MEM_MAP_AHEAD = sizeof(struct page) << MAX_ORDER >> PAGE_SHIFT };

/*
 * How far the two have come, as pfns: down << 32 | up. One word, so that a
 * claim is a compare-and-swap: a nested call may claim at any moment. Atomic
 */
static uint64_t claims;

static uint64_t make_claims(size_t up, size_t down)
{
	return (uint64_t)down << 32 | up;
}

/* --- reservation --- */

static size_t wanted_size(void)
{
	size_t size = params.span ? MiB(params.span) : 16 * os_total_ram();
	size_t left = os_address_space_left();

	if (!params.span) {
		size = max_size(size, GiB(64));
		size = min_size(size, GiB(4096));
	}
	/* The program needs room for its own mappings and stacks. */
	if (left != SIZE_MAX)
		size = min_size(size, left / 4 * 3);
	return align_down(size, MiB(4));
}

static size_t mem_map_size(size_t nr_pages)
{
	return align_up((MEM_MAP_OFFSET + nr_pages) * sizeof(struct page),
			PAGE_SIZE);
}

static size_t tables_size(size_t nr_pages)
{
	size_t blocks = nr_pages / PAGEBLOCK_PAGES + 1;

	return mem_map_size(nr_pages) + align_up(nr_pages, PAGE_SIZE) +
	       align_up(blocks * sizeof(struct pageblock), PAGE_SIZE);
}

static size_t low_window; /* bytes the tables have room for. Const after init */

static bool try_reserve(size_t size)
{
	size_t align = (size_t)PAGE_SIZE << MAX_ORDER;
	char *tables, *mem;
	size_t nr_pages;

	/* Not where its tables would be felt. */
	low_window = os_address_space_left() == SIZE_MAX ? LOW_WINDOW : 0;
	nr_pages = (size + low_window) >> PAGE_SHIFT;
	mem = os_reserve(size + align, false);
	if (!mem)
		return false;
	tables = os_reserve(tables_size(nr_pages), true);
	if (!tables) {
		os_release(mem, size + align);
		return false;
	}
	span.base = align_up((uintptr_t)mem, align);
	span.size = size;
	span.nr_pages = size >> PAGE_SHIFT;
	span.mem_map = (struct page *)tables + MEM_MAP_OFFSET;
	tables += mem_map_size(nr_pages);
	span.page_class = (uint8_t *)tables;
	tables += align_up(nr_pages, PAGE_SIZE);
	span.pageblocks = (struct pageblock *)tables;
	return true;
}

int memmap_init(void)
{
	size_t size = wanted_size();
	char text[32];

	while (!try_reserve(size)) {
		size = align_down(size / 2, MiB(4));
		if (size < MiB(4))
			return -ENOMEM;
	}
	claims = make_claims(0, span.nr_pages);
	control.span_base = span.base;
	control.span_bytes = span.size;
	fmt_snprintf(text, sizeof(text), "%lu MiB", span.size >> 20);
	control_set_mode(MODE_SPAN, text, "");
	return 0;
}

bool memmap_open_low_window(void)
{
	size_t align = (size_t)PAGE_SIZE << MAX_ORDER;
	char *mem = low_window ? os_reserve_low(low_window + align) : NULL;

	if (!mem)
		return false;
	span.low_base = align_up((uintptr_t)mem, align);
	control.low_base = span.low_base;
	store_release(&span.low_size, low_window);
	return true;
}

/* --- claims --- */

bool memmap_claim_up(size_t to_pfn)
{
	uint64_t old = load_relaxed(&claims);
	size_t up, down;

	do {
		up = max_size((uint32_t)old, to_pfn);
		down = old >> 32;
		if (up > down)
			return false;
	} while (!cas_relaxed(&claims, &old, make_claims(up, down)));
	return true;
}

void *span_claim_down(size_t nr_pages)
{
	uint64_t old = load_relaxed(&claims);
	size_t up, down;

	do {
		up = (uint32_t)old;
		down = old >> 32;
		/* Not pfn 0, which vmalloc takes for "none". */
		if (nr_pages >= down - up)
			return NULL;
		down -= nr_pages;
	} while (!cas_relaxed(&claims, &old, make_claims(up, down)));
	return pfn_to_addr(down);
}

void span_unclaim_down(size_t nr_pages)
{
	fetch_add_relaxed(&claims, (uint64_t)nr_pages << 32);
}

/* --- online --- */

static int commit_table(void *from, void *to)
{
	uintptr_t start = align_down((uintptr_t)from, PAGE_SIZE);
	uintptr_t end = align_up((uintptr_t)to, PAGE_SIZE);
	int err = os_commit((void *)start, end - start);

	if (!err)
		fetch_add_relaxed(&control.metadata_bytes, end - start);
	return err;
}

int memmap_online(size_t from_pfn, size_t to_pfn)
{
	int err = commit_table(span.mem_map + from_pfn, span.mem_map + to_pfn);

	if (!err)
		err = commit_table(span.page_class + from_pfn,
				   span.page_class + to_pfn);
	if (!err)
		err = commit_table(pfn_to_pageblock(from_pfn),
				   pfn_to_pageblock(to_pfn - 1) + 1);
	return err;
}

void memmap_strip(struct page *first, unsigned int order)
{
	size_t size = sizeof(struct page) << order;

	_Static_assert((sizeof(struct page) << STRIP_ORDER) % PAGE_SIZE == 0,
		       "the mem_map of such a block is whole pages");
	count_vm_event(PURGE_CALLS);
	/* What the kernel does not take (locked memory) just stays. */
	(void)!os_purge((char *)(first - MEM_MAP_OFFSET) + PAGE_SIZE,
			size - PAGE_SIZE);
}

void memmap_fault_in(size_t from_pfn, size_t to_pfn)
{
	char *from = (char *)align_up((uintptr_t)pfn_to_page(from_pfn), PAGE_SIZE);
	char *to = (char *)align_down((uintptr_t)pfn_to_page(to_pfn), PAGE_SIZE);
	size_t nr = from < to ? (size_t)(to - from) >> PAGE_SHIFT : 0;

	if (nr > 1 && faults_are_dear())
		faultin(from, min_size(nr, MEM_MAP_AHEAD), 0);
}

int memmap_commit(size_t from_pfn, size_t to_pfn)
{
	void *addr = pfn_to_addr(from_pfn);
	size_t size = (to_pfn - from_pfn) << PAGE_SHIFT;
	int err = os_commit(addr, size);

	PROBE(arena_online, addr, size, err);
	count_vm_event(err ? ARENA_FAIL : ARENA_ONLINE);
	return err;
}
