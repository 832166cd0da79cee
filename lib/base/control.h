/* SPDX-License-Identifier: MIT */
/*
 * control.h - the control block: everything that is shown, in one place.
 *
 * One contiguous, pointer-free, versioned object in the library's data. The
 * allocator updates it in place; the renderers in lib/proc read it inside the
 * process, and the pagoda tool reads it from outside with process_vm_readv, so
 * a running, stopped or hung process (or a core file) is read without its help.
 * It starts on a page boundary with CONTROL_MAGIC; addresses in it are numbers
 * of the owning process.
 *
 * Only one thing lives elsewhere: the sheaf headers, because the fast path
 * addresses them by CPU. `percpu` says where they are (see percpu/percpu.h).
 *
 * Locks: a field is written under the lock of the structure it describes, or
 * atomically where it says so. A reader takes no lock: single values are never
 * torn, sums over several may be off by what is in flight.
 */
#ifndef PAGODA_BASE_CONTROL_H
#define PAGODA_BASE_CONTROL_H

#include "base/atomic.h"
#include "base/compiler.h"

#define CONTROL_MAGIC "pagoda control\n" /* 16 bytes with its NUL */
#define CONTROL_VERSION 6

#define NR_PAGE_ORDERS 11
#define PAGEBLOCK_ORDER 9
#define MAX_NODES 8
#define NR_CLASSES 256 /* ids in page_class[]: 0 none, 255 "ask struct page" */
#define CACHE_NAME_LEN 32
#define MODE_LEN 96
#define EVENT_STRIPES 8
#define NR_VMAP_GROUPS 8
#define NR_AREA_RECORDS 1024 /* in each table */

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, NR_ZONES };

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	NR_MIGRATETYPES
};

enum vm_event {
#define VM_EVENT(id, name, doc) id,
#include "base/vmstat.def"
#undef VM_EVENT
	NR_VM_EVENTS
};

/* A stripe of counters begins with a line of its own. */
enum { EVENTS_ALIGNED = (NR_VM_EVENTS + 7) / 8 * 8 };

enum control_mode {
#define CONTROL_MODE(id, name, doc) id,
#include "base/modes.def"
#undef CONTROL_MODE
	NR_CONTROL_MODES
};

/* All page counts are in pages of `page_size` bytes. Lock: zone->lock. */
struct control_zone {
	char name[8];
	uint32_t node;
	uint32_t zone; /* enum zone_type */
	uint64_t start_pfn;
	uint64_t spanned; /* pages the zone may ever hold */
	uint64_t present; /* pages brought online */
	uint64_t managed; /* present less what the zone itself uses */
	uint64_t free;
	uint64_t free_resident; /* of free: may be backed by memory */
	uint64_t pcp; /* on per-CPU page lists: not in `free`. Atomic */
	uint64_t slab; /* pages in slabs */
	uint64_t slab_hollow; /* of slab: hold no memory. Atomic */
	uint64_t large; /* pages handed out as page blocks */
	uint64_t wmark[3]; /* min, low, high */
	uint64_t lowmem_reserve[NR_ZONES];
	uint64_t nr_free[NR_MIGRATETYPES][NR_PAGE_ORDERS]; /* blocks */
	uint64_t nr_pageblocks[NR_MIGRATETYPES];
};

/* Counters are atomic: one set serves all nodes, in one line. */
struct control_cache {
	char name[CACHE_NAME_LEN]; /* "" = slot not in use */
	uint32_t object_size; /* asked for */
	uint32_t size; /* with padding */
	uint32_t objs_per_slab; /* 0: a cache of page blocks, without slabs */
	uint32_t slab_order;
	uint32_t sheaf_limit; /* objects: most a CPU's sheaf may hold */
	uint32_t batch; /* objects moved in one exchange */
	uint64_t nr_slabs CACHELINE_ALIGNED;
	uint64_t nr_empty_slabs; /* of nr_slabs: no object handed out */
	uint64_t nr_free; /* objects free in slabs */
	uint64_t nr_barn; /* objects in full sheaves in the barn */
	uint64_t refills; /* sheaf found empty */
	uint64_t flushes; /* sheaf found full */
	uint64_t grown; /* slabs made */
	uint64_t reaped; /* slabs given back */
};

/* A group's part of VMALLOC space, in bytes. Lock: the group's. Atomic */
struct control_vmap_group {
	uint64_t used; /* in live areas */
	uint64_t nr_areas;
	uint64_t unpurged; /* in freed areas that still hold memory */
} CACHELINE_ALIGNED;

/* All of it, in bytes. Lock: that of the space. */
struct control_vmalloc {
	uint64_t start;
	uint64_t end;
	uint64_t online; /* readable and writable so far. Atomic */
	uint64_t largest_free;
	struct control_vmap_group groups[NR_VMAP_GROUPS];
};

/*
 * Where the sheaf headers are: for cpu slot i < nr and class c < NR_CLASSES,
 * the 8 bytes at base + i * stride + c * 8 are union sheaf_header: a uint32_t
 * `cur`, then a uint16_t `begin`; cur - begin objects are cached there. All
 * zero for a CPU or class never used.
 */
struct control_percpu {
	uint64_t base;
	uint64_t stride;
	uint32_t nr; /* slots that may be in use */
	uint32_t online; /* slots that have been used. Atomic */
};

/* Tables of records, and the locks under which they come and go. */
enum control_area_table {
	AREAS_VMALLOC, /* a group's lock */
	AREAS_UNPURGED, /* a group's lock; apart, for there may be many */
	AREAS_MM, /* mm lock */
	NR_AREA_TABLES
};

enum control_area_kind {
	AREA_NONE,
	AREA_VMALLOC, /* an area of VMALLOC space */
	AREA_UNPURGED, /* a free extent there that still holds memory */
	AREA_PAGER, /* a mapping with a pager */
	AREA_MMAP, /* a mapping of the program that is looked after */
	NR_AREA_KINDS
};

enum { AREA_READ = 1, AREA_WRITE = 2 };

/* Sizes are in bytes. How it is read and written: base/area.h. Atomic */
struct control_area {
	uint32_t seq; /* odd: being changed */
	uint8_t kind; /* enum control_area_kind */
	uint8_t prot; /* AREA_READ, AREA_WRITE */
	uint16_t pieces; /* VMALLOC: kernel mappings of its own */
	uint64_t start;
	uint64_t size; /* VMALLOC: with the room to grow */
	uint64_t used; /* VMALLOC: of that. NONE: next free slot */
	union {
		uint64_t moved; /* VMALLOC: in pieces */
		uint64_t offset; /* PAGER: in its mapping */
	};
	uint64_t pager; /* PAGER: address of its operations */
	uint64_t faults; /* PAGER: answered */
	uint64_t filled; /* PAGER: asked for in answer to them */
};

_Static_assert(sizeof(struct control_area) == 64, "one cache line each");

/* Atomic. */
struct control_area_head {
	uint32_t nr; /* records that may be in use, the first ones */
	uint32_t lost; /* areas that have no record */
};

struct control_block {
	char magic[16];
	uint32_t version;
	uint32_t size; /* sizeof(struct control_block) */
	uint32_t page_size;
	uint32_t nr_nodes;
	uint32_t pageblock_order; /* 0: blocks not grouped by mobility yet */
	uint32_t nr_cpus;
	uint64_t pid; /* updated in a forked child */
	uint64_t span_base;
	uint64_t span_bytes;
	uint64_t low_base; /* of the window for ZONE_DMA32; 0: not open */
	uint64_t metadata_bytes; /* brought online for the allocator itself */
	uint64_t boot_used; /* bytes used of the boot arena. Atomic */
	uint64_t boot_size;
	char version_string[32];
	/* Per mode: "value" NUL "reason" NUL; all zero = not decided yet. */
	char modes[NR_CONTROL_MODES][MODE_LEN];
	struct control_percpu percpu;
	struct control_vmalloc vmalloc;
	struct control_area_head area_heads[NR_AREA_TABLES];
	/* Atomic; the sum over the stripes is the event's count. */
	uint64_t events[EVENT_STRIPES][EVENTS_ALIGNED] CACHELINE_ALIGNED;
	struct control_cache caches[NR_CLASSES];
	struct control_zone zones[MAX_NODES][NR_ZONES];
	/* The last member: a reader leaves out what was never used. */
	struct control_area areas[NR_AREA_TABLES][NR_AREA_RECORDS]
		__attribute__((aligned(4096)));
};

extern struct control_block control INTERNAL;

static inline struct control_vmap_group
control_vmalloc_sum(const struct control_vmalloc *v)
{
	struct control_vmap_group sum = { 0 };

	for (int i = 0; i < NR_VMAP_GROUPS; i++) {
		sum.used += load_relaxed(&v->groups[i].used);
		sum.nr_areas += load_relaxed(&v->groups[i].nr_areas);
		sum.unpurged += load_relaxed(&v->groups[i].unpurged);
	}
	return sum;
}

/* Make the block recognisable. Called once, by start-up. */
void control_init(void);

/*
 * control_set_mode() - say which way a mode was decided, and why.
 * @reason: may be "". Both are cut to fit.
 * Context: any; for a mode there is one caller at a time, or all say the same. Who reads
 * it meanwhile may see some of what it was before.
 */
void control_set_mode(enum control_mode mode, const char *value,
		      const char *reason);

#endif
