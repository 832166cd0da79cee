/* SPDX-License-Identifier: MIT */
/*
 * percpu.c - set-up of the per-CPU regions, the lock fallback, stop and start.
 * See percpu.h for the layout and rseq_*.h for the sequences.
 */
#include "percpu/percpu.h"

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/control.h"
#include "base/lock.h"
#include "base/params.h"
#include "base/vmstat.h"
#include "os/os.h"
#include "percpu/thread.h"

#if defined(__x86_64__)
#include "percpu/rseq_x86_64.h"
#define HAVE_RSEQ 1
#else
#include "percpu/rseq_none.h"
#define HAVE_RSEQ 0
#endif

/* Offsets in the kernel's struct rseq. */
enum { RSEQ_CPU_ID = 4, RSEQ_CS = 8, RSEQ_MM_CID = 24, RSEQ_MM_CID_END = 28 };

enum {
	MAX_SHARDS = 64,
	MAX_SLOTS = 4096,
	GUARD_BYTES = 4096, /* before the first region: a page */
};

struct percpu_state percpu;

static struct shard {
	struct lock lock CACHELINE_ALIGNED;
} shards[MAX_SHARDS] SPARSE_TABLE;

ptrdiff_t percpu_vfork_cid;
uint32_t percpu_vfork_slot;

static struct lock stop_lock = LOCK_INIT(PERCPU_STOP);
static uint16_t next_shard;

/* --- set-up --- */

static const char *find_rseq(void)
{
	ptrdiff_t area;
	size_t size;

	if (!HAVE_RSEQ)
		return "no sequences for this architecture";
	if (!os_rseq_area(&area, &size))
		return "libc registered no rseq area";
	percpu.cs_offset = area + RSEQ_CS;
	if (os_rseq_feature_size() >= RSEQ_MM_CID_END) {
		percpu.cid_offset = area + RSEQ_MM_CID;
		percpu_vfork_cid = percpu.cid_offset;
		control_set_mode(MODE_CPUID, "mm_cid", "");
	} else {
		percpu.cid_offset = area + RSEQ_CPU_ID;
		control_set_mode(MODE_CPUID, "cpu_id",
				 "this kernel has no mm_cid");
	}
	return NULL;
}

static int reserve(unsigned int nr)
{
	size_t size = (size_t)nr << PERCPU_SHIFT;
	char *mem = os_reserve(GUARD_BYTES + 2 * size, true);

	if (!mem)
		return -ENOMEM;
	mem += GUARD_BYTES;
	percpu.nr = nr;
	percpu.real_base = (uintptr_t)mem;
	percpu.zeros = (uintptr_t)mem + size;
	percpu.base = percpu.real_base;
	control.percpu.base = percpu.real_base;
	control.percpu.stride = (uint64_t)1 << PERCPU_SHIFT;
	control.percpu.nr = nr;
	return 0;
}

static int init_rseq(const char **ret_why)
{
	size_t left = os_address_space_left();
	unsigned int nr;

	*ret_why = find_rseq();
	if (*ret_why)
		return -ENOSYS;
	/* Regions of CPUs that do not exist matter only under a tight limit. */
	nr = os_nr_cpu_ids(left < GiB(4)) + 1;
	if (nr > MAX_SLOTS ||
	    (size_t)nr << (PERCPU_SHIFT + 1) > left / 8) {
		*ret_why = "too little address space for a region per CPU";
		return -ENOMEM;
	}
	if (reserve(nr) < 0) {
		*ret_why = "no address space for a region per CPU";
		return -ENOMEM;
	}
	percpu.mode = PERCPU_MODE_RSEQ;
	percpu_vfork_slot = nr - 1;
	percpu.can_stop = os_rseq_barrier_init();
	control_set_mode(MODE_MEMBARRIER, percpu.can_stop ? "on" : "off",
			 percpu.can_stop ? "" : "the kernel refused");
	control_set_mode(MODE_PERCPU, "rseq", "");
	return 0;
}

static int init_shards(const char *why)
{
	unsigned int nr = 2 * os_nr_cpus_allowed();

	if (nr > MAX_SHARDS)
		nr = MAX_SHARDS;
	while (reserve(nr) < 0) {
		nr /= 2;
		if (!nr)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < nr; i++)
		shards[i].lock.class = LOCK_SHARD;
	percpu.mode = PERCPU_MODE_LOCK;
	percpu_vfork_cid = 0;
	percpu.can_stop = true;
	control_set_mode(MODE_PERCPU, "lock", why);
	return 0;
}

int percpu_init(void)
{
	const char *why = "asked for";

	if (params.percpu != PERCPU_LOCK && init_rseq(&why) == 0)
		return 0;
	return init_shards(why);
}

/* --- which slot --- */

static unsigned int my_shard(void)
{
	if (unlikely(!thread_word.shard))
		thread_word.shard = (uint16_t)(
			fetch_add_relaxed(&next_shard, 1) % percpu.nr + 1);
	return thread_word.shard - 1u;
}

unsigned int percpu_slot(void)
{
	if (percpu.mode == PERCPU_MODE_RSEQ)
		return rseq_slot();
	return my_shard();
}

static char *region(unsigned int slot)
{
	return (char *)percpu.real_base + ((size_t)slot << PERCPU_SHIFT);
}

union sheaf_header *percpu_header_of(unsigned int nr, unsigned int class)
{
	return (union sheaf_header *)region(nr) + class;
}

void **percpu_slots_of(unsigned int nr)
{
	return (void **)region(nr);
}

const union sheaf_header *percpu_headers(void)
{
	return percpu_header_of(percpu_slot(), 0);
}

union sheaf_header percpu_header(unsigned int class)
{
	return (union sheaf_header){
		.word = load_relaxed(&percpu_headers()[class].word),
	};
}

int percpu_online(void)
{
	unsigned int slot = percpu_slot();
	uint64_t *mark;
	int err;

	if (percpu.mode == PERCPU_MODE_RSEQ && slot >= percpu_vfork_slot)
		return -EINVAL;
	mark = &percpu_header_of(slot, 0)->word;
	if (likely(load_relaxed(mark)))
		return 0;
	err = os_commit(region(slot), (size_t)1 << PERCPU_SHIFT);
	if (err)
		return err;
	/* Two threads may both get here; that the second does it again is fine. */
	if (!__atomic_exchange_n(mark, 1, __ATOMIC_RELEASE))
		fetch_add_relaxed(&control.percpu.online, 1);
	return 0;
}

/* --- the lock fallback --- */

/*
 * A nested call must not wait for the shard that the frame below it may hold,
 * so it takes any shard that is free.
 */
static union sheaf_header *lock_shard(unsigned int *shard, bool nested)
{
	unsigned int first = *shard;

	if (!nested) {
		lock_acquire(&shards[first].lock);
		return percpu_header_of(first, 0);
	}
	do {
		if (lock_try(&shards[*shard].lock))
			return percpu_header_of(*shard, 0);
		*shard = (*shard + 1) % percpu.nr;
	} while (*shard != first);
	return NULL;
}

static unsigned int shard_popn(unsigned int class, void **objs, unsigned int n,
			       bool nested)
{
	unsigned int shard = my_shard();
	union sheaf_header *h = lock_shard(&shard, nested);
	void **slots = percpu_slots_of(shard);
	unsigned int have;

	if (!h)
		return 0;
	h += class;
	have = (unsigned int)(h->cur - h->begin);
	if (n > have)
		n = have;
	if (n) {
		h->cur -= n;
		memcpy(objs, slots + h->cur, n * sizeof(*objs));
	}
	lock_release(&shards[shard].lock);
	return n;
}

static unsigned int shard_pushn(unsigned int class, void *const *objs,
				unsigned int n, bool nested)
{
	unsigned int shard = my_shard();
	union sheaf_header *h = lock_shard(&shard, nested);
	void **slots = percpu_slots_of(shard);
	unsigned int room;

	if (!h)
		return 0;
	h += class;
	room = (unsigned int)(h->end - h->cur);
	if (n > room)
		n = room;
	/* The guard before an empty run never equals an object. */
	if (n == 1 && slots[h->cur - 1] == objs[0])
		n = 0;
	if (n) {
		memcpy(slots + h->cur, objs, n * sizeof(*objs));
		h->cur += n;
	}
	lock_release(&shards[shard].lock);
	return n;
}

static bool shard_is_top(unsigned int class, const void *obj, bool nested)
{
	unsigned int shard = my_shard();
	union sheaf_header *h = lock_shard(&shard, nested);
	void **slots = percpu_slots_of(shard);
	bool top;

	if (!h)
		return false;
	h += class;
	top = h->cur != h->begin && slots[h->cur - 1] == obj;
	lock_release(&shards[shard].lock);
	return top;
}

static bool shard_resize(unsigned int class, union sheaf_header old,
			 union sheaf_header new, bool nested)
{
	unsigned int shard = my_shard();
	union sheaf_header *h = percpu_header_of(shard, class);
	void **slots = percpu_slots_of(shard);
	bool same;

	/* No other shard will do: its region may not be online. */
	if (!lock_acquire_unless(&shards[shard].lock, nested))
		return false;
	same = h->word == old.word && percpu_header_of(shard, 0)->word;
	if (same) {
		memmove(slots + new.begin, slots + old.begin,
			(size_t)(old.cur - old.begin) * sizeof(*slots));
		slots[new.begin - 1] = (void *)PERCPU_GUARD;
		h->word = new.word;
	}
	lock_release(&shards[shard].lock);
	return same;
}

/* --- both modes --- */

unsigned int percpu_popn(unsigned int class, void **objs, unsigned int n,
			 bool nested)
{
	if (percpu.mode != PERCPU_MODE_RSEQ)
		return shard_popn(class, objs, n, nested);
	for (int i = 0; i < PERCPU_RETRIES; i++) {
		int moved = rseq_popn(class, objs, n);

		if (moved >= 0)
			return (unsigned int)moved;
	}
	count_vm_event(RSEQ_RETRY_FAIL);
	return 0;
}

unsigned int percpu_pushn(unsigned int class, void *const *objs,
			  unsigned int n, bool nested)
{
	if (percpu.mode != PERCPU_MODE_RSEQ)
		return shard_pushn(class, objs, n, nested);
	for (int i = 0; i < PERCPU_RETRIES; i++) {
		int moved = rseq_pushn(class, objs, n);

		if (moved >= 0)
			return (unsigned int)moved;
	}
	count_vm_event(RSEQ_RETRY_FAIL);
	return 0;
}

bool percpu_is_top(unsigned int class, const void *obj, bool nested)
{
	if (percpu.mode != PERCPU_MODE_RSEQ)
		return shard_is_top(class, obj, nested);
	return rseq_is_top(class, obj);
}

bool percpu_resize(unsigned int class, union sheaf_header old,
		   union sheaf_header new, bool nested)
{
	if (percpu.mode != PERCPU_MODE_RSEQ)
		return shard_resize(class, old, new, nested);
	for (int i = 0; i < PERCPU_RETRIES; i++) {
		int done = rseq_resize(class, old, new);

		if (done >= 0)
			return done > 0;
	}
	return false;
}

/* --- stop and start --- */

bool percpu_stop(void)
{
	if (!percpu.can_stop)
		return false;
	lock_acquire(&stop_lock);
	if (percpu.mode == PERCPU_MODE_LOCK) {
		for (unsigned int i = 0; i < percpu.nr; i++)
			lock_acquire(&shards[i].lock);
	} else {
		store_full(&percpu.base, percpu.zeros);
		if (os_is_multithreaded())
			os_rseq_barrier();
	}
	count_vm_event(PERCPU_STOP_EVENT);
	return true;
}

void percpu_start(void)
{
	if (percpu.mode == PERCPU_MODE_LOCK) {
		for (unsigned int i = percpu.nr; i-- > 0;)
			lock_release(&shards[i].lock);
	} else {
		store_release(&percpu.base, percpu.real_base);
	}
	lock_release(&stop_lock);
}
