/* SPDX-License-Identifier: MIT */
/*
 * debug.c - caches that watch their objects: poison and red zones.
 *
 * Idea and bytes: SLUB's debugging (mm/slub.c of Linux), so that who knows its
 * reports can read ours.
 *
 *	           object_size bytes                  to size
 *	 handed out | the program's               | cc cc cc ...
 *	 free       | 6b 6b 6b 6b ... 6b 6b 6b a5 | bb bb bb ...
 *	            SLAB_POISON                     SLAB_RED_ZONE
 *
 * A poisoned object is full of 5a when it is handed out: what the program reads
 * before it wrote is neither zero nor what was there before.
 *
 * These objects go straight to and from their slab, so that each free and each
 * alloc can look at what the program did to them meanwhile; slabs look at all of
 * theirs when they are given back. The bytes are written and checked by whoever
 * takes the object or gives it, outside of all locks.
 */
#include <string.h>

#include "base/bug.h"
#include "base/format.h"
#include "slab/internal.h"

enum {
	POISON_INUSE = 0x5a,
	POISON_FREE = 0x6b,
	POISON_END = 0xa5,
	RED_INACTIVE = 0xbb,
	RED_ACTIVE = 0xcc,
};

/* --- the report --- */

enum { DUMP_LINE = 16, DUMP_BEFORE = 3, DUMP_LINES = 8 };

/* "Object   0x7f0000001040: 6b 6b ... a5  kkkkkkkkkkkkkkk." */
static void dump_line(const char *label, const unsigned char *p)
{
	char text[DUMP_LINE * 4 + 2];
	struct seq_file m = { .buf = text, .size = sizeof(text) - 1 };

	for (int i = 0; i < DUMP_LINE; i++)
		seq_printf(&m, "%02x ", p[i]);
	seq_puts(&m, " ");
	for (int i = 0; i < DUMP_LINE; i++)
		seq_printf(&m, "%c", p[i] >= ' ' && p[i] <= '~' ? p[i] : '.');
	text[m.len] = '\0';
	warn("%s %p: %s", label, (const void *)p, text);
}

static void dump(const struct kmem_cache *c, const unsigned char *obj,
		 const unsigned char *bad)
{
	size_t slab_size = (size_t)PAGE_SIZE << c->order;
	uintptr_t slab = align_down((uintptr_t)obj, slab_size);
	uintptr_t at = align_down((uintptr_t)bad, DUMP_LINE);

	at = max_size(slab, at - DUMP_BEFORE * DUMP_LINE);
	for (int i = 0; i < DUMP_LINES && at < slab + slab_size; i++) {
		const unsigned char *p = (const unsigned char *)at;
		const char *label = "Redzone ";

		if (p + DUMP_LINE <= obj || p >= obj + c->size)
			label = "Other   ";
		else if (p < obj + c->object_size)
			label = "Object  ";
		dump_line(label, p);
		at += DUMP_LINE;
	}
}

static COLD NORETURN void report(const struct kmem_cache *c, const void *obj,
				 const unsigned char *bad, unsigned int want,
				 const char *what)
{
	const char *name = cache_stat(c)->name;
	const unsigned char *start = obj;

	warn("=============================================================");
	warn("BUG %s: %s", name, what);
	warn("-------------------------------------------------------------");
	warn("%p @offset=%zu of an object of %u bytes. First byte 0x%02x instead of 0x%02x",
	     (const void *)bad, (size_t)(bad - start), c->object_size, *bad,
	     want);
	dump(c, start, bad);
	bug("invalid contents of %p: cache %s: %s", obj, name, what);
}

/* --- bytes --- */

static void expect_bytes(const struct kmem_cache *c, const void *obj,
			 size_t from, size_t to, unsigned int want,
			 const char *what)
{
	const unsigned char *p = obj;

	for (size_t i = from; i < to; i++)
		if (unlikely(p[i] != want))
			report(c, obj, p + i, want, what);
}

static void expect_red(const struct kmem_cache *c, const void *obj,
		       unsigned int want)
{
	if (c->flags & SLAB_RED_ZONE)
		expect_bytes(c, obj, c->object_size, c->size, want,
			     "Right Redzone overwritten");
}

static void paint_red(const struct kmem_cache *c, void *obj, int byte)
{
	if (c->flags & SLAB_RED_ZONE)
		memset((char *)obj + c->object_size, byte,
		       c->size - c->object_size);
}

static void paint_free(const struct kmem_cache *c, void *obj)
{
	if (c->flags & SLAB_POISON) {
		memset(obj, POISON_FREE, c->object_size - 1);
		((unsigned char *)obj)[c->object_size - 1] = POISON_END;
	}
	paint_red(c, obj, RED_INACTIVE);
}

void debug_new_object(const struct kmem_cache *c, void *obj)
{
	paint_free(c, obj);
}

void debug_check_free(const struct kmem_cache *c, void *obj)
{
	size_t end = c->object_size - 1;

	if (c->flags & SLAB_POISON) {
		expect_bytes(c, obj, 0, end, POISON_FREE, "Poison overwritten");
		expect_bytes(c, obj, end, end + 1, POISON_END,
			     "Poison overwritten");
	}
	expect_red(c, obj, RED_INACTIVE);
}

/* --- alloc and free --- */

void *debug_alloc(struct kmem_cache *c, unsigned int node, bool nested)
{
	void *obj;

	if (!slab_take(c, node, &obj, 1, nested))
		return NULL;
	debug_check_free(c, obj);
	if (c->flags & SLAB_POISON)
		memset(obj, POISON_INUSE, c->object_size);
	paint_red(c, obj, RED_ACTIVE);
	return obj;
}

bool debug_free(struct kmem_cache *c, void *obj, bool nested)
{
	const char *why = slab_check_object(obj);

	if (unlikely(why))
		bug("invalid free of %p: cache %s: %s", obj,
		    cache_stat(c)->name, why);
	expect_red(c, obj, RED_ACTIVE);
	paint_free(c, obj);
	if (slab_give(c, &obj, 1, nested))
		return true;
	/* It will be freed again, when the cache is not locked. */
	paint_red(c, obj, RED_ACTIVE);
	return false;
}
