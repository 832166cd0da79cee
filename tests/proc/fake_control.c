/* SPDX-License-Identifier: MIT */
/*
 * fake_control.c - see fake_control.h. What tests/proc/golden shows is this.
 *
 * Two nodes. In each zone managed = free + pcp + slab + large, free is the sum
 * of the free blocks, and the slabs of all caches are the zones' slab pages.
 */
#include "fake_control.h"

#include <string.h>
#include <unistd.h>

static void fill_head(struct control_block *c)
{
	memcpy(c->magic, CONTROL_MAGIC, sizeof(c->magic));
	c->version = CONTROL_VERSION;
	c->size = sizeof(*c);
	c->page_size = 4096;
	c->nr_nodes = 2;
	c->pageblock_order = PAGEBLOCK_ORDER;
	c->nr_cpus = 2;
	c->pid = (uint64_t)getpid();
	c->span_base = 0x7f0000000000;
	c->span_bytes = (uint64_t)GiB(128);
	c->metadata_bytes = 300 * 1024;
	c->boot_used = 12345;
	c->boot_size = 65536;
	strcpy(c->version_string, "1.2.3-fake");
}

static void fill_mode(struct control_block *c, enum control_mode mode,
		      const char *value, const char *reason)
{
	strcpy(c->modes[mode], value);
	strcpy(c->modes[mode] + strlen(value) + 1, reason);
}

static void fill_modes(struct control_block *c)
{
	fill_mode(c, MODE_ACTIVE, "default", "");
	fill_mode(c, MODE_PERCPU, "rseq", "glibc's area");
	fill_mode(c, MODE_CPUID, "mm_cid", "");
	fill_mode(c, MODE_THP, "off", "small heap");
	fill_mode(c, MODE_PAGESIZE, "4096", "");
}

static struct control_zone *fill_zone(struct control_block *c, uint32_t node,
				      enum zone_type type, const char *name)
{
	struct control_zone *z = &c->zones[node][type];

	strcpy(z->name, name);
	z->node = node;
	z->zone = type;
	return z;
}

static void fill_zones(struct control_block *c)
{
	struct control_zone *z;

	fill_zone(c, 0, ZONE_DMA, "DMA")->spanned = 4096;
	fill_zone(c, 0, ZONE_MOVABLE, "Movable");

	z = fill_zone(c, 0, ZONE_NORMAL, "Normal");
	z->start_pfn = 4096;
	z->spanned = 1 << 20;
	z->present = z->managed = 16384;
	z->nr_free[MIGRATE_UNMOVABLE][0] = 3;
	z->nr_free[MIGRATE_UNMOVABLE][1] = 2;
	z->nr_free[MIGRATE_UNMOVABLE][4] = 1;
	z->nr_free[MIGRATE_MOVABLE][10] = 12;
	z->nr_free[MIGRATE_RECLAIMABLE][2] = 5;
	z->free = 23 + 12288 + 20;
	z->free_resident = 500;
	z->pcp = 40;
	z->slab = 200;
	z->slab_hollow = 3;
	z->large = 3813;
	z->wmark[0] = 64;
	z->wmark[1] = 80;
	z->wmark[2] = 96;
	z->lowmem_reserve[ZONE_MOVABLE] = 128;
	z->nr_pageblocks[MIGRATE_UNMOVABLE] = 6;
	z->nr_pageblocks[MIGRATE_MOVABLE] = 25;
	z->nr_pageblocks[MIGRATE_RECLAIMABLE] = 1;

	z = fill_zone(c, 1, ZONE_NORMAL, "Normal");
	z->start_pfn = 1 << 24;
	z->spanned = 1 << 20;
	z->present = 1030;
	z->managed = 1024;
	z->nr_free[MIGRATE_UNMOVABLE][8] = 1;
	z->nr_free[MIGRATE_UNMOVABLE][9] = 1;
	z->free = 768;
	z->free_resident = 768;
	z->pcp = 8;
	z->slab = 36;
	z->slab_hollow = 5;
	z->large = 212;
	z->nr_pageblocks[MIGRATE_UNMOVABLE] = 2;
}

static void fill_vmalloc(struct control_block *c)
{
	c->vmalloc = (struct control_vmalloc){
		.start = 0x7f1000000000,
		.end = 0x7f2000000000,
		.online = MiB(32),
		.largest_free = GiB(60),
		/* Of two groups of CPUs. */
		.groups = {
			{ .used = MiB(15), .nr_areas = 1, .unpurged = MiB(1) },
			[5] = { .used = MiB(5), .nr_areas = 2,
				.unpurged = MiB(3) },
		},
	};
}

static void fill_area(struct control_block *c, enum control_area_table table,
		      struct control_area area)
{
	area.seq = 2;
	c->areas[table][c->area_heads[table].nr++] = area;
}

/* In no order, with free records between them. */
static void fill_areas(struct control_block *c)
{
	fill_area(c, AREAS_VMALLOC, (struct control_area){
		.kind = AREA_VMALLOC, .prot = AREA_READ | AREA_WRITE,
		.start = 0x7f1fff400000, .size = MiB(12), .used = MiB(8) + 4096,
	});
	fill_area(c, AREAS_VMALLOC, (struct control_area){ .used = 1 });
	fill_area(c, AREAS_UNPURGED, (struct control_area){
		.kind = AREA_UNPURGED, .prot = AREA_READ | AREA_WRITE,
		.start = 0x7f1fff000000, .size = MiB(4),
	});
	fill_area(c, AREAS_VMALLOC, (struct control_area){
		.kind = AREA_VMALLOC, .prot = AREA_READ | AREA_WRITE,
		.start = 0x7f1fdf000000, .size = MiB(512), .used = MiB(300),
		.pieces = 2, .moved = MiB(11),
	});
	/* A record that its writer did not finish, and one of no sense. */
	fill_area(c, AREAS_VMALLOC, (struct control_area){ 0 });
	c->areas[AREAS_VMALLOC][3].seq = 5;
	fill_area(c, AREAS_VMALLOC, (struct control_area){
		.kind = NR_AREA_KINDS, .start = 0x7f1f00000000, .size = 4096,
	});
	fill_area(c, AREAS_MM, (struct control_area){
		.kind = AREA_MMAP, .prot = AREA_READ | AREA_WRITE,
		.start = 0x7e8000003000, .size = MiB(1),
	});
	fill_area(c, AREAS_MM, (struct control_area){
		.kind = AREA_PAGER, .prot = AREA_READ,
		.start = 0x7e0000041000, .size = 0x7000, .offset = 0x41000,
		.pager = 0x555500001040,
	});
	fill_area(c, AREAS_MM, (struct control_area){
		.kind = AREA_PAGER, .prot = AREA_READ | AREA_WRITE,
		.start = 0x7e0000000000, .size = MiB(256) >> 10,
		.pager = 0x555500001040, .faults = 123, .filled = KiB(640),
	});
	c->area_heads[AREAS_MM].lost = 17;
}

static void fill_caches(struct control_block *c)
{
	c->caches[1] = (struct control_cache){
		.name = "kmalloc-16", .object_size = 16, .size = 16,
		.objs_per_slab = 512, .slab_order = 1, .sheaf_limit = 254,
		.batch = 254, .nr_slabs = 10, .nr_free = 1000,
		.nr_barn = 254, .refills = 70, .flushes = 50, .grown = 12,
		.reaped = 2,
	};
	c->caches[2] = (struct control_cache){
		.name = "kmalloc-64", .object_size = 64, .size = 64,
		.objs_per_slab = 128, .slab_order = 1, .sheaf_limit = 128,
		.batch = 64, .nr_slabs = 40, .nr_empty_slabs = 4,
		.nr_free = 700, .refills = 123456789, .flushes = 5, .grown = 40,
	};
	c->caches[20] = (struct control_cache){
		.name = "kmalloc-1k", .object_size = 1024, .size = 1024,
		.objs_per_slab = 32, .slab_order = 3, .sheaf_limit = 16,
		.batch = 8, .nr_slabs = 5, .nr_empty_slabs = 5, .nr_free = 160,
		.grown = 5,
	};
	c->caches[30] = (struct control_cache){
		.name = "kmalloc-32k", .object_size = 32768, .size = 32768,
		.objs_per_slab = 4, .slab_order = 5, .sheaf_limit = 2,
		.batch = 1, .nr_slabs = 3, .nr_free = 1, .grown = 3,
	};
	/* A name longer than the column. */
	c->caches[64] = (struct control_cache){
		.name = "connection_descriptor", .object_size = 200,
		.size = 208, .objs_per_slab = 39, .slab_order = 1,
	};
}

static void fill_events(struct control_block *c)
{
	c->events[3][PGALLOC_NORMAL] = 20;
	c->events[EVENT_STRIPES - 1][OOM] = 300;
	/* Summed over the stripes. */
	c->events[0][PGFREE] = 1;
	c->events[5][PGFREE] = 1ull << 40;
}

static uint64_t header(uint16_t begin, uint16_t nr)
{
	return (uint64_t)begin << 32 | (uint32_t)(begin + nr);
}

void fake_control_fill(struct control_block *c,
		       uint64_t headers[FAKE_CPUS][NR_CLASSES])
{
	fill_head(c);
	fill_modes(c);
	fill_zones(c);
	fill_vmalloc(c);
	fill_areas(c);
	fill_caches(c);
	fill_events(c);
	headers[0][1] = header(257, 40);
	headers[2][1] = header(257, 3);
	headers[0][2] = header(512, 128);
	headers[2][30] = header(60000, 2);
	c->percpu.base = (uintptr_t)headers;
	c->percpu.stride = sizeof(headers[0]);
	c->percpu.nr = FAKE_CPUS;
	c->percpu.online = 2;
}
