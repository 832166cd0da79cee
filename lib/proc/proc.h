/* SPDX-License-Identifier: MIT */
/*
 * proc.h - the text files that show the allocator, in the formats of the Linux
 * kernel's /proc files of the same names.
 *
 * A file is a pure function of a snapshot: the same code runs inside the
 * process and in the pagoda tool. Nothing here allocates, takes a lock or calls
 * libc beyond its string functions, and numbers read at different moments of a
 * running program never wrap below zero.
 */
#ifndef PAGODA_PROC_PROC_H
#define PAGODA_PROC_PROC_H

#include "base/compiler.h"
#include "base/control.h"
#include "base/format.h"

struct proc_snapshot {
	const struct control_block *control;
	/* Objects cached in the sheaves of all CPUs, per class. */
	uint64_t sheaf_objs[NR_CLASSES];
};

struct proc_file {
	const char *name;
	void (*show)(struct seq_file *m, const struct proc_snapshot *s);
	const char *doc;
};

extern const struct proc_file proc_files[];
extern const size_t nr_proc_files;

/* Return: the file of that name, or NULL. */
const struct proc_file *proc_find(const char *name);

/* Does it show areas, see proc_for_each_area()? A reader may leave them out. */
bool proc_shows_areas(const struct proc_file *file);

/*
 * proc_snapshot_self() - look at this process.
 * The control block is not copied: the text shows it as it is when printed.
 */
void proc_snapshot_self(struct proc_snapshot *s);

/*
 * proc_add_sheaves() - add what one CPU's sheaves hold to a snapshot.
 * @headers: NR_CLASSES of them, see struct control_percpu.
 * Return: whether that CPU's slot has been used. The reader of slots may stop
 * after control.percpu.online of these: looking at memory that was never
 * touched costs the process page tables.
 */
bool proc_add_sheaves(struct proc_snapshot *s, const uint64_t *headers);

/* Where the objects of one cache are: the first is the sum of the others. */
struct proc_objects {
	uint64_t total;
	uint64_t active; /* handed out to the program */
	uint64_t in_slabs; /* free in their slab */
	uint64_t in_barn;
	uint64_t in_sheaves;
};

void proc_count_objects(const struct proc_snapshot *s, size_t class,
			struct proc_objects *ret);

/*
 * Sums over the whole process, in bytes, with
 * online = free + pcp + slab + large + vmalloc_used + vmalloc_free.
 */
struct proc_totals {
	uint64_t online; /* readable and writable memory for the program */
	uint64_t free; /* free blocks of the zones */
	uint64_t free_resident; /* of free: may be backed by memory */
	uint64_t pcp; /* free pages on per-CPU lists */
	uint64_t slab; /* pages in slabs */
	uint64_t slab_hollow; /* of slab: given back to the kernel */
	uint64_t slab_reclaimable; /* empty slabs and cached objects */
	uint64_t sheaves; /* of that: objects in the CPUs' sheaves */
	uint64_t large; /* page blocks handed out */
	uint64_t large_cached; /* freed blocks in sheaves and barns: not in `large` */
	uint64_t vmalloc_areas; /* how many */
	uint64_t vmalloc_used;
	uint64_t vmalloc_free;
	uint64_t vmalloc_unpurged; /* of that: in freed areas with memory */
	uint64_t available; /* all that is free, and slab_reclaimable */
	uint64_t live; /* handed out to the program */
};

void proc_sum(const struct proc_snapshot *s, struct proc_totals *ret);

/* Subtraction of numbers that were not read at the same moment. */
static inline uint64_t proc_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline bool proc_zone_exists(const struct control_zone *z)
{
	return z->name[0] != '\0';
}

/* Has the zone any memory yet? */
static inline bool proc_zone_populated(const struct control_zone *z)
{
	return proc_zone_exists(z) && z->present > 0;
}

/* Call @show for each zone, by node and then by address. */
void proc_for_each_zone(struct seq_file *m, const struct proc_snapshot *s,
			void (*show)(struct seq_file *m,
				     const struct proc_snapshot *s,
				     const struct control_zone *z));

/* A part of the address space. */
struct proc_area {
	const struct control_zone *zone; /* what is online of it; or NULL */
	uint32_t page_size;
	struct control_area record; /* zone: only its start, size and prot */
};

/*
 * Call @show for each area, by address: zones, VMALLOC space, mappings. They do
 * not overlap, and each is as it was at one moment.
 */
void proc_for_each_area(struct seq_file *m, const struct proc_snapshot *s,
			void (*show)(struct seq_file *m,
				     const struct proc_area *area));

/* Of the kinds that there are records of. */
extern const char *const proc_area_names[NR_AREA_KINDS] INTERNAL;

/* Lines that say how many areas of a table could not be shown; mostly none. */
void proc_show_unlisted(struct seq_file *m, const struct proc_snapshot *s,
			enum control_area_table table);

/* The area's line in maps. */
void proc_show_map(struct seq_file *m, const struct proc_area *area);

/* Every file's show(), named like its source. */
void meminfo_show(struct seq_file *m, const struct proc_snapshot *s);
void buddyinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void pagetypeinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void zoneinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void slabinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void sheafinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void vmallocinfo_show(struct seq_file *m, const struct proc_snapshot *s);
void maps_show(struct seq_file *m, const struct proc_snapshot *s);
void smaps_show(struct seq_file *m, const struct proc_snapshot *s);
void vmstat_show(struct seq_file *m, const struct proc_snapshot *s);
void modes_show(struct seq_file *m, const struct proc_snapshot *s);

#endif
