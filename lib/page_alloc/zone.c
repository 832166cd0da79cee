/* SPDX-License-Identifier: MIT */
/*
 * zone.c - zones: their windows of the span, growth, watermarks.
 *
 * A zone is a window of the span of which the lower part is online. It grows by
 * steps that follow its size (an eighth, 1 to 64 MiB): small programs commit
 * little, large ones make few system calls. Watermarks begin to matter when a
 * zone cannot grow any more: below `min` only GFPF_HIGH may take pages, which
 * keeps a reserve for nested calls; lowmem_reserve keeps what can only come
 * from a lower zone from being eaten by what has a choice.
 *
 * What the zones mean in a process: docs/DESIGN.md.
 */
#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/internal.h"
#include "page_alloc/span.h"

enum {
	GROW_MIN = MiB(1) >> PAGE_SHIFT,
	GROW_MAX = MiB(64) >> PAGE_SHIFT,
	GROW_SHIFT = 3,
	META_STEP = MiB(16) >> PAGE_SHIFT,
	/* A heap of a few pageblocks is not worth keeping types apart. */
	GROUP_FROM = 16 * PAGEBLOCK_PAGES,
	/* From here on what a huge page has too much is little. */
	THP_FROM = MiB(16) >> PAGE_SHIFT,
	WMARK_MAX = 256,
	LOWMEM_RATIO = 32,
};

static const char *const zone_names[NR_ZONES] = {
	"DMA",
	"DMA32",
	"Normal",
	"Movable",
};

static struct zone zones[MAX_NODES][NR_ZONES] SPARSE_TABLE;

struct zone *zone_of(unsigned int node, enum zone_type type)
{
	return &zones[node][type];
}

/* --- windows --- */

static void set_window(struct zone *z, size_t start, size_t limit)
{
	z->start_pfn = start;
	z->online_pfn = start;
	z->meta_pfn = start;
	z->limit_pfn = limit;
	z->huge_pfn = SIZE_MAX;
	z->stat->start_pfn = start;
	z->stat->spanned = limit - start;
}

static void name_zone(unsigned int node, unsigned int type)
{
	struct zone *z = &zones[node][type];

	z->lock.class = LOCK_ZONE;
	z->node = (uint8_t)node;
	z->index = (uint8_t)type;
	z->stat = &control.zones[node][type];
	z->stat->node = node;
	z->stat->zone = type;
	for (size_t i = 0; zone_names[type][i]; i++)
		z->stat->name[i] = zone_names[type][i];
}

/*
 * Fixed windows first; node 0's ZONE_NORMAL gets the rest, which it shares with
 * VMALLOC space. ZONE_DMA32 has no window before it is asked for.
 */
void zones_init(unsigned int nodes)
{
	size_t pages = span.nr_pages;
	bool roomy = span.size >= GiB(16);
	size_t window = align_down(pages / 32, (size_t)1 << MAX_ORDER);
	size_t next = 0;

	for (unsigned int node = 0; node < nodes; node++)
		for (unsigned int type = 0; type < NR_ZONES; type++)
			name_zone(node, type);
	for (unsigned int node = 0; roomy && node < nodes; node++) {
		size_t share = window / nodes;

		share = align_down(share, (size_t)1 << MAX_ORDER);
		set_window(&zones[node][ZONE_DMA], next, next + share);
		next += share;
		set_window(&zones[node][ZONE_MOVABLE], next,
			   next + 4 * share);
		next += 4 * share;
		if (node > 0) {
			set_window(&zones[node][ZONE_NORMAL], next,
				   next + 8 * share);
			next += 8 * share;
		}
	}
	set_window(&zones[0][ZONE_NORMAL], next, pages);
	memmap_claim_up(next);
}

bool zone_open_dma32(void)
{
	struct zone *z = &zones[0][ZONE_DMA32];
	bool open;

	lock_acquire(&z->lock);
	open = z->limit_pfn || memmap_open_low_window();
	if (open && !z->limit_pfn)
		set_window(z, span.nr_pages,
			   span.nr_pages + (span.low_size >> PAGE_SHIFT));
	lock_release(&z->lock);
	return open;
}

static bool is_shared(const struct zone *z)
{
	return z->node == 0 && z->index == ZONE_NORMAL;
}

/* --- watermarks --- */

bool zone_watermark_ok(const struct zone *z, size_t nr, gfp_t gfp,
		       enum zone_type wanted)
{
	uint64_t min = gfp & GFPF_HIGH ? 0 : z->stat->wmark[0];

	return z->stat->free >= nr + min + z->stat->lowmem_reserve[wanted];
}

static void set_watermarks(struct zone *z)
{
	uint64_t min = min_size(z->stat->managed / 256, WMARK_MAX);

	z->stat->wmark[0] = min;
	z->stat->wmark[1] = min + min / 4;
	z->stat->wmark[2] = min + min / 2;
}

/* Each lower zone keeps a share of every higher one's size in reserve. */
static void set_lowmem_reserves(unsigned int node)
{
	for (unsigned int low = 0; low < NR_ZONES; low++) {
		uint64_t above = 0;

		for (unsigned int high = low + 1; high < NR_ZONES; high++) {
			above += zones[node][high].stat->managed;
			zones[node][low].stat->lowmem_reserve[high] =
				above / LOWMEM_RATIO;
		}
	}
}

/* --- growth --- */

/*
 * With thp=auto the kernel makes small pages of a zone, and so does khugepaged
 * leave alone what was purged; huge ones are made by buddy_take().
 */
static void advise_page_size(struct zone *z, size_t from, size_t to)
{
	char *addr = pfn_to_addr(from);
	size_t size = (to - from) << PAGE_SHIFT;

	if (z->index == ZONE_DMA || params.thp == TRI_OFF)
		return;
	if (params.thp == TRI_ON) {
		os_set_thp(addr, size, OS_THP_ON);
	} else if (from - z->start_pfn >= THP_FROM &&
		   os_set_thp(addr, size, OS_THP_OFF) == 0) {
		z->huge_pfn = min_size(z->huge_pfn, from);
	}
}

static void group_pageblocks(struct zone *z, size_t from, size_t to)
{
	enum migratetype mt;

	if (!z->grouped && to - z->start_pfn >= GROUP_FROM) {
		store_relaxed(&z->grouped, true);
		control.pageblock_order = PAGEBLOCK_ORDER;
	}
	mt = z->grouped ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE;
	for (size_t pfn = align_up(from, PAGEBLOCK_PAGES); pfn < to;
	     pfn += PAGEBLOCK_PAGES) {
		store_relaxed(&pfn_to_pageblock(pfn)->migratetype,
			      (uint8_t)mt);
		z->stat->nr_pageblocks[mt]++;
	}
}

static bool bring_online(struct zone *z, size_t to)
{
	size_t from = z->online_pfn;

	if (to > z->limit_pfn || (is_shared(z) && !memmap_claim_up(to)))
		return false;
	if (to > z->meta_pfn) {
		size_t meta = align_up(to - z->start_pfn, META_STEP) +
			      z->start_pfn;

		meta = min_size(meta, z->limit_pfn);
		if (memmap_online(z->meta_pfn, meta) < 0)
			return false;
		z->meta_pfn = meta;
	}
	if (memmap_commit(from, to) < 0)
		return false;
	if (z->index == ZONE_DMA &&
	    os_mlock_onfault(pfn_to_addr(from), (to - from) << PAGE_SHIFT) < 0)
		return false;
	advise_page_size(z, from, to);
	group_pageblocks(z, from, to);
	z->online_pfn = to;
	stat_add(&z->stat->present, (int64_t)(to - from));
	z->stat->managed += to - from;
	memmap_fault_in(from, to);
	buddy_free_range(z, from, to - from);
	return true;
}

/* Tries the step that suits its size, then the least that helps. */
size_t zone_grow(struct zone *z, unsigned int order)
{
	size_t from = z->online_pfn;
	size_t block = (size_t)1 << order;
	size_t need = align_up(z->online_pfn, block) + block;
	size_t step = (z->online_pfn - z->start_pfn) >> GROW_SHIFT;
	size_t to;

	step = min_size(max_size(step, GROW_MIN), GROW_MAX);
	to = align_up(z->online_pfn + step,
		      step < PAGEBLOCK_PAGES ? GROW_MIN : PAGEBLOCK_PAGES);
	to = max_size(to, need);
	if (!bring_online(z, to) && (to == need || !bring_online(z, need)))
		return 0;
	set_watermarks(z);
	set_lowmem_reserves(z->node);
	return z->online_pfn - from;
}

/* --- VMALLOC space grows like a zone, downwards --- */

int span_online(void *addr, size_t nr_pages)
{
	size_t pfn = addr_to_pfn(addr);
	int err = memmap_online(pfn, pfn + nr_pages);

	return err ? err : memmap_commit(pfn, pfn + nr_pages);
}
