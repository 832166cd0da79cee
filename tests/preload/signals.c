/* SPDX-License-Identifier: MIT */
/*
 * Proves that signal handlers may allocate and free, whatever they interrupt:
 * every thread gets a signal each 100 us whose handler does so in all size
 * ranges, while the threads keep to the slow paths (bulk allocation and bulk
 * free of 100,000 blocks, large blocks, realloc, trimming). Blocks cross the
 * border both ways: made by a handler and freed by its thread or by a later
 * handler, and the reverse. glibc's malloc deadlocks here.
 */
#include "workload.h"

enum { THREADS = 4, EXCHANGE = 32, SECONDS = 3 };

struct per_thread {
	struct rng handler_rng;
	size_t signals, refused_small, refused_large;
	/* Swapped whole: a handler may come between any two instructions. */
	struct box *_Atomic exchange[EXCHANGE];
};

static struct per_thread threads[THREADS];
static __thread struct per_thread *self
	__attribute__((tls_model("initial-exec")));
static double end_time;

/* ---- the handler ------------------------------------------------------- */

/* What @dice & 7 says for handler_block(). */
enum { LARGE, CALLOC, MEMALIGN, REALLOC };

/* A block by the way and of the size that @dice says, NULL if refused. */
static struct box *handler_block(struct rng *r, size_t dice)
{
	size_t size = box_size(r, 2000);
	struct box *box;
	void *p;

	switch (dice % 8) {
	case LARGE:
		size = 100 * KIB;
		p = malloc(size);
		break;
	case CALLOC:
		p = calloc(1, size);
		CHECK(!p || all_zero(p, size));
		break;
	case MEMALIGN:
		p = memalign(64, size);
		CHECK((uintptr_t)p % 64 == 0);
		break;
	case REALLOC:
		p = malloc(size);
		if (!p)
			break;
		box = box_fill(p, size);
		p = realloc(box, size + 3000);
		if (!p) {
			/* Refused, the old one must still be there. */
			box_end(box);
			return NULL;
		}
		CHECK(((struct box *)p)->size == size);
		size += 3000;
		break;
	default:
		p = malloc(size);
	}
	return p ? box_fill(p, size) : NULL;
}

static void handler(int sig)
{
	struct rng *r = &self->handler_rng;
	size_t i, dice = rng_below(r, 64);
	struct box *box, *other;
	int saved = errno;

	(void)sig;
	self->signals++;
	for (i = 0; i < 3; i++) {
		box = handler_block(r, dice + i);
		if (!box && (dice + i) % 8 == LARGE)
			self->refused_large++;
		else if (!box)
			self->refused_small++;
		other = atomic_exchange(&self->exchange[rng_below(r, EXCHANGE)],
					box);
		box_end(other);
	}
	errno = saved;
}

/* ---- what it interrupts ------------------------------------------------ */

static void swap_with_handler(struct rng *r)
{
	struct box *box = box_new(box_size(r, 3000));

	box_end(atomic_exchange(&self->exchange[rng_below(r, EXCHANGE)], box));
}

static void bulk(struct rng *r)
{
	enum { N = 100000 };
	struct box **box = malloc(N * sizeof(struct box *));
	size_t i, size = sizeof(struct box) + 8 * rng_below(r, 20);

	CHECK(box);
	for (i = 0; i < N; i++) {
		box[i] = box_new(size);
		if (i % 256 == 0)
			swap_with_handler(r);
	}
	for (i = 0; i < N; i++)
		box_end(box[i]);
	free(box);
}

static void large_blocks(struct rng *r)
{
	enum { N = 12 };
	char *p[N];
	size_t i, n, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < N; i++) {
			n = 40000 + rng_size(r, 4 * MIB);
			p[i] = malloc(n);
			CHECK(p[i]);
			fill_key(p[i], 4000, i);
			p[i] = realloc(p[i], 40000 + rng_size(r, 6 * MIB));
			CHECK(p[i] && check_key(p[i], 4000, i));
		}
		for (i = 0; i < N; i++) {
			CHECK(check_key(p[i], 4000, i));
			free(p[i]);
		}
		swap_with_handler(r);
	}
}

static void *worker(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg, round;
	struct rng r = rng_for(me);
	timer_t timer;

	self = &threads[me];
	self->handler_rng = rng_for(100 + me);
	timer = start_signals(handler);
	for (round = me; now() < end_time; round++) {
		if (round % 3 == 2)
			large_blocks(&r);
		else
			bulk(&r);
		if (round % 5 == 4)
			malloc_trim(0);
	}
	CHECK(!timer_delete(timer));
	return NULL;
}

static void slow_paths(void)
{
	pthread_t thread[THREADS];
	size_t signals = 0, small = 0, large = 0;
	uintptr_t i, j;

	end_time = now() + SECONDS;
	for (i = 1; i < THREADS; i++)
		thread[i] = start_thread(worker, (void *)i, 0);
	worker(NULL);
	for (i = 1; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (i = 0; i < THREADS; i++) {
		signals += threads[i].signals;
		small += threads[i].refused_small;
		large += threads[i].refused_large;
		self = &threads[i];
		for (j = 0; j < EXCHANGE; j++)
			box_end(threads[i].exchange[j]);
	}
	printf("%zu signals; refused: %zu small, %zu large; peak %ld KiB\n",
	       signals, small, large, status_kib("VmHWM"));
	CHECK_MSG(signals > 1000, "only %zu signals", signals);
	/* Memory is plentiful: nothing excuses a refusal. */
	CHECK_MSG(!small, "%zu of about %zu small blocks refused to handlers",
		  small, 3 * signals * 7 / 8);
	CHECK_MSG(!large,
		  "%zu of about %zu blocks of 100 KiB refused to handlers",
		  large, 3 * signals / 8);
	/* What handlers freed must have come back: it was gigabytes. */
	CHECK_MSG(status_kib("VmHWM") < 400 * 1024, "peak %ld KiB",
		  status_kib("VmHWM"));
}

/* ---- the fast paths, interrupted --------------------------------------- */

static size_t count;

static void small_handler(int sig)
{
	size_t n = 16 + count++ % 64 * 40;
	char *p = malloc(n), *q;

	(void)sig;
	CHECK(p);
	fill(p, n);
	q = calloc(1, n);
	CHECK(q && all_zero(q, n) && check_fill(p, n));
	free(p);
	free(q);
}

static void fast_paths(void)
{
	double end = now() + 1.5;
	timer_t timer;
	size_t i, n;
	char *p;

	timer = start_signals(small_handler);
	while (now() < end)
		for (i = 0; i < 10000; i++) {
			n = 1 + i % 1024;
			p = malloc(n);
			CHECK(p);
			fill(p, n);
			CHECK(check_fill(p, n));
			free(p);
		}
	CHECK(!timer_delete(timer));
	printf("%zu signals\n", count);
	CHECK(count > 1000);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"slow_paths", slow_paths, 45},
		{"fast_paths", fast_paths, 30},
	};

	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
