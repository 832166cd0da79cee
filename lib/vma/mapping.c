/* SPDX-License-Identifier: MIT */
/*
 * mapping.c - anonymous mappings that programs make and unmap again and again.
 *
 * The kernel takes over a microsecond for each page of a new mapping and a third
 * of one to take it back; clearing a page that is there takes a tenth. So what a
 * program unmaps is kept for the next mapping of the same size: its page tables
 * are moved out of sight and the range is unmapped; later they are moved, cleared,
 * to where the kernel would put a new mapping. So nobody can tell the difference
 * but by the clock: all addresses are of the kernel's choice, all protections and
 * limits are its own.
 *
 * That is only right for mappings that are as they were made. Those are known:
 * areas of `mapped`, which lose whatever part a wrapper sees changed. What no
 * wrapper sees (system calls made directly) is found out when it matters: the
 * kernel refuses MADV_FREE for memory that is locked or not anonymous, and to
 * move more than one of its mappings at a time. To know too little is safe: then
 * the kernel does what it always does.
 *
 * Nor what never comes back: a stack that grows by mapping twice its size and
 * unmapping the old one asks for none of these sizes again. So a size has to be
 * mapped soon after it was unmapped before it is kept.
 *
 * Keeping what was hardly touched would cost more than it gains. Nothing tells
 * what was touched but the CPU time that clearing takes: what begins slowly is not
 * cleared to its end, nor is its size kept for a while.
 *
 * Lock: mm_lock, not held during system calls that take long.
 */
#include "vma/mapping.h"

#include <string.h>

#include "base/bug.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "page_alloc/page.h"
#include "vma/internal.h"
#include "vma/lazy.h"

enum {
	NR_KEPT = 32,
	NR_SIZES = 64, /* by the logarithm of the size */
	NR_GONE = 32,
	/* Above this the kernel's faults are cheaper if not all is touched. */
	KEEP_MAX = MiB(32),
	SLOT_SIZE = KEEP_MAX + PAGE_SIZE,
	/* Clearing a page of memory that is there takes 60 to 190 ns. */
	SLOW_CLEAR_NS = 500,
	/* Between two looks at the clock: the first after as much as may be made
	 * in vain, the others so that looking takes a hundredth of the time. */
	CLEAR_MIN = KiB(256),
	CLEAR_MAX = MiB(1),
	/* Mappings of a size that are not kept after a slow one: at first, for it
	 * may have been an interrupt, and after many in a row. */
	WAIT_MIN = 1,
	WAIT_MAX = 4096,
	KEEP_TICKS = 4,
};

/*
 * What is kept lies in a window of our own, where no program puts anything: slot i
 * begins at window + i * SLOT_SIZE. A size of 0: free.
 */
static char *window;
static struct kept {
	size_t size;
	uint32_t age; /* ticks */
	/*
	 * On its way in or out without the lock, its owner's meanwhile; in the
	 * child of a fork for good, if that is another thread. Atomic
	 */
	bool busy;
} kept[NR_KEPT];

static size_t kept_bytes; /* Atomic */
/* Sizes that are hardly touched. Atomic; a lost update does no harm. */
static struct sparse {
	uint16_t wait; /* mappings until one is kept again */
	uint16_t next_wait;
} sparse[NR_SIZES];
/* Sizes that were unmapped lately; of 0: free. Lock: mm_lock */
static struct gone {
	size_t size;
	uint32_t age; /* ticks since it was last mapped or unmapped */
	bool returns; /* it was mapped since */
} gone[NR_GONE];
static unsigned int next_gone; /* the one to be replaced. Lock: mm_lock */

static struct mm mapped;
static bool enabled; /* Atomic: only ever turned off after mapping_init() */
/* Atomic: a handler could not keep `mapped` right, so all of it is forgotten. */
static bool lost_track;

void mapping_init(bool quiet)
{
	/* Where address space is short, the window would be missed. */
	enabled = !quiet && !os_address_space_is_limited();
}

bool mapping_is_managed(size_t size)
{
	return load_relaxed(&enabled) && load_relaxed(&params.mmap_cache) &&
	       size >= params.mmap_threshold << 10 &&
	       (size <= KEEP_MAX || lazy_wants(size));
}

/* Return: false in a handler that may not wait for the lock. */
static bool lock_mapped(void)
{
	if (!mm_lock_acquire())
		return false;
	if (unlikely(load_relaxed(&lost_track))) {
		store_relaxed(&lost_track, false);
		lazy_disarm(0, UINTPTR_MAX, false);
		if (mapped.end)
			mm_forget(&mapped);
	}
	return true;
}

/* --- what is known --- */

static struct gone *find_gone(size_t size)
{
	for (int i = 0; i < NR_GONE; i++)
		if (gone[i].size == size)
			return &gone[i];
	return NULL;
}

static void note_mapped(size_t size)
{
	struct gone *g = find_gone(size);

	if (!g)
		return;
	g->returns = true;
	g->age = 0;
}

/* Return: was @size mapped soon after it was unmapped before? */
static bool note_unmapped(size_t size)
{
	struct gone *g = find_gone(size);

	if (!g) {
		g = &gone[next_gone];
		next_gone = (next_gone + 1) % NR_GONE;
		*g = (struct gone){ .size = size };
	}
	g->age = 0;
	return g->returns;
}

/* With the lock held. */
static void untrack(uintptr_t start, uintptr_t end)
{
	if (unmap_areas(&mapped, start, end, NULL) < 0)
		mm_forget(&mapped);
}

void mapping_track(void *addr, size_t size)
{
	struct vm_area desc = {
		.start = (uintptr_t)addr,
		.end = (uintptr_t)addr + size,
		.flags = VM_READ | VM_WRITE | VM_ALONE,
	};

	if (!lock_mapped())
		return;
	if (!mapped.end)
		mm_init(&mapped, PAGE_SIZE, (uintptr_t)1 << 47, AREA_MMAP);
	/* Unmapped by a system call that no wrapper saw. */
	untrack(desc.start, desc.end);
	if (vma_init() == 0)
		(void)!insert_vm_area(&mapped, &desc);
	note_mapped(size);
	count_vm_event(MMAP_MANAGED);
	mm_lock_release();
}

void mapping_untrack(const void *addr, size_t size)
{
	uintptr_t start = align_down((uintptr_t)addr, PAGE_SIZE);
	uintptr_t end = align_up((uintptr_t)addr + size, PAGE_SIZE);

	if (!load_relaxed(&mapped.map_count))
		return;
	if (!lock_mapped()) {
		store_relaxed(&lost_track, true);
		return;
	}
	/* Past the end of all addresses: the kernel will refuse. */
	end = min_size(end, mapped.end);
	if (start < end) {
		lazy_disarm(start, end, false);
		untrack(max_size(start, mapped.start), end);
	}
	mm_lock_release();
}

void mapping_stop(void)
{
	if (likely(!load_relaxed(&enabled)))
		return;
	store_relaxed(&enabled, false);
	/* What is mapped now is forgotten with the next look at it. */
	store_relaxed(&lost_track, true);
}

/* --- what is kept --- */

static char *slot(const struct kept *k)
{
	return window + (size_t)(k - kept) * SLOT_SIZE;
}

/* With the lock held: a slot of that size, which nobody else will take. */
static struct kept *take_slot(size_t size)
{
	for (int i = 0; i < NR_KEPT; i++)
		if (!load_acquire(&kept[i].busy) && kept[i].size == size) {
			kept[i].busy = true;
			return &kept[i];
		}
	return NULL;
}

/* Without the lock, unless its holder does it: the slot's new state. */
static void put_slot(struct kept *k, size_t size)
{
	fetch_add_relaxed(&kept_bytes, size - k->size);
	k->size = size;
	k->age = 0;
	store_release(&k->busy, false);
}

/* Only reserved again: what is accessible counts against limits. */
static void empty_slot(struct kept *k)
{
	if (os_reserve_again(slot(k), k->size + PAGE_SIZE) == 0)
		put_slot(k, 0);
}

static bool was_slow(size_t bytes, uint64_t took_us)
{
	return took_us * 1000 / (bytes >> PAGE_SHIFT) > SLOW_CLEAR_NS;
}

/* A mapping of @size was cleared, or begun to be. */
static void judge(size_t size, bool slow)
{
	struct sparse *s = &sparse[ilog2(size)];
	size_t wait = 0;

	if (slow) {
		wait = max_size(load_relaxed(&s->next_wait), WAIT_MIN);
		store_relaxed(&s->wait, (uint16_t)wait);
	}
	store_relaxed(&s->next_wait, (uint16_t)min_size(wait * 4, WAIT_MAX));
}

/*
 * The kernel may or may not have unmapped the slot before it refused. If not, or if
 * someone else's mapping came there meanwhile, it is lost, which `busy` says.
 */
static void repair_slot(struct kept *k)
{
	if (os_reserve_at(slot(k), SLOT_SIZE))
		put_slot(k, 0);
}

/* Return: false: that would be slow, since it makes all pages that are not there. */
static bool clear(char *addr, size_t size)
{
	uint64_t before = os_thread_us();
	size_t done = 0;
	bool slow;

	/* It may have been made read-only by a call that no wrapper saw. */
	if (os_protect(addr, size, true, true) < 0)
		return false;
	do {
		size_t part = max_size(min_size(done, CLEAR_MAX), CLEAR_MIN);

		part = min_size(part, size - done);
		memset(addr + done, 0, part);
		done += part;
		slow = was_slow(done, os_thread_us() - before);
	} while (!slow && done < size);
	judge(size, slow);
	return done == size;
}

/* --- what is kept, for lazy.c --- */

size_t kept_total(void)
{
	return load_relaxed(&kept_bytes);
}

struct kept *kept_borrow(size_t most, struct loan *ret)
{
	struct kept *best = NULL;

	for (int i = 0; i < NR_KEPT; i++) {
		struct kept *k = &kept[i];

		if (!load_acquire(&k->busy) && k->size > (best ? best->size : 0))
			best = k;
	}
	if (!best)
		return NULL;
	best->busy = true;
	/* From its end, so that the rest starts where the slot does. */
	ret->size = min_size(most, best->size);
	ret->addr = slot(best) + best->size - ret->size;
	return best;
}

void kept_return(struct kept *k, const struct loan *loan)
{
	if (os_reserve_again(loan->addr, loan->size) == 0)
		put_slot(k, k->size - loan->size);
}

void mapping_count_fault(uintptr_t addr, size_t pages)
{
	struct vm_area *vma =
		find_vma_intersection(&mapped, addr, addr + PAGE_SIZE);

	if (!vma)
		return;
	vma->faults++;
	vma->filled += pages;
	vma_show(&mapped, vma);
}

/* --- in and out --- */

static struct kept *take_kept(size_t size)
{
	struct kept *k;

	if (!lock_mapped())
		return NULL;
	k = take_slot(size);
	mm_lock_release();
	return k;
}

void *mapping_reuse(size_t size)
{
	struct kept *k;
	void *addr = NULL;

	size = align_up(size, PAGE_SIZE);
	if (!load_relaxed(&kept_bytes))
		return NULL;
	k = take_kept(size);
	if (!k)
		return NULL;
	if (clear(slot(k), size))
		addr = os_move_out(slot(k), size);
	empty_slot(k);
	if (addr) {
		count_vm_event(MMAP_REUSE);
		return addr;
	}
	/* The others of its size would most likely fare no better. */
	while ((k = take_kept(size)))
		empty_slot(k);
	return NULL;
}

/* With the lock held: the range is one mapping as it was made. */
static bool is_whole(uintptr_t start, uintptr_t end)
{
	const struct vm_area *vma = find_vma(&mapped, start);

	return vma && vma->start == start && vma->end == end;
}

static bool worth_keeping(size_t size)
{
	struct sparse *s = &sparse[ilog2(size)];
	uint16_t wait = load_relaxed(&s->wait);

	/* With lazy a mapping of any size may be filled with it. */
	if (!note_unmapped(size) && !lazy_wants(size))
		return false;
	if (wait) {
		store_relaxed(&s->wait, (uint16_t)(wait - 1));
		return false;
	}
	if (load_relaxed(&kept_bytes) + size > load_relaxed(&params.mmap_cache) << 10)
		return false;
	if (!window)
		window = os_reserve(NR_KEPT * SLOT_SIZE, false);
	if (!window)
		mapping_stop();
	return window != NULL;
}

/* With the lock held, which is given up: the range is not tracked any more.
 * Return: a slot for it if it should be kept. */
static struct kept *slot_for(uintptr_t start, uintptr_t end)
{
	struct kept *k = NULL;

	if (is_whole(start, end) && worth_keeping(end - start))
		k = take_slot(0);
	untrack(start, end);
	mm_lock_release();
	return k;
}

/*
 * With the lock held, which is given up: the same for more than a slot holds, part
 * by part from its start. Return: how many slots.
 */
static size_t slots_for(uintptr_t start, uintptr_t end, struct kept **slots)
{
	size_t most = (end - start) / KEEP_MAX, nr = 0;

	if (is_whole(start, end) && lazy_wants(end - start))
		while (nr < min_size(most, NR_KEPT) &&
		       worth_keeping((nr + 1) * KEEP_MAX)) {
			slots[nr] = take_slot(0);
			if (!slots[nr])
				break;
			nr++;
		}
	untrack(start, end);
	mm_lock_release();
	return nr;
}

/* Nothing is unmapped that was not taken away before. */
static bool retire_parts(uintptr_t start, uintptr_t end)
{
	struct kept *slots[NR_KEPT];
	size_t nr = slots_for(start, end, slots);
	uintptr_t rest = start + nr * KEEP_MAX;

	if (!nr || !os_is_plain((void *)start) ||
	    (rest < end && os_release((void *)rest, end - rest) < 0)) {
		for (size_t i = 0; i < nr; i++)
			put_slot(slots[i], 0);
		return false;
	}
	for (size_t i = 0; i < nr; i++) {
		void *part = (void *)(start + i * KEEP_MAX);

		if (os_move_in(part, KEEP_MAX, slot(slots[i])) == 0) {
			count_vm_event(MMAP_KEPT);
			put_slot(slots[i], KEEP_MAX);
		} else {
			repair_slot(slots[i]);
			(void)!os_release(part, KEEP_MAX);
		}
	}
	return true;
}

bool mapping_retire(void *addr, size_t size)
{
	uintptr_t start = (uintptr_t)addr;
	uintptr_t end = start + align_up(size, PAGE_SIZE);
	struct kept *k;

	/* What makes no sense is for the kernel to refuse. */
	if (!load_relaxed(&mapped.map_count) || start % PAGE_SIZE ||
	    start < mapped.start || end > mapped.end || end <= start)
		return false;
	if (!lock_mapped()) {
		store_relaxed(&lost_track, true);
		return false;
	}
	lazy_disarm(start, end, true);
	if (end - start > KEEP_MAX)
		return retire_parts(start, end);
	k = slot_for(start, end);
	if (!k)
		return false;
	if (!os_is_plain(addr)) {
		put_slot(k, 0);
		return false;
	}
	if (os_move_in(addr, end - start, slot(k)) < 0) {
		repair_slot(k);
		return false;
	}
	count_vm_event(MMAP_KEPT);
	put_slot(k, end - start);
	return true;
}

/* --- giving back --- */

static void drop_older(uint32_t age)
{
	for (int i = 0; i < NR_KEPT; i++) {
		struct kept *k = &kept[i];

		if (load_acquire(&k->busy) || !k->size || k->age < age)
			continue;
		empty_slot(k);
	}
}

void mapping_decay(unsigned int ticks)
{
	/* Inside the gate, where nobody waits for this lock. */
	if (!load_relaxed(&mapped.end) || !mm_lock_try())
		return;
	for (int i = 0; i < NR_KEPT; i++)
		if (!load_acquire(&kept[i].busy))
			kept[i].age += ticks;
	drop_older(KEEP_TICKS);
	for (int i = 0; i < NR_GONE; i++) {
		gone[i].age += ticks;
		if (gone[i].age >= KEEP_TICKS)
			gone[i] = (struct gone){ 0 };
	}
	mm_lock_release();
}

bool mapping_trim(void)
{
	if (!load_relaxed(&kept_bytes) || !mm_lock_try())
		return false;
	drop_older(0);
	mm_lock_release();
	return true;
}
