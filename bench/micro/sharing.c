/*
 * False sharing: threads write again and again to small objects of their own.
 * "active": does the allocator put objects of two threads into one cache line?
 * "passive": objects of one line, allocated by one thread, are handed to
 * several, which free them: does the line come back to all of them?
 */
#include "common.h"

enum { WRITES = 1000, OBJECT = 8, MAX_THREADS = 64 };

static void write_often(void *p)
{
	volatile uint64_t *word = p;

	for (int i = 0; i < WRITES; i++)
		*word += 1;
}

/* arg: whether a first object was handed over */
static void sharing(struct bench *b)
{
	static void *handed[MAX_THREADS];
	int me = bench_thread(b);
	bool first = true;

	/* The others wait in bench_next() until thread 0 is there too. */
	if (me == 0 && bench_arg(b, 0))
		for (int i = 0; i < bench_threads(b); i++)
			handed[i] = malloc(OBJECT);
	while (bench_next(b, WRITES)) {
		void *p = first && handed[me] ? handed[me] : malloc(OBJECT);

		first = false;
		*(uint64_t *)p = 0;
		write_often(p);
		free(p);
	}
}

static const struct bench_case cases[] = {
	{"active/t2",
	 sharing,
	 {0},
	 100000000,
	 .threads = 2,
	 .flags = BENCH_QUICK},
	{"active/t8", sharing, {0}, 100000000, .threads = 8},
	{"passive/t2",
	 sharing,
	 {1},
	 100000000,
	 .threads = 2,
	 .flags = BENCH_QUICK},
	{"passive/t8", sharing, {1}, 100000000, .threads = 8},
};
BENCH_MAIN("sharing", "one write to a small object, 1,000 for each malloc",
	   cases)
