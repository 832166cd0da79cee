/* SPDX-License-Identifier: MIT */
/*
 * areas.c - what lies where, for the files that show it: zones, and the areas of
 * which there are records.
 *
 * The records are in no order, and there is no memory to sort them in. So they
 * are looked through for the few lowest addresses, again and again; what is
 * lower than the end of what was shown last is not shown. So the areas of a busy
 * process, which come and go between two looks, never overlap.
 */
#include "base/atomic.h"
#include "proc/proc.h"

enum {
	BATCH = 16, /* areas found at once */
	/* Enough for a writer that is running; not for one that is stopped. */
	MAX_TRIES = 64,
};

struct batch {
	uint64_t from; /* no area starts below */
	size_t nr;
	struct proc_area areas[BATCH]; /* by address */
};

/* --- one record --- */

/* Pairs with the releases in base/area.c. */
static bool try_read(const struct control_area *r, struct control_area *ret)
{
	uint32_t seq = load_acquire(&r->seq);

	ret->seq = seq;
	ret->kind = load_acquire(&r->kind);
	ret->prot = load_acquire(&r->prot);
	ret->pieces = load_acquire(&r->pieces);
	ret->start = load_acquire(&r->start);
	ret->size = load_acquire(&r->size);
	ret->used = load_acquire(&r->used);
	ret->moved = load_acquire(&r->moved); /* or `offset` */
	ret->pager = load_acquire(&r->pager);
	ret->faults = load_acquire(&r->faults);
	ret->filled = load_acquire(&r->filled);
	return !(seq & 1) && load_relaxed(&r->seq) == seq;
}

/* What was read comes from a process that may be damaged. */
static bool is_range(const struct control_area *r)
{
	return r->start + r->size > r->start;
}

static bool is_area(const struct control_area *r)
{
	return r->kind > AREA_NONE && r->kind < NR_AREA_KINDS && is_range(r);
}

static bool read_area(const struct control_area *r, struct control_area *ret)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		if (try_read(r, ret))
			return is_area(ret);
		cpu_relax();
	}
	return false;
}

/* --- all of them --- */

static bool is_wanted(const struct batch *b, uint64_t start)
{
	return start >= b->from &&
	       (b->nr < BATCH || start < b->areas[BATCH - 1].record.start);
}

static void offer(struct batch *b, const struct proc_area *area)
{
	size_t i = b->nr < BATCH ? b->nr++ : BATCH - 1;

	for (; i && b->areas[i - 1].record.start > area->record.start; i--)
		b->areas[i] = b->areas[i - 1];
	b->areas[i] = *area;
}

static uint32_t nr_records(const struct control_block *c,
			   enum control_area_table table)
{
	/* Those that were not written yet are zero: AREA_NONE. */
	uint32_t nr = load_relaxed(&c->area_heads[table].nr);

	return nr < NR_AREA_RECORDS ? nr : NR_AREA_RECORDS;
}

static void collect_records(struct batch *b, const struct control_block *c,
			    enum control_area_table table)
{
	uint32_t nr = nr_records(c, table);

	for (uint32_t i = 0; i < nr; i++) {
		const struct control_area *r = &c->areas[table][i];
		struct proc_area area = { .page_size = c->page_size };

		/* A hint: it may be another one a moment later. */
		if (is_wanted(b, load_relaxed(&r->start)) &&
		    read_area(r, &area.record) &&
		    is_wanted(b, area.record.start))
			offer(b, &area);
	}
}

/* Return: the address of a page, or 0 if it lies nowhere. */
static uint64_t address_of(const struct control_block *c, uint64_t pfn)
{
	uint64_t span_pages = c->span_bytes / c->page_size;

	if (pfn < span_pages)
		return c->span_base + pfn * c->page_size;
	return c->low_base ?
		       c->low_base + (pfn - span_pages) * c->page_size : 0;
}

static void collect_zone(struct batch *b, const struct control_block *c,
			 const struct control_zone *z)
{
	struct proc_area area = {
		.zone = z,
		.page_size = c->page_size,
		.record = {
			.prot = AREA_READ | AREA_WRITE,
			.start = address_of(c, z->start_pfn),
			.size = load_relaxed(&z->present) * c->page_size,
		},
	};
	struct control_area *r = &area.record;

	if (r->start && is_range(r) && is_wanted(b, r->start))
		offer(b, &area);
}

static void collect(struct batch *b, const struct control_block *c)
{
	b->nr = 0;
	for (uint32_t node = 0; node < c->nr_nodes && node < MAX_NODES; node++)
		for (int zone = 0; zone < NR_ZONES; zone++)
			if (proc_zone_exists(&c->zones[node][zone]))
				collect_zone(b, c, &c->zones[node][zone]);
	for (int table = 0; table < NR_AREA_TABLES; table++)
		collect_records(b, c, (enum control_area_table)table);
}

void proc_for_each_area(struct seq_file *m, const struct proc_snapshot *s,
			void (*show)(struct seq_file *m,
				     const struct proc_area *area))
{
	struct batch b = { 0 };

	do {
		collect(&b, s->control);
		for (size_t i = 0; i < b.nr; i++) {
			const struct control_area *r = &b.areas[i].record;

			if (r->start < b.from)
				continue;
			show(m, &b.areas[i]);
			b.from = r->start + r->size;
		}
	} while (b.nr == BATCH);
}

void proc_show_unlisted(struct seq_file *m, const struct proc_snapshot *s,
			enum control_area_table table)
{
	static const char *const names[NR_AREA_TABLES] = {
		[AREAS_VMALLOC] = "vmalloc areas",
		[AREAS_UNPURGED] = "unpurged areas",
		[AREAS_MM] = "mappings",
	};
	const struct control_block *c = s->control;
	uint32_t lost = load_relaxed(&c->area_heads[table].lost);
	uint32_t nr = nr_records(c, table);
	uint32_t changing = 0;

	for (uint32_t i = 0; i < nr; i++)
		changing += load_relaxed(&c->areas[table][i].seq) & 1;
	if (lost)
		seq_printf(m, "# %u more %s: their table is full\n", lost,
			   names[table]);
	if (changing)
		seq_printf(m, "# %u %s being changed\n", changing,
			   names[table]);
}

/* --- a line of maps --- */

const char *const proc_area_names[NR_AREA_KINDS] = {
	[AREA_VMALLOC] = "vmalloc",
	[AREA_UNPURGED] = "unpurged",
	[AREA_PAGER] = "pager",
	[AREA_MMAP] = "mmap",
};

static void name_area(const struct proc_area *area, char *buf, size_t size)
{
	const struct control_zone *z = area->zone;

	if (!z)
		fmt_snprintf(buf, size, "[pagoda:%s]", 
			     proc_area_names[area->record.kind]);
	else if (z->node)
		fmt_snprintf(buf, size, "[pagoda:%.8s:%u]", z->name, z->node);
	else
		fmt_snprintf(buf, size, "[pagoda:%.8s]", z->name);
}

void proc_show_map(struct seq_file *m, const struct proc_area *area)
{
	const struct control_area *r = &area->record;
	uint64_t offset = r->kind == AREA_PAGER ? r->offset : 0;
	char range[96], name[32];

	name_area(area, name, sizeof(name));
	fmt_snprintf(range, sizeof(range), "%08lx-%08lx %c%c-p %08lx 00:00 0 ",
		     r->start, r->start + r->size,
		     r->prot & AREA_READ ? 'r' : '-',
		     r->prot & AREA_WRITE ? 'w' : '-', offset);
	seq_printf(m, "%-73s%s\n", range, name);
}
