/* SPDX-License-Identifier: MIT */
/*
 * sample.c - see sample.h.
 */
#include "sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* --- one process --- */

static struct sample *make_sample(void)
{
	struct sample *s = aligned_alloc(_Alignof(struct sample), sizeof(*s));

	if (s)
		memset(s, 0, sizeof(*s));
	return s;
}

bool samples_init(struct samples *s)
{
	s->now = make_sample();
	s->before = make_sample();
	s->spare = make_sample();
	return s->now && s->before && s->spare;
}

void samples_free(struct samples *s)
{
	free(s->now);
	free(s->before);
	free(s->spare);
}

void samples_reset(struct samples *s)
{
	s->now->time = 0;
	s->before->time = 0;
}

static bool is_same(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->use.started == b->use.started;
}

enum target_status samples_take(struct samples *s, pid_t pid)
{
	struct sample *next = s->spare, *last = s->now;
	enum target_status status;

	next->time = now();
	status = process_read(&next->process, &next->target, pid);
	if (status == TARGET_OK && last->time > 0 &&
	    !is_same(&next->process, &last->process))
		status = TARGET_NO_PROCESS;
	/* One that has ended has no mappings, also while it is a zombie. */
	if (status != TARGET_OK && process_has_ended(pid))
		status = TARGET_NO_PROCESS;
	if (status != TARGET_OK)
		return status;
	s->spare = s->before;
	s->before = last;
	s->now = next;
	return TARGET_OK;
}

/* --- all processes --- */

int list_samples_take(struct list_samples *s, struct target *work)
{
	struct list_sample next = s->before;
	int err;

	next.time = now();
	err = processes_read(&next.processes, work);
	if (err) {
		/* Its rows may have moved. */
		s->before = next;
		s->before.time = 0;
		return err;
	}
	s->before = s->now;
	s->now = next;
	return 0;
}

void list_samples_free(struct list_samples *s)
{
	free(s->now.processes.row);
	free(s->before.processes.row);
}

const struct process *process_before(const struct list_samples *s,
				     const struct process *p)
{
	const struct processes *ps = &s->before.processes;

	for (size_t i = 0; s->before.time > 0 && i < ps->nr; i++)
		if (is_same(&ps->row[i], p))
			return &ps->row[i];
	return NULL;
}

/* --- numbers --- */

double rate_between(double before, double now, uint64_t count_before,
		    uint64_t count_now)
{
	if (before <= 0 || now <= before)
		return NAN;
	return (double)proc_less(count_now, count_before) / (now - before);
}

double sample_rate(const struct samples *s, uint64_t before, uint64_t now)
{
	return rate_between(s->before->time, s->now->time, before, now);
}

double cpu_percent(double ms_per_second)
{
	return ms_per_second / 10;
}

void sum_caches(const struct control_block *c, struct cache_sums *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t class = 0; class < NR_CLASSES; class++) {
		ret->refills += c->caches[class].refills;
		ret->flushes += c->caches[class].flushes;
		ret->grown += c->caches[class].grown;
		ret->reaped += c->caches[class].reaped;
	}
}
