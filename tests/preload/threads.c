/* SPDX-License-Identifier: MIT */
/*
 * Proves that blocks keep their contents and belong to one owner at a time
 * while many threads allocate, hand blocks over, and end:
 *
 *   burst     1,000 threads allocate at once, half of what they made outlives
 *             them;
 *   handover  waves of short threads, each frees what the wave before made;
 *             what ended threads leave behind must not add up;
 *   pipeline  producers allocate, consumers check and free;
 *   stress    random operations of all kinds on a shared table;
 *   lines     who frees an object on another CPU than it is from does not get
 *             the same cache line for objects of its own.
 */
#include "workload.h"

/* ---- burst ------------------------------------------------------------- */

enum { BURST_THREADS = 1000, BURST_BLOCKS = 120 };
static struct box *outlive[BURST_THREADS][BURST_BLOCKS / 2];
static pthread_barrier_t all_there;

static void *burst_thread(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg, i;
	struct rng r = rng_for(me);
	struct box *own[BURST_BLOCKS / 2];

	pthread_barrier_wait(&all_there);
	for (i = 0; i < BURST_BLOCKS / 2; i++) {
		own[i] = box_new(box_size(&r, 4000));
		outlive[me][i] = box_new(box_size(&r, 4000));
	}
	/* All are alive at once here, whatever the scheduler did. */
	pthread_barrier_wait(&all_there);
	for (i = 0; i < BURST_BLOCKS / 2; i++)
		box_end(own[i]);
	return NULL;
}

static void burst(void)
{
	static pthread_t thread[BURST_THREADS];
	size_t round, i, j;

	CHECK(!pthread_barrier_init(&all_there, NULL, BURST_THREADS));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < BURST_THREADS; i++)
			thread[i] = start_thread(burst_thread,
						 (void *)(uintptr_t)i, 65536);
		for (i = 0; i < BURST_THREADS; i++)
			CHECK(!pthread_join(thread[i], NULL));
		for (i = 0; i < BURST_THREADS; i++)
			for (j = 0; j < BURST_BLOCKS / 2; j++)
				box_end(outlive[i][j]);
	}
}

/* ---- handover ---------------------------------------------------------- */

enum { WAVE_THREADS = 8, WAVE_BLOCKS = 200, WAVES = 400 };
static struct box *inherited[WAVE_THREADS][WAVE_BLOCKS];

static void *wave_thread(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg % WAVE_THREADS, i;
	struct rng r = rng_for((uintptr_t)arg);

	for (i = 0; i < WAVE_BLOCKS; i++) {
		box_end(inherited[me][i]);
		inherited[me][i] = box_new(box_size(&r, 3000));
	}
	return NULL;
}

static void handover(void)
{
	pthread_t thread[WAVE_THREADS];
	struct box *row[WAVE_BLOCKS];
	long before = 0, after;
	size_t wave, i;

	for (wave = 0; wave < WAVES; wave++) {
		if (wave == WAVES / 4)
			before = status_kib("VmRSS");
		for (i = 0; i < WAVE_THREADS; i++)
			thread[i] = start_thread(
				wave_thread,
				(void *)(uintptr_t)(wave * WAVE_THREADS + i),
				65536);
		for (i = 0; i < WAVE_THREADS; i++)
			CHECK(!pthread_join(thread[i], NULL));
		/* To another thread, the next time. */
		memcpy(row, inherited[0], sizeof(row));
		memmove(inherited[0], inherited[1],
			sizeof(inherited) - sizeof(row));
		memcpy(inherited[WAVE_THREADS - 1], row, sizeof(row));
	}
	after = status_kib("VmRSS");
	CHECK_MSG(after < before + 8192, "resident: %ld KiB, before %ld KiB",
		  after, before);
	for (wave = 0; wave < WAVE_THREADS; wave++)
		for (i = 0; i < WAVE_BLOCKS; i++)
			box_end(inherited[wave][i]);
}

/* ---- pipeline ---------------------------------------------------------- */

enum { RING = 4096, PRODUCERS = 2, CONSUMERS = 2, BOXES = 250000 };
static struct box *_Atomic ring[RING];

/* Each producer and each consumer owns every second slot. */
static void *produce(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg, i;
	struct rng r = rng_for(me);
	struct box *box;

	for (i = 0; i < BOXES; i++) {
		size_t slot = (i * PRODUCERS + me) % RING;

		box = box_new(box_size(&r, i % 64 ? 1000 : 100000));
		while (atomic_load_explicit(&ring[slot], memory_order_relaxed))
			sched_yield();
		atomic_store_explicit(&ring[slot], box, memory_order_release);
	}
	return NULL;
}

static void *consume(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg, i;
	struct box *box;

	for (i = 0; i < BOXES; i++) {
		size_t slot = (i * CONSUMERS + me) % RING;

		while (!(box = atomic_load_explicit(&ring[slot],
						    memory_order_acquire)))
			sched_yield();
		atomic_store_explicit(&ring[slot], NULL, memory_order_relaxed);
		box_end(box);
	}
	return NULL;
}

static void pipeline(void)
{
	pthread_t producer[PRODUCERS], consumer[CONSUMERS];
	uintptr_t i;

	_Static_assert(PRODUCERS == CONSUMERS && RING % PRODUCERS == 0,
		       "a slot has one producer and one consumer");
	for (i = 0; i < PRODUCERS; i++) {
		producer[i] = start_thread(produce, (void *)i, 0);
		consumer[i] = start_thread(consume, (void *)i, 0);
	}
	for (i = 0; i < PRODUCERS; i++) {
		CHECK(!pthread_join(producer[i], NULL));
		CHECK(!pthread_join(consumer[i], NULL));
	}
	/* Far less than all that went through. */
	CHECK_MSG(status_kib("VmHWM") < 48 * 1024, "peak %ld KiB",
		  status_kib("VmHWM"));
}

/* ---- stress ------------------------------------------------------------ */

enum { STRESS_THREADS = 8, TABLE = 6000, STRESS_SECONDS = 5 };
static struct box *_Atomic table[TABLE];
static atomic_bool stop;
static atomic_size_t operations;

static size_t stress_size(struct rng *r)
{
	size_t dice = rng_below(r, 2000);

	if (!dice)
		return box_size(r, 6 * MIB);
	if (dice < 20)
		return box_size(r, 300 * KIB);
	return box_size(r, 4000);
}

/* A block of @size by one of the ways to get one, none of them realloc. */
static struct box *stress_block(struct rng *r, size_t size)
{
	size_t align = (size_t)8 << rng_below(r, 10);
	void *p = NULL;

	switch (rng_below(r, 8)) {
	case 0:
		p = calloc(1, size);
		CHECK(p && all_zero(p, size < 10000 ? size : 10000));
		break;
	case 1:
		CHECK(!posix_memalign(&p, align, size));
		CHECK((uintptr_t)p % align == 0);
		break;
	case 2:
		p = aligned_alloc(align, size);
		CHECK((uintptr_t)p % align == 0);
		break;
	default:
		p = malloc(size);
	}
	CHECK(p && malloc_usable_size(p) >= size);
	return box_fill(p, size);
}

static struct box *stress_realloc(struct rng *r, struct box *old)
{
	size_t size = stress_size(r), kept;
	struct box *box;
	struct box head = *old;

	box_check(old);
	box = realloc(old, size);
	CHECK(box);
	kept = head.size < size ? head.size : size;
	CHECK_MSG(!memcmp(box, &head, sizeof(head)) &&
			  check_key(box + 1, kept - sizeof(head), head.key),
		  "realloc from %zu to %zu lost contents", head.size, size);
	return box_fill(box, size);
}

/* Whoever takes a box out of the table owns it. */
static void *stress_thread(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	struct box *box;
	size_t count = 0, slot;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		slot = rng_below(&r, TABLE);
		box = atomic_exchange(&table[slot], NULL);
		if (!box)
			box = stress_block(&r, stress_size(&r));
		else if (rng_below(&r, 4))
			box_end(box), box = NULL;
		else
			box = stress_realloc(&r, box);
		if (box)
			box = atomic_exchange(&table[slot], box);
		/* Somebody was faster: theirs is ours now. */
		box_end(box);
		if (++count % 20000 == 0)
			malloc_trim(0);
		if (count % 5000 == 0)
			mallinfo2();
	}
	atomic_fetch_add(&operations, count);
	return NULL;
}

static void stress(void)
{
	pthread_t thread[STRESS_THREADS];
	uintptr_t i;

	printf("TEST_SEED=%ju\n", (uintmax_t)test_seed());
	for (i = 0; i < STRESS_THREADS; i++)
		thread[i] = start_thread(stress_thread, (void *)i, 0);
	sleep(STRESS_SECONDS);
	atomic_store(&stop, true);
	for (i = 0; i < STRESS_THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (i = 0; i < TABLE; i++)
		box_end(table[i]);
	printf("%zu operations\n", (size_t)operations);
	CHECK(operations > 10000);
}

/* ---- lines ------------------------------------------------------------- */

/* Sizes that nothing else uses, so that no CPU has any. One would do, but the kernel
 * may number CPUs by who is running: after a break two threads have changed places. */
static const size_t line_sizes[] = { 48, 80, 112, 160, 224 };

/* More than those few of a size that a larger one serves. */
enum { LINE_OBJECTS = 64, LINE = 64 };

static bool share_line(const void *a, const void *b, size_t size)
{
	uintptr_t low = (uintptr_t)(a < b ? a : b);
	uintptr_t high = (uintptr_t)(a < b ? b : a);

	return (low + size - 1) / LINE >= high / LINE;
}

/* Run on the @n-th CPU that the process may use. Return: whether there is one. */
static bool use_cpu(const cpu_set_t *allowed, int n)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && !n--) {
			CPU_SET(cpu, &one);
			CHECK(!pthread_setaffinity_np(pthread_self(),
						      sizeof(one), &one));
			return true;
		}
	return false;
}

struct neighbours {
	cpu_set_t allowed;
	void *given, *kept;
	size_t apart; /* of how many sizes a line never came back */
	atomic_size_t step; /* odd: the thread's turn */
};

static void wait_for_step(struct neighbours *n, size_t step)
{
	while (atomic_load(&n->step) < step)
		;
}

static bool stays_apart(struct neighbours *n, size_t size)
{
	bool apart = true;

	free(n->given);
	for (int i = 0; i < 1000; i++) {
		void *p = malloc(size);

		apart = apart && !share_line(p, n->kept, size);
		free(p);
	}
	return apart;
}

static void *neighbour_thread(void *arg)
{
	struct neighbours *n = arg;

	use_cpu(&n->allowed, 1);
	for (size_t i = 0; i < ARRAY_SIZE(line_sizes); i++) {
		atomic_store(&n->step, 2 * i + 1);
		wait_for_step(n, 2 * i + 2);
		n->apart += stays_apart(n, line_sizes[i]);
	}
	atomic_store(&n->step, 2 * ARRAY_SIZE(line_sizes) + 1);
	return NULL;
}

/* Objects of @size, among them the first two of one line. */
static void make_neighbours(struct neighbours *n, void **p, size_t size)
{
	n->given = NULL;
	for (int i = 0; i < LINE_OBJECTS; i++) {
		p[i] = malloc(size);
		for (int k = 0; k < i && !n->given; k++)
			if (share_line(p[i], p[k], size)) {
				n->given = p[i];
				n->kept = p[k];
			}
	}
	CHECK(n->given);
}

static void lines(void)
{
	void *p[LINE_OBJECTS];
	struct neighbours n = { 0 };
	pthread_t thread;

	CHECK(!sched_getaffinity(0, sizeof(n.allowed), &n.allowed));
	if (CPU_COUNT(&n.allowed) < 2)
		test_skip("takes two CPUs");
	use_cpu(&n.allowed, 0);
	thread = start_thread(neighbour_thread, &n, 65536);
	for (size_t i = 0; i < ARRAY_SIZE(line_sizes); i++) {
		wait_for_step(&n, 2 * i + 1);
		make_neighbours(&n, p, line_sizes[i]);
		atomic_store(&n.step, 2 * i + 2);
		wait_for_step(&n, 2 * i + 3);
		for (int k = 0; k < LINE_OBJECTS; k++)
			if (p[k] != n.given)
				free(p[k]);
	}
	CHECK(!pthread_join(thread, NULL));
	printf("%zu of %zu sizes\n", n.apart, ARRAY_SIZE(line_sizes));
	CHECK(n.apart);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"burst", burst, 60},
		{"handover", handover, 60},
		{"pipeline", pipeline, 60},
		{"stress", stress, 60},
		{"lines", lines, 60},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
