/*
 * The benchmark shim: Google Benchmark for workloads written in C.
 *
 * A workload file is a table of cases and BENCH_MAIN(). Each case is run in a
 * process of its own, under one allocator chosen by LD_PRELOAD, with a fixed
 * number of operations, so that time and memory of two allocators are those of
 * the same work. The shim takes the time from the start of the first thread to
 * the end of the last one, and adds peak and final RSS, page faults and CPU
 * time to what Google Benchmark reports.
 */
#ifndef BENCH_SHIM_H
#define BENCH_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One thread of one running case. */
struct bench;

enum bench_flags {
	/* Part of `bench/run --quick`. */
	BENCH_QUICK = 1 << 0,
	/* Takes long: only in `bench/run --full`. */
	BENCH_FULL = 1 << 1,
	/* Counts something else: its time means nothing. */
	BENCH_UNTIMED = 1 << 2,
	/* Mostly sleeps: the runner may run all allocators at once. */
	BENCH_IDLE = 1 << 3,
};

enum { BENCH_ARGS = 4 };

struct bench_case {
	const char *name; /* shown as suite/name */
	void (*run)(struct bench *b);
	long arg[BENCH_ARGS]; /* what bench_arg() returns */
	uint64_t ops;	      /* operations of all threads together */
	int threads;	      /* each calls run(); 0 means 1 */
	unsigned int flags;
};

struct bench_suite {
	const char *name;
	const char *what; /* one line for people: what an operation is */
	const struct bench_case *cases;
	size_t nr_cases;
};

/*
 * `while (bench_next(b, n)) { n operations }`: the timed part of a case. The
 * first call waits for all threads, the last one as well; what a thread does
 * before and after is not timed.
 */
bool bench_next(struct bench *b, uint64_t ops);

long bench_arg(const struct bench *b, int i);
int bench_thread(const struct bench *b); /* 0 .. bench_threads() - 1 */
int bench_threads(const struct bench *b);
uint64_t bench_ops(const struct bench *b); /* of this thread, after --scale */

/* --scale: 1, or less in a smoke run; for workloads that wait. */
double bench_scale(void);

/* Adds a number to the report; once per name and case. */
void bench_count(struct bench *b, const char *name, double value);

/* Resident bytes of this process now. */
size_t bench_rss(void);

int bench_main(const struct bench_suite *suite, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#define BENCH_MAIN(suite_name, suite_what, case_table)                         \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		static const struct bench_suite suite = {                      \
			suite_name,                                            \
			suite_what,                                            \
			case_table,                                            \
			sizeof(case_table) / sizeof((case_table)[0]),          \
		};                                                             \
		return bench_main(&suite, argc, argv);                         \
	}

#endif
