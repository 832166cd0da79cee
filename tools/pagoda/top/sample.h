/* SPDX-License-Identifier: MIT */
/*
 * sample.h - what "pagoda top" shows: how things are, and how they were one
 * sample earlier, from which rates follow.
 */
#ifndef PAGODA_TOP_SAMPLE_H
#define PAGODA_TOP_SAMPLE_H

#include "processes.h"

/* One process at one moment. */
struct sample {
	double time; /* in seconds; 0: none was taken */
	struct process process;
	struct target target;
};

struct samples {
	struct sample *now, *before;
	struct sample *spare; /* for the next one */
};

/* All processes at one moment. */
struct list_sample {
	double time;
	struct processes processes;
};

struct list_samples {
	struct list_sample now, before;
};

/* Return: false if there is no memory. */
bool samples_init(struct samples *s);
void samples_free(struct samples *s);
/* Forget them: the next one is of another process. */
void samples_reset(struct samples *s);

/*
 * samples_take() - look at process @pid. If that fails both samples stay.
 * A process that is a zombie, or another one of that id, is TARGET_NO_PROCESS.
 */
enum target_status samples_take(struct samples *s, pid_t pid);

/* @work: for reading. Return: 0 or -errno; then nothing changes. */
int list_samples_take(struct list_samples *s, struct target *work);
void list_samples_free(struct list_samples *s);

/* @p in the sample before; NULL: it was not there. */
const struct process *process_before(const struct list_samples *s,
				     const struct process *p);

/* Per second. NAN where there is no time between @before and @now. */
double rate_between(double before, double now, uint64_t count_before,
		    uint64_t count_now);
double sample_rate(const struct samples *s, uint64_t before, uint64_t now);

/* Percent of one CPU. */
double cpu_percent(double ms_per_second);

/* Sums over all caches. */
struct cache_sums {
	uint64_t refills, flushes, grown, reaped;
};

void sum_caches(const struct control_block *c, struct cache_sums *ret);

#endif
