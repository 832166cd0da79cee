/* SPDX-License-Identifier: MIT */
/*
 * kmem_cache.c - caches by name, and what is done to all caches: decay, reap,
 * drain.
 *
 * Lock: LOCK_CACHE_CHAIN for the table of named caches. A cache's fields are
 * set before its id is published and constant until it is destroyed.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/bug.h"
#include "base/format.h"
#include "base/vmstat.h"
#include "percpu/percpu.h"
#include "slab/internal.h"

static struct lock chain_lock = LOCK_INIT(CACHE_CHAIN);
/* Lock: chain_lock for writing; readers see a bound that only grows. */
static unsigned int nr_ids = LAST_BLOCK_CACHE + 1;

unsigned int nr_cache_ids(void)
{
	return load_acquire(&nr_ids);
}

int slab_init(void)
{
	kmalloc_init();
	block_init();
	return barn_init();
}

void cache_show(const struct kmem_cache *c)
{
	struct control_cache *st = cache_stat(c);

	if (likely(load_relaxed(&st->size)))
		return;
	st->object_size = c->object_size;
	st->objs_per_slab = c->objs;
	st->slab_order = c->order;
	st->sheaf_limit = c->sheaf_max;
	st->batch = c->batch;
	if (!st->name[0])
		fmt_snprintf(st->name, sizeof(st->name),
			     has_slabs(c) ? "kmalloc-%u" : "block-%u", c->size);
	store_release(&st->size, c->size);
}

/* --- create and destroy --- */

static unsigned int find_id(void)
{
	for (unsigned int id = FIRST_NAMED_CACHE; id <= LAST_NAMED_CACHE; id++)
		if (!kmem_caches[id].size)
			return id;
	return 0;
}

static bool name_in_use(const char *name)
{
	/* Those of the size classes are filled in late. */
	if (!strncmp(name, "kmalloc-", 8) || !strncmp(name, "block-", 6))
		return true;
	for (unsigned int id = 1; id < nr_ids; id++)
		if (kmem_caches[id].size &&
		    !strcmp(control.caches[id].name, name))
			return true;
	return false;
}

static void copy_name(char *to, const char *name)
{
	size_t i = 0;

	for (; name[i] && i < CACHE_NAME_LEN - 1; i++)
		to[i] = name[i] == ' ' ? '_' : name[i];
	to[i] = '\0';
}

/*
 * The smallest slab, of two pages unless that is more than the bitmap can tell
 * apart, with room for 8 objects and at most an eighth unused.
 */
static unsigned int choose_order(size_t size)
{
	unsigned int order = size * MAX_OBJS_PER_SLAB >= 2 * PAGE_SIZE;

	for (; order < MAX_SLAB_ORDER; order++) {
		size_t bytes = (size_t)PAGE_SIZE << order;

		if (bytes / size >= 8 && bytes % size <= bytes / 8)
			break;
	}
	return order;
}

void set_magic(struct kmem_cache *c)
{
	struct class_check *check = &c->check;

	c->magic = UINT32_MAX / c->size + 1;
	c->bucket_scale = ((uint32_t)NR_BUCKETS << 16) / c->objs + 1;
	check->mask = ((uint32_t)PAGE_SIZE << c->order) - 1;
	if (is_checked(c))
		check->magic = 0;
	else if (c->colour_step)
		check->magic = UINT32_MAX;
	else
		check->magic = (uint32_t)c->magic;
	class_checks[c->id] = *check;
}

static void lay_out(struct kmem_cache *c, size_t size, size_t align)
{
	size_t bytes, rest, batch;

	c->order = (uint8_t)choose_order(size);
	bytes = (size_t)PAGE_SIZE << c->order;
	c->objs = (uint16_t)min_size(bytes / size, MAX_OBJS_PER_SLAB);
	rest = bytes - c->objs * size;
	c->align = (uint16_t)align;
	/* Different slabs' objects meet in different cache lines. */
	c->colour_step = (uint16_t)max_size(align, CACHELINE);
	c->colours = (uint16_t)(rest / c->colour_step + 1);
	if (c->colours == 1)
		c->colour_step = 0;
	/* As for malloc's own: see size_classes.def. */
	batch = (size < KiB(1) ? KiB(32) : size < KiB(4) ? KiB(64) : KiB(128)) /
		size;
	c->batch = (uint16_t)min_size(max_size(batch, 2), MAX_BATCH);
	c->sheaf_max = (uint16_t)min_size(c->batch * 4u, NAMED_SHEAF_MAX);
	c->sheaf_begin = (uint16_t)(NAMED_SLOTS_BEGIN + 1 +
				    (c->id - FIRST_NAMED_CACHE) *
					    (NAMED_SHEAF_MAX + 1));
	c->size = (uint32_t)size;
	if (percpu.mode == PERCPU_MODE_RSEQ && !is_checked(c))
		c->fast_class = c->id;
	set_magic(c);
}

/* What is shown one to a line, in columns. */
static bool name_is_good(const char *name)
{
	if (!name || !*name)
		return false;
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

static bool flags_are_good(unsigned int flags, bool has_ctor)
{
	const unsigned int known = SLAB_HWCACHE_ALIGN | SLAB_RECLAIM_ACCOUNT |
				   SLAB_POISON | SLAB_RED_ZONE |
				   SLAB_TYPESAFE | SLAB_PANIC;

	/* Poison would destroy what is to stay. */
	if (flags & SLAB_POISON && (has_ctor || flags & SLAB_TYPESAFE))
		return false;
	return !(flags & ~known);
}

static int create_named(struct kmem_cache **ret_cache, const char *name,
			size_t size, size_t align, unsigned int flags,
			void (*ctor)(void *obj))
{
	size_t room = flags & SLAB_RED_ZONE ? size + RED_ZONE_MIN : size;
	unsigned int id = find_id();
	struct kmem_cache *c = &kmem_caches[id];

	if (name_in_use(name))
		return -EEXIST;
	if (!id)
		return -ENOSPC;
	c->id = (uint8_t)id;
	c->flags = flags;
	c->ctor = ctor;
	c->object_size = (uint32_t)size;
	lay_out(c, align_up(room, align), align);
	memset(&control.caches[id], 0, sizeof(control.caches[id]));
	copy_name(control.caches[id].name, name);
	if (id >= nr_ids)
		store_release(&nr_ids, id + 1);
	*ret_cache = c;
	return 0;
}

int kmem_cache_create(struct kmem_cache **ret_cache, const char *name,
		      size_t size, size_t align, unsigned int flags,
		      void (*ctor)(void *obj))
{
	char label[CACHE_NAME_LEN];
	int err = -EDEADLK;

	if (!name_is_good(name) || !size || size > KMALLOC_MAX)
		return -EINVAL;
	if (align && (!is_power_of_2(align) || align > PAGE_SIZE))
		return -EINVAL;
	if (!flags_are_good(flags, ctor != NULL))
		return -EINVAL;
	align = max_size(align, KMALLOC_MIN);
	if (flags & SLAB_HWCACHE_ALIGN)
		align = max_size(align, CACHELINE);
	copy_name(label, name);

	/* A fork waits until the chain is whole. */
	if (gate_enter() == SLOW_NORMAL) {
		lock_acquire(&chain_lock);
		err = create_named(ret_cache, label, size, align, flags, ctor);
		lock_release(&chain_lock);
	}
	gate_leave();
	return err;
}

static void empty_barn(struct kmem_cache *c, unsigned int group, uint32_t nr)
{
	while (nr--) {
		struct sheaf *s = barn_take(c, group);

		if (!s)
			return;
		cache_give(c, s->objs, s->nr, false);
		barn_put_empty(s);
	}
}

static void empty_barns(struct kmem_cache *c)
{
	for (uint32_t rest = groups_in_use(); rest;)
		empty_barn(c, first_of(&rest), UINT32_MAX);
}

static size_t free_empty_slabs(struct kmem_cache *c)
{
	size_t pages = 0;

	for (unsigned int node = 0; node < nr_nodes(); node++)
		pages += slab_free_empty(c, node);
	return pages;
}

/* Who relies on the type of the memory may look at it at any time. */
static bool keeps_slabs(const struct kmem_cache *c)
{
	return c->flags & SLAB_TYPESAFE;
}

/* All but what the sheaves hold. */
static size_t give_back(struct kmem_cache *c)
{
	empty_barns(c);
	return keeps_slabs(c) ? 0 : free_empty_slabs(c);
}

static size_t shrink(struct kmem_cache *c)
{
	sheaf_trim(c);
	return give_back(c);
}

static size_t shrink_all_cpus(struct kmem_cache *c)
{
	if (!percpu_stop())
		return shrink(c);
	sheaf_drain_stopped(c);
	percpu_start();
	return give_back(c);
}

size_t kmem_cache_shrink(struct kmem_cache *c)
{
	size_t pages = gate_enter() == SLOW_NORMAL ? shrink_all_cpus(c) : 0;

	gate_leave();
	return pages;
}

static void show_live_object(struct kmem_cache *c, void *obj)
{
	warn("cache %s: object %p", cache_stat(c)->name, obj);
}

static COLD void list_live_objects(struct kmem_cache *c, size_t live)
{
	enum { SHOWN = 16 };

	warn("cache %s cannot be destroyed: objects still in use: %zu",
	     cache_stat(c)->name, live);
	slab_for_each_live(c, SHOWN, show_live_object);
	if (live > SHOWN)
		warn("cache %s: and %zu more", cache_stat(c)->name,
		     live - SHOWN);
}

/*
 * With the gate closed no object is on its way in some slow path, and nobody
 * gives the class slots again. Nobody uses the cache, so its sheaves hold still
 * even where those of others cannot be stopped.
 */
size_t kmem_cache_destroy(struct kmem_cache *c)
{
	const struct control_cache *st = cache_stat(c);
	bool stopped;
	size_t live;

	gate_close();
	lock_acquire(&chain_lock);
	stopped = percpu_stop();
	sheaf_drain_stopped(c);
	empty_barns(c);
	live = st->nr_slabs * c->objs - st->nr_free;
	if (live) {
		list_live_objects(c, live);
	} else {
		free_empty_slabs(c);
		for (unsigned int slot = 0; slot < percpu.nr; slot++) {
			union sheaf_header *h = percpu_header_of(slot, c->id);

			if (h->word)
				h->word = 0;
		}
		memset(&control.caches[c->id], 0, sizeof(*st));
		memset(&class_checks[c->id], 0, sizeof(class_checks[0]));
		memset(c, 0, sizeof(*c));
	}
	if (stopped)
		percpu_start();
	lock_release(&chain_lock);
	gate_open();
	return live;
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
	enum slow_path how = gate_enter();
	void *obj = kmem_cache_alloc_slow(c, how);

	gate_leave();
	return obj;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	enum slow_path how = gate_enter();

	if (span.page_class[addr_to_pfn(obj)] != c->id)
		bug("invalid free of %p: not an object of cache %s", obj,
		    cache_stat(c)->name);
	kmem_cache_free_slow(c, obj, how);
	gate_leave();
}

/* --- all caches --- */

static void decay_cache(struct kmem_cache *c, unsigned int ticks)
{
	sheaf_trim(c);
	for (uint32_t rest = groups_in_use(); rest;) {
		unsigned int group = first_of(&rest);
		uint32_t idle = barn_idle(c, group);

		/* What nobody needed since the last tick, half of it a tick. */
		empty_barn(c, group, idle - (uint32_t)decayed(idle, ticks));
	}
	if (!keeps_slabs(c))
		free_empty_slabs(c);
}

static void for_each_cache(void (*fn)(struct kmem_cache *c, unsigned int arg),
			   unsigned int arg)
{
	unsigned int nr = nr_cache_ids();

	for (unsigned int id = 1; id < nr; id++)
		/* Has it ever had an object? */
		if (control.caches[id].size)
			fn(&kmem_caches[id], arg);
}

static void shrink_cache(struct kmem_cache *c, unsigned int looks)
{
	shrink(c);
	hollow_out(c, looks);
}

static void drain_cache(struct kmem_cache *c, unsigned int unused)
{
	(void)unused;
	sheaf_drain_stopped(c);
}

void slab_decay(unsigned int ticks)
{
	for_each_cache(decay_cache, ticks);
	hollow_decay(ticks);
	barn_decay(ticks);
}

void slab_reap(void)
{
	for_each_cache(shrink_cache, hollow_pays() ? REAP_LOOKS : 0);
}

size_t slab_reclaimable(void)
{
	unsigned int nr = nr_cache_ids();
	size_t bytes = 0;

	for (unsigned int id = 1; id < nr; id++) {
		const struct control_cache *st = &control.caches[id];
		uint64_t cached = load_relaxed(&st->nr_barn) +
				  sheaf_cached(&kmem_caches[id]);

		if (keeps_slabs(&kmem_caches[id]))
			continue;
		/* A few cached objects may be all that keeps many slabs. */
		if (cached)
			cached += load_relaxed(&st->nr_free);
		else
			cached = load_relaxed(&st->nr_empty_slabs) *
				 st->objs_per_slab;
		bytes += cached * st->size;
	}
	return bytes;
}

void slab_drain(void)
{
	if (percpu_stop()) {
		for_each_cache(drain_cache, 0);
		percpu_start();
	}
	for_each_cache(shrink_cache, UINT_MAX);
	barn_trim();
}
