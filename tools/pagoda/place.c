/* SPDX-License-Identifier: MIT */
/*
 * place.c - see place.h. Reads page_class[] and mem_map[] of the process, as
 * free() does there; what it finds may be changing under it.
 */
#include "place.h"

#include <errno.h>
#include <string.h>

struct seeker {
	const struct target *target;
	const struct layout *layout;
	struct place *place;
};

static int read_at(const struct seeker *s, uint64_t addr, void *buf,
		   size_t len)
{
	return memory_read(&s->target->memory, addr, buf, len);
}

static int read_pages(const struct seeker *s, uint64_t pfn, struct page *ret,
		      size_t nr)
{
	return read_at(s, (uintptr_t)s->layout->span.mem_map +
			  pfn * sizeof(*ret), ret, nr * sizeof(*ret));
}

/* Return: false if @addr is in no window of the library's. */
static bool find_pfn(const struct layout *layout, uint64_t addr,
		     uint64_t *ret_pfn)
{
	const struct span *there = &layout->span;

	if (addr - there->base < there->size) {
		*ret_pfn = (addr - there->base) >> PAGE_SHIFT;
		return true;
	}
	if (addr - there->low_base >= there->low_size)
		return false;
	*ret_pfn = there->nr_pages + ((addr - there->low_base) >> PAGE_SHIFT);
	return true;
}

static const struct control_zone *find_zone(const struct control_block *c,
					    uint64_t pfn)
{
	for (uint32_t node = 0; node < c->nr_nodes; node++)
		for (int zone = 0; zone < NR_ZONES; zone++) {
			const struct control_zone *z = &c->zones[node][zone];

			if (proc_zone_populated(z) && pfn >= z->start_pfn &&
			    pfn - z->start_pfn < z->present)
				return z;
		}
	return NULL;
}

static void set_run(struct seeker *s, enum place_kind kind, uint64_t pfn,
		    uint64_t nr_pages)
{
	s->place->kind = kind;
	s->place->start = layout_address(s->layout, pfn);
	s->place->size = nr_pages << PAGE_SHIFT;
}

/* --- objects --- */

/* *ret_cpu: the CPU slot with @obj in its sheaf, if there is one. */
static int look_in_sheaf(const struct seeker *s, uint32_t cpu, unsigned int class,
			 uint64_t obj, bool *ret_found)
{
	const struct control_percpu *percpu = &s->target->control.percpu;
	uint64_t region = percpu->base + cpu * percpu->stride;
	uint64_t header, objs[512];
	uint32_t from, to;
	int err = read_at(s, region + class * sizeof(header), &header,
			  sizeof(header));

	*ret_found = false;
	if (err)
		return err;
	to = (uint32_t)header;
	from = header >> 32 & 0xffff;
	if (to > percpu->stride / sizeof(header))
		return -EBADMSG;
	while (from < to && !*ret_found) {
		size_t nr = min_size(to - from, ARRAY_SIZE(objs));

		err = read_at(s, region + from * sizeof(header), objs,
			      nr * sizeof(objs[0]));
		if (err)
			return err;
		for (size_t i = 0; i < nr; i++)
			*ret_found |= objs[i] == obj;
		from += (uint32_t)nr;
	}
	return 0;
}

/* As many slots as are in use: see proc_add_sheaves(). */
static int look_in_sheaves(struct seeker *s, unsigned int class)
{
	const struct control_percpu *percpu = &s->target->control.percpu;
	uint32_t left = percpu->online;

	for (uint32_t cpu = 0; cpu < percpu->nr && left; cpu++) {
		uint64_t online;
		bool found;
		int err = read_at(s, percpu->base + cpu * percpu->stride,
				  &online, sizeof(online));

		if (!err && online)
			err = look_in_sheaf(s, cpu, class, s->place->start,
					    &found);
		if (err)
			return err;
		if (online && found) {
			s->place->state = OBJECT_IN_SHEAF;
			s->place->cpu = cpu;
			return 0;
		}
		left -= online != 0;
	}
	return 0;
}

static int read_head(const struct seeker *s, uint32_t barn,
		     unsigned int class, uint64_t *ret)
{
	const struct barn_stack *stack =
		&s->layout->barns.full[barn * NR_CLASSES + class];

	return read_at(s, (uintptr_t)&stack->head, ret, sizeof(*ret));
}

/* Is it in the sheaf of this index? */
static int look_in_full_sheaf(const struct seeker *s, uint64_t sheaves,
			      uint32_t index, bool *ret_found)
{
	struct sheaf sheaf;
	int err = read_at(s, sheaves + index * sizeof(sheaf), &sheaf,
			  sizeof(sheaf));

	*ret_found = false;
	for (size_t i = 0; !err && i < ARRAY_SIZE(sheaf.objs); i++)
		*ret_found |= i < sheaf.nr &&
			      (uintptr_t)sheaf.objs[i] == s->place->start;
	return err;
}

/* *ret_state: IN_BARN, ALLOCATED, or MAYBE if the barn changed meanwhile. */
static int look_in_barn(const struct seeker *s, uint32_t barn,
			unsigned int class, uint64_t sheaves,
			enum object_state *ret_state)
{
	uint32_t left = MAX_SHEAVES; /* a chain may be a ring by mistake */
	uint64_t head, head_after;
	bool found = false;
	int err = read_head(s, barn, class, &head);

	for (uint32_t i = (uint32_t)head; i && left && !found && !err; left--) {
		err = look_in_full_sheaf(s, sheaves, i, &found);
		if (!err)
			err = read_at(s, (uintptr_t)&s->layout->barns.next[i],
				      &i, sizeof(i));
	}
	if (!err)
		err = read_head(s, barn, class, &head_after);
	if (err)
		return err;
	*ret_state = head_after != head ? OBJECT_MAYBE :
		     found		? OBJECT_IN_BARN :
					  OBJECT_ALLOCATED;
	return 0;
}

/* An object that is neither in its slab nor in a sheaf of a CPU. */
static int look_in_barns(struct seeker *s, unsigned int class)
{
	enum object_state state = OBJECT_ALLOCATED;
	uint64_t sheaves;
	int err = read_at(s, (uintptr_t)s->layout->barns.sheaves, &sheaves,
			  sizeof(sheaves));

	for (uint32_t b = 0; b < MAX_GROUPS && !err; b++) {
		enum object_state in_this;

		err = look_in_barn(s, b, class, sheaves, &in_this);
		if (!err && in_this != OBJECT_ALLOCATED)
			state = in_this;
		if (state == OBJECT_IN_BARN)
			break;
	}
	s->place->state = state;
	return err;
}

static int seek_object(struct seeker *s, uint64_t addr, uint64_t pfn,
		       unsigned int class)
{
	const struct control_cache *cache = &s->target->control.caches[class];
	struct place *p = s->place;
	struct page slab;
	uint64_t offset;
	int err;

	pfn = align_down(pfn, 1ul << cache->slab_order);
	err = read_pages(s, pfn, &slab, 1);
	if (err)
		return err;
	if (slab.type != PAGE_SLAB || slab.cache != class || !cache->size)
		return 0;
	p->kind = PLACE_GAP;
	p->cache = cache;
	p->slab = layout_address(s->layout, pfn);
	p->slab_free = slab.nr_free;
	offset = addr - p->slab - slab.colour;
	if (addr < p->slab + slab.colour ||
	    offset / cache->size >= min_size(cache->objs_per_slab,
					     MAX_OBJS_PER_SLAB))
		return 0;
	p->kind = PLACE_OBJECT;
	p->index = (uint32_t)(offset / cache->size);
	p->start = addr - offset % cache->size;
	p->size = cache->size;
	if (slab.bitmap[p->index / 64] >> (p->index % 64) & 1) {
		p->state = OBJECT_IN_SLAB;
		return 0;
	}
	p->state = OBJECT_ALLOCATED;
	err = look_in_sheaves(s, class);
	if (err || p->state != OBJECT_ALLOCATED || !cache->nr_barn)
		return err;
	p->state = OBJECT_MAYBE;
	return s->layout->barns.full ? look_in_barns(s, class) : 0;
}

/* --- runs of pages --- */

/* The last page with a state up to @pfn, not before @first. */
static int find_head(const struct seeker *s, uint64_t first, uint64_t pfn,
		     struct page *ret_page, uint64_t *ret_pfn)
{
	static struct page pages[1024];

	for (uint64_t end = pfn + 1; end > first;) {
		size_t nr = min_size(end - first, ARRAY_SIZE(pages));
		int err = read_pages(s, end - nr, pages, nr);

		if (err)
			return err;
		for (size_t i = nr; i-- > 0;) {
			if (pages[i].type == PAGE_NONE)
				continue;
			*ret_page = pages[i];
			*ret_pfn = end - nr + i;
			return 0;
		}
		end -= nr;
	}
	ret_page->type = PAGE_NONE;
	return 0;
}

static void set_block(struct seeker *s, uint64_t pfn, uint64_t head,
		      const struct page *page)
{
	enum place_kind kind = PLACE_CHANGING;
	uint64_t nr = page->order <= MAX_ORDER ? 1ull << page->order : 1;

	switch ((enum page_type)page->type) {
	case PAGE_BUDDY:
	case PAGE_ISOLATED:
		kind = PLACE_FREE;
		break;
	case PAGE_PCP:
		kind = PLACE_PCP;
		break;
	case PAGE_LARGE:
		kind = PLACE_LARGE;
		nr = page->nr_pages;
		break;
	case PAGE_CACHED:
		kind = PLACE_CACHED;
		nr = page->nr_pages;
		break;
	case PAGE_NONE:
	case PAGE_ALLOC:
	case PAGE_SLAB:
	case PAGE_VMALLOC:
	case PAGE_VFREE:
	case PAGE_VTAIL:
		break;
	}
	if (kind != PLACE_CHANGING && pfn - head < nr)
		set_run(s, kind, head, nr);
}

static void set_area(struct seeker *s, uint64_t pfn, uint64_t head,
		     const struct page *page)
{
	uint64_t nr = page->nr_pages;

	if (page->type == PAGE_VMALLOC && pfn - head < nr)
		set_run(s, PLACE_AREA, head, nr);
	else if (page->type == PAGE_VMALLOC && pfn - head < page->room)
		set_run(s, PLACE_AREA_ROOM, head + nr, page->room - nr);
	else if (page->type == PAGE_VFREE && pfn - head < nr)
		set_run(s, PLACE_AREA_FREE, head, nr);
	else if (page->type == PAGE_VTAIL && pfn == head && nr <= pfn + 1)
		set_run(s, PLACE_AREA_FREE, pfn + 1 - nr, nr);
}

static int seek_pages(struct seeker *s, uint64_t first, uint64_t pfn)
{
	struct page page;
	uint64_t head = 0;
	int err = find_head(s, first, pfn, &page, &head);

	if (err || page.type == PAGE_NONE)
		return err;
	if (s->place->zone)
		set_block(s, pfn, head, &page);
	else
		set_area(s, pfn, head, &page);
	return 0;
}

/* --- outside the heap --- */

static bool is_in(uint64_t addr, uint64_t start, uint64_t size)
{
	return addr - start < size;
}

/* Is it in a mapping that the library has a record of? */
static bool seek_mapping(struct seeker *s, uint64_t addr)
{
	const struct control_block *c = &s->target->control;

	for (size_t i = 0; i < c->area_heads[AREAS_MM].nr; i++) {
		const struct control_area *r = &c->areas[AREAS_MM][i];

		if (r->kind == AREA_NONE || r->seq & 1 ||
		    !is_in(addr, r->start, r->size))
			continue;
		s->place->kind = r->kind == AREA_PAGER ? PLACE_PAGER :
							 PLACE_MMAP;
		s->place->start = r->start;
		s->place->size = r->size;
		return true;
	}
	return false;
}

static bool is_own(const struct seeker *s, uint64_t addr)
{
	const struct layout *l = s->layout;
	const struct control_percpu *percpu = &s->target->control.percpu;
	uint64_t nr = l->span.nr_pages + (l->span.low_size >> PAGE_SHIFT);

	for (size_t i = 0; i < l->nr_data; i++)
		if (is_in(addr, l->data[i].start, l->data[i].size))
			return true;
	return is_in(addr, (uintptr_t)l->span.mem_map,
		     nr * sizeof(struct page)) ||
	       is_in(addr, (uintptr_t)l->span.page_class, nr) ||
	       is_in(addr, percpu->base, percpu->nr * percpu->stride);
}

static void seek_outside(struct seeker *s, uint64_t addr)
{
	if (!seek_mapping(s, addr))
		s->place->kind = is_own(s, addr) ? PLACE_OWN : PLACE_OUTSIDE;
}

/* --- all --- */

static int seek(struct seeker *s, uint64_t addr, uint64_t pfn)
{
	const struct control_block *c = &s->target->control;
	uint64_t nr = s->layout->span.nr_pages;
	uint64_t areas = nr - min_size(c->vmalloc.online >> PAGE_SHIFT, nr);
	struct place *p = s->place;
	uint8_t class;
	int err;

	p->kind = PLACE_CHANGING;
	p->zone = find_zone(c, pfn);
	if (!p->zone && (pfn < areas || pfn >= nr)) {
		p->kind = PLACE_RESERVED;
		return 0;
	}
	if (!p->zone)
		return seek_pages(s, areas, pfn);
	err = read_at(s, (uintptr_t)s->layout->span.page_class + pfn, &class,
		      sizeof(class));
	if (err)
		return err;
	if (class != PAGE_CLASS_NONE && class != PAGE_CLASS_ASK)
		return seek_object(s, addr, pfn, class);
	return seek_pages(s, p->zone->start_pfn, pfn);
}

int place_find(const struct target *t, const struct layout *layout,
	       uint64_t addr, struct place *ret)
{
	struct seeker s = { .target = t, .layout = layout, .place = ret };
	uint64_t pfn;

	memset(ret, 0, sizeof(*ret));
	if (layout->boot && addr - layout->boot < t->control.boot_size) {
		ret->kind = PLACE_BOOT;
		ret->start = layout->boot;
		ret->size = t->control.boot_size;
		return 0;
	}
	if (!find_pfn(layout, addr, &pfn)) {
		seek_outside(&s, addr);
		return 0;
	}
	return seek(&s, addr, pfn);
}
