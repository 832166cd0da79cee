/* SPDX-License-Identifier: MIT */
/*
 * vma.c - the areas of an mm: an AVL tree that knows its holes, and a list.
 *
 * Every area knows the largest hole before an area of its subtree, which is
 * what the search for a hole goes by. The hole before an area depends on the
 * area before it in the list, wherever that is in the tree. So the list is
 * changed first: whoever then changes the tree refreshes every node from the
 * place of the change up to the root, and the area whose hole got another size
 * is always one of these. (It is the next of an area that comes or goes. Of one
 * that comes it is an ancestor, for that comes as a leaf; of one that goes it
 * is an ancestor, too, or takes its place.) Only areas that change their size
 * where they are need a walk of their own, refresh_path().
 *
 * The next area's hole is all that an area's end matters for. The tree is
 * ordered by start, and a start moves only where no other area is.
 *
 * Invariants, checked by mm_validate():
 *
 *	areas	page-aligned, in the window, by address, not overlapping, and no
 *		two neighbours that could be one
 *	tree	the list's areas in the list's order; subtrees of a node differ
 *		by at most one in height; height and max_gap are true
 *	record	says what the area is, if it has one
 *	mm	counters are true, last_found is NULL or one of the areas
 *
 * What needs memory gets it before anything is changed. Recursion goes as deep
 * as the tree is high: 60 for 2^40 areas.
 *
 * Lock: the mm's, held by the caller.
 */
#include "vma/vma.h"

#include <errno.h>

#include "base/area.h"
#include "base/bug.h"
#include "page_alloc/page.h"
#include "slab/slab.h"

static struct kmem_cache *cache; /* Const after vma_init() */

int vma_init(void)
{
	if (cache)
		return 0;
	return kmem_cache_create(&cache, "vm_area", sizeof(struct vm_area), 0,
				 0, NULL);
}

void mm_init(struct mm *mm, uintptr_t start, uintptr_t end,
	     enum control_area_kind kind)
{
	BUG_ON(!start || start >= end || (start | end) % PAGE_SIZE);
	*mm = (struct mm){ .start = start, .end = end, .kind = kind };
	INIT_LIST_HEAD(&mm->areas);
}

/* --- what is shown --- */

static struct area_slots area_slots; /* Lock: LOCK_MM */

static void show_record(const struct mm *mm, struct vm_area *vma, bool is_new)
{
	struct control_area record = {
		.kind = (uint8_t)mm->kind,
		.start = vma->start,
		.size = vma->end - vma->start,
		.offset = vma->pgoff << PAGE_SHIFT,
		.pager = (uintptr_t)vma->ops,
		.faults = vma->faults,
		.filled = vma->filled << PAGE_SHIFT,
	};

	if (!mm->kind)
		return;
	record.prot = (uint8_t)((vma->flags & VM_READ ? AREA_READ : 0) |
				(vma->flags & VM_WRITE ? AREA_WRITE : 0));
	area_show(AREAS_MM, &area_slots, &vma->slot, is_new, &record);
}

void vma_show(const struct mm *mm, struct vm_area *vma)
{
	show_record(mm, vma, false);
}

static void vma_hide(const struct mm *mm, struct vm_area *vma)
{
	if (mm->kind)
		area_hide(AREAS_MM, &area_slots, &vma->slot);
}

/* --- neighbours and holes --- */

struct vm_area *vma_next(const struct mm *mm, const struct vm_area *vma)
{
	if (vma->list.next == &mm->areas)
		return NULL;
	return list_entry(vma->list.next, struct vm_area, list);
}

static struct vm_area *vma_prev(const struct mm *mm, const struct vm_area *vma)
{
	if (vma->list.prev == &mm->areas)
		return NULL;
	return list_entry(vma->list.prev, struct vm_area, list);
}

static struct vm_area *last_area(const struct mm *mm)
{
	if (list_empty(&mm->areas))
		return NULL;
	return list_last_entry(&mm->areas, struct vm_area, list);
}

static size_t pages_between(uintptr_t start, uintptr_t end)
{
	return (end - start) >> PAGE_SHIFT;
}

/*
 * The size of the hole from @prev (NULL: the start of the window) to @end: what
 * lies between, without the guard of @prev.
 */
static size_t hole_size(const struct mm *mm, const struct vm_area *prev,
			uintptr_t end)
{
	size_t between = end - (prev ? prev->end : mm->start);
	size_t guard = prev ? PAGE_SIZE : 0;

	return between > guard ? between - guard : 0;
}

/* Can @b be the continuation of @a? */
static bool can_merge(const struct vm_area *a, const struct vm_area *b)
{
	return a->end == b->start && a->flags == b->flags &&
	       !(a->flags & VM_ALONE) && a->ops == b->ops &&
	       a->private_data == b->private_data &&
	       a->pgoff + pages_between(a->start, a->end) == b->pgoff;
}

/* --- the tree --- */

static uint32_t height_of(const struct vm_area *vma)
{
	return vma ? vma->height : 0;
}

static size_t max_gap_of(const struct vm_area *vma)
{
	return vma ? vma->max_gap : 0;
}

static uint32_t height_from_children(const struct vm_area *vma)
{
	uint32_t left = height_of(vma->left), right = height_of(vma->right);

	return 1 + (left > right ? left : right);
}

static size_t max_gap_from_children(const struct mm *mm,
				    const struct vm_area *vma)
{
	size_t gap = hole_size(mm, vma_prev(mm, vma), vma->start);

	return max_size(gap, max_size(max_gap_of(vma->left),
				      max_gap_of(vma->right)));
}

static void refresh(const struct mm *mm, struct vm_area *vma)
{
	vma->height = height_from_children(vma);
	vma->max_gap = max_gap_from_children(mm, vma);
}

/* The hole before @vma has changed; the tree has not. */
static void refresh_path(const struct mm *mm, struct vm_area *root,
			 const struct vm_area *vma)
{
	if (vma->start < root->start)
		refresh_path(mm, root->left, vma);
	else if (vma != root)
		refresh_path(mm, root->right, vma);
	refresh(mm, root);
}

/*
 *	  vma              pivot
 *	 /   \            /     \
 *	a   pivot   ->  vma      c
 *	    /   \      /   \
 *	   b     c    a     b
 */
static struct vm_area *rotate_left(const struct mm *mm, struct vm_area *vma)
{
	struct vm_area *pivot = vma->right;

	vma->right = pivot->left;
	pivot->left = vma;
	refresh(mm, vma);
	refresh(mm, pivot);
	return pivot;
}

static struct vm_area *rotate_right(const struct mm *mm, struct vm_area *vma)
{
	struct vm_area *pivot = vma->left;

	vma->left = pivot->right;
	pivot->right = vma;
	refresh(mm, vma);
	refresh(mm, pivot);
	return pivot;
}

/* By how much the left subtree is the higher one. */
static int lean_of(const struct vm_area *vma)
{
	return (int)height_of(vma->left) - (int)height_of(vma->right);
}

/* One subtree of @vma has changed by one in height. Return: what is on top. */
static struct vm_area *balance(const struct mm *mm, struct vm_area *vma)
{
	int lean = lean_of(vma);

	if (lean > 1) {
		if (lean_of(vma->left) < 0)
			vma->left = rotate_left(mm, vma->left);
		return rotate_right(mm, vma);
	}
	if (lean < -1) {
		if (lean_of(vma->right) > 0)
			vma->right = rotate_right(mm, vma->right);
		return rotate_left(mm, vma);
	}
	refresh(mm, vma);
	return vma;
}

/* These three return what is on top afterwards; the list was changed before. */
static struct vm_area *tree_insert(const struct mm *mm, struct vm_area *root,
				   struct vm_area *vma)
{
	if (!root) {
		vma->left = vma->right = NULL;
		refresh(mm, vma);
		return vma;
	}
	if (vma->start < root->start)
		root->left = tree_insert(mm, root->left, vma);
	else
		root->right = tree_insert(mm, root->right, vma);
	return balance(mm, root);
}

static struct vm_area *take_first(const struct mm *mm, struct vm_area *root,
				  struct vm_area **ret_first)
{
	if (!root->left) {
		*ret_first = root;
		return root->right;
	}
	root->left = take_first(mm, root->left, ret_first);
	return balance(mm, root);
}

static struct vm_area *tree_erase(const struct mm *mm, struct vm_area *root,
				  const struct vm_area *vma)
{
	struct vm_area *next, *rest;

	if (vma->start < root->start) {
		root->left = tree_erase(mm, root->left, vma);
		return balance(mm, root);
	}
	if (vma != root) {
		root->right = tree_erase(mm, root->right, vma);
		return balance(mm, root);
	}
	if (!vma->right)
		return vma->left;
	rest = take_first(mm, vma->right, &next);
	next->left = vma->left;
	next->right = rest;
	return balance(mm, next);
}

/* --- areas come, go and change their size --- */

static void link_area(struct mm *mm, struct vm_area *vma, struct vm_area *prev)
{
	list_add(&vma->list, prev ? &prev->list : &mm->areas);
	mm->root = tree_insert(mm, mm->root, vma);
	mm->map_count++;
	vma->slot = 0;
	show_record(mm, vma, true);
}

static void free_area(struct mm *mm, struct vm_area *vma)
{
	vma_hide(mm, vma);
	list_del(&vma->list);
	mm->root = tree_erase(mm, mm->root, vma);
	mm->map_count--;
	if (mm->last_found == vma)
		mm->last_found = NULL;
	kmem_cache_free(cache, vma);
}

static void set_start(struct mm *mm, struct vm_area *vma, uintptr_t start)
{
	/* Modulo 2^64: @start may lie before where it was. */
	vma->pgoff += (start >> PAGE_SHIFT) - (vma->start >> PAGE_SHIFT);
	vma->start = start;
	refresh_path(mm, mm->root, vma);
	vma_show(mm, vma);
}

static void set_end(struct mm *mm, struct vm_area *vma, uintptr_t end)
{
	struct vm_area *next = vma_next(mm, vma);

	vma->end = end;
	if (next)
		refresh_path(mm, mm->root, next);
	vma_show(mm, vma);
}

/* @spare becomes what @vma is from @addr, which lies inside it, on. */
static void split_area(struct mm *mm, struct vm_area *vma, uintptr_t addr,
		       struct vm_area *spare)
{
	*spare = *vma;
	spare->start = addr;
	spare->pgoff += pages_between(vma->start, addr);
	spare->faults = spare->filled = 0;
	vma->end = addr;
	vma_show(mm, vma);
	link_area(mm, spare, vma);
}

/* Return: the area that @vma is, or is now a part of. */
static struct vm_area *merge_with_prev(struct mm *mm, struct vm_area *vma)
{
	struct vm_area *prev = vma_prev(mm, vma);

	if (!prev || !can_merge(prev, vma))
		return vma;
	prev->faults += vma->faults;
	prev->filled += vma->filled;
	prev->end = vma->end;
	free_area(mm, vma);
	vma_show(mm, prev);
	return prev;
}

/* --- finding --- */

static struct vm_area *tree_find(const struct mm *mm, uintptr_t addr)
{
	struct vm_area *vma = mm->root, *found = NULL;

	while (vma) {
		if (vma->end <= addr) {
			vma = vma->right;
			continue;
		}
		found = vma;
		if (vma->start <= addr)
			break;
		vma = vma->left;
	}
	return found;
}

struct vm_area *find_vma(struct mm *mm, uintptr_t addr)
{
	struct vm_area *vma = mm->last_found;

	if (vma && vma->start <= addr && addr < vma->end)
		return vma;
	vma = tree_find(mm, addr);
	if (vma)
		mm->last_found = vma;
	return vma;
}

struct vm_area *find_vma_prev(struct mm *mm, uintptr_t addr,
			      struct vm_area **ret_prev)
{
	struct vm_area *vma = find_vma(mm, addr);

	*ret_prev = vma ? vma_prev(mm, vma) : last_area(mm);
	return vma;
}

struct vm_area *find_vma_intersection(struct mm *mm, uintptr_t start,
				      uintptr_t end)
{
	struct vm_area *vma = start < end ? find_vma(mm, start) : NULL;

	return vma && vma->start < end ? vma : NULL;
}

size_t mapped_without_hole(struct mm *mm, uintptr_t start, uintptr_t end)
{
	struct vm_area *vma = find_vma_intersection(mm, start, end);
	uintptr_t reached = start;

	while (vma && vma->start <= reached && reached < end) {
		reached = vma->end < end ? vma->end : end;
		vma = vma_next(mm, vma);
	}
	return reached - start;
}

/* --- holes --- */

/* Where in the hole that ends at @end the request fits; 0: nowhere. */
static uintptr_t fits_at(const struct mm *mm, const struct vm_area *prev,
			 uintptr_t end, size_t len, size_t align)
{
	uintptr_t start = end - hole_size(mm, prev, end);
	uintptr_t addr = align_up(start, align);

	if (addr < start || addr > end || end - addr < len + PAGE_SIZE)
		return 0;
	return addr;
}

/* The lowest such place in the holes before the areas of a subtree. */
static uintptr_t lowest_fit(const struct mm *mm, const struct vm_area *root,
			    size_t len, size_t align)
{
	uintptr_t addr;

	if (max_gap_of(root) < len + PAGE_SIZE)
		return 0;
	addr = lowest_fit(mm, root->left, len, align);
	if (!addr)
		addr = fits_at(mm, vma_prev(mm, root), root->start, len, align);
	if (!addr)
		addr = lowest_fit(mm, root->right, len, align);
	return addr;
}

uintptr_t get_unmapped_area(const struct mm *mm, size_t len, size_t align)
{
	uintptr_t addr;

	BUG_ON(!len || len % PAGE_SIZE);
	BUG_ON(!is_power_of_2(align) || align < PAGE_SIZE);
	/* With the guard page it would not be a number. */
	if (len >= mm->end - mm->start)
		return 0;
	addr = lowest_fit(mm, mm->root, len, align);
	if (!addr)
		addr = fits_at(mm, last_area(mm), mm->end, len, align);
	return addr;
}

/* --- mapping and unmapping --- */

static struct vm_area *alloc_copy(const struct vm_area *desc)
{
	struct vm_area *vma = kmem_cache_alloc(cache);

	if (vma)
		*vma = (struct vm_area){
			.start = desc->start,
			.end = desc->end,
			.flags = desc->flags,
			.pgoff = desc->pgoff,
			.ops = desc->ops,
			.private_data = desc->private_data,
		};
	return vma;
}

struct vm_area *insert_vm_area(struct mm *mm, const struct vm_area *desc)
{
	struct vm_area *prev, *vma;
	struct vm_area *next = find_vma_prev(mm, desc->start, &prev);

	BUG_ON(desc->start >= desc->end);
	BUG_ON((desc->start | desc->end) % PAGE_SIZE);
	BUG_ON(desc->start < mm->start || desc->end > mm->end);
	BUG_ON(next && next->start < desc->end);
	if (prev && can_merge(prev, desc)) {
		vma = prev;
		set_end(mm, vma, desc->end);
		if (next)
			merge_with_prev(mm, next);
	} else if (next && can_merge(desc, next)) {
		vma = next;
		set_start(mm, vma, desc->start);
	} else {
		vma = alloc_copy(desc);
		if (!vma)
			return NULL;
		link_area(mm, vma, prev);
	}
	mm->total_vm += pages_between(desc->start, desc->end);
	return vma;
}

/* @spare: for the rest, if the piece is from the middle. */
static void remove_piece(struct mm *mm, struct vm_area *vma, uintptr_t start,
			 uintptr_t end, struct vm_area *spare)
{
	mm->total_vm -= pages_between(start, end);
	if (vma->start < start) {
		if (end < vma->end)
			split_area(mm, vma, end, spare);
		set_end(mm, vma, start);
	} else if (end < vma->end) {
		set_start(mm, vma, end);
	} else {
		free_area(mm, vma);
	}
}

int unmap_areas(struct mm *mm, uintptr_t start, uintptr_t end,
		void (*gone)(const struct vm_area *vma, uintptr_t start,
			     uintptr_t end))
{
	struct vm_area *vma = find_vma_intersection(mm, start, end);
	struct vm_area *next, *spare = NULL;

	BUG_ON((start | end) % PAGE_SIZE);
	if (vma && vma->start < start && end < vma->end) {
		spare = kmem_cache_alloc(cache);
		if (!spare)
			return -ENOMEM;
	}
	for (; vma && vma->start < end; vma = next) {
		uintptr_t from = vma->start < start ? start : vma->start;
		uintptr_t to = vma->end < end ? vma->end : end;

		next = vma_next(mm, vma);
		if (gone)
			gone(vma, from, to);
		remove_piece(mm, vma, from, to, spare);
	}
	return 0;
}

/* --- changing flags --- */

struct change {
	uint32_t set, clear;
};

static uint32_t changed_flags(const struct vm_area *vma, struct change c)
{
	return (vma->flags & ~c.clear) | c.set;
}

/* The area that must be split at @addr, for only one part of it changes. */
static struct vm_area *area_to_split(struct mm *mm, uintptr_t addr,
				     struct change c)
{
	struct vm_area *vma = find_vma(mm, addr);

	if (!vma || vma->start >= addr || changed_flags(vma, c) == vma->flags)
		return NULL;
	return vma;
}

static int split_at_both(struct mm *mm, uintptr_t start, uintptr_t end,
			 struct change c)
{
	struct vm_area *spare_head = NULL, *spare_tail = NULL;
	struct vm_area *head = area_to_split(mm, start, c);

	if (head) {
		spare_head = kmem_cache_alloc(cache);
		if (!spare_head)
			return -ENOMEM;
	}
	if (area_to_split(mm, end, c)) {
		spare_tail = kmem_cache_alloc(cache);
		if (!spare_tail) {
			if (spare_head)
				kmem_cache_free(cache, spare_head);
			return -ENOMEM;
		}
	}
	if (head)
		split_area(mm, head, start, spare_head);
	/* It may be another one now. */
	if (spare_tail)
		split_area(mm, area_to_split(mm, end, c), end, spare_tail);
	return 0;
}

int change_areas(struct mm *mm, uintptr_t start, uintptr_t end, uint32_t set,
		 uint32_t clear)
{
	struct change c = { .set = set, .clear = clear };
	struct vm_area *vma;

	BUG_ON((start | end) % PAGE_SIZE);
	if (start >= end)
		return 0;
	if (split_at_both(mm, start, end, c) < 0)
		return -ENOMEM;
	vma = find_vma_intersection(mm, start, end);
	for (; vma && vma->start < end; vma = vma_next(mm, vma)) {
		/* One that reaches beyond the range has these flags already. */
		vma->flags = changed_flags(vma, c);
		vma_show(mm, vma);
		vma = merge_with_prev(mm, vma);
	}
	/* The first behind the range. */
	if (vma)
		merge_with_prev(mm, vma);
	return 0;
}

void mm_forget(struct mm *mm)
{
	struct list_head *i, *next;

	list_for_each_safe(i, next, &mm->areas) {
		struct vm_area *vma = list_entry(i, struct vm_area, list);

		vma_hide(mm, vma);
		kmem_cache_free(cache, vma);
	}
	mm_init(mm, mm->start, mm->end, mm->kind);
}

/* --- checking --- */

struct walk {
	const struct mm *mm;
	const struct vm_area *prev;
	size_t nr, pages;
	bool found; /* last_found */
};

static void validate_record(const struct vm_area *vma)
{
	const struct control_area *r = &control.areas[AREAS_MM][vma->slot - 1];

	BUG_ON(r->seq & 1 || r->kind == AREA_NONE);
	BUG_ON(r->start != vma->start || r->size != vma->end - vma->start);
	BUG_ON(!(r->prot & AREA_WRITE) != !(vma->flags & VM_WRITE));
}

static void validate_area(struct walk *walk, const struct vm_area *vma)
{
	const struct vm_area *prev = walk->prev;
	const struct mm *mm = walk->mm;

	BUG_ON((vma->start | vma->end) % PAGE_SIZE);
	BUG_ON(vma->start >= vma->end);
	BUG_ON(vma->start < mm->start || vma->end > mm->end);
	BUG_ON(vma->list.prev != (prev ? &prev->list : &mm->areas));
	BUG_ON(vma->list.prev->next != &vma->list);
	BUG_ON(prev && prev->end > vma->start);
	BUG_ON(prev && can_merge(prev, vma));
	if (mm->kind && vma->slot)
		validate_record(vma);
	walk->prev = vma;
	walk->nr++;
	walk->pages += pages_between(vma->start, vma->end);
	walk->found |= vma == mm->last_found;
}

static void validate_tree(struct walk *walk, const struct vm_area *vma)
{
	if (!vma)
		return;
	/* Before it is gone down: a tree with a loop ends here. */
	BUG_ON(vma->height != height_from_children(vma));
	BUG_ON(lean_of(vma) > 1 || lean_of(vma) < -1);
	validate_tree(walk, vma->left);
	validate_area(walk, vma);
	validate_tree(walk, vma->right);
	BUG_ON(vma->max_gap != max_gap_from_children(walk->mm, vma));
}

void mm_validate(const struct mm *mm)
{
	struct walk walk = { .mm = mm, .found = !mm->last_found };

	validate_tree(&walk, mm->root);
	BUG_ON(mm->areas.prev != (walk.prev ? &walk.prev->list : &mm->areas));
	BUG_ON(mm->areas.prev->next != &mm->areas);
	BUG_ON(walk.nr != mm->map_count);
	BUG_ON(walk.pages != mm->total_vm);
	BUG_ON(!walk.found);
}
