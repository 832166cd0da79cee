/* SPDX-License-Identifier: MIT */
/*
 * unit.h - what every unit test uses: cmocka, a runner that gives each test a
 * process of its own, seeded random numbers, and death tests.
 *
 * The library keeps its state in static variables, so a test that needs a
 * different start-up (another option, another zone layout) needs a fresh
 * process. unit_main() therefore forks for every test.
 *
 * assert_*() of cmocka leaves the test with longjmp and is for the test's own
 * thread. CHECK() ends the process and is for everything else: helper threads,
 * models, the forked child of a death test.
 */
#ifndef PAGODA_TESTS_UNIT_H
#define PAGODA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/control.h"

#define CHECK(cond)                                            \
	do {                                                   \
		if (!(cond))                                   \
			unit_die(__FILE__, __LINE__, #cond);   \
	} while (0)

__attribute__((noreturn)) void unit_die(const char *file, int line,
					const char *what);

/*
 * unit_main() - run @tests, or those whose name contains argv[1], each in a
 * process of its own. Return: what main() returns; 77 if all were skipped.
 */
int unit_main(int argc, char **argv, const struct CMUnitTest *tests,
	      size_t nr);

/* --- random numbers: the seed is PAGODA_TEST_SEED, or always the same --- */

struct rng {
	uint64_t state;
};

/* @stream tells apart the sequences of several users of one seed. */
struct rng rng_seeded(uint64_t stream);
uint64_t rng_next(struct rng *r);
/* 0 .. n - 1 */
size_t rng_below(struct rng *r, size_t n);
/* 1 .. max, small ones as likely as large ones. */
size_t rng_log(struct rng *r, size_t max);

/* --- death tests --- */

/* @fn(@arg) must end in SIGABRT with @text on standard error. */
void expect_bug(void (*fn)(void *arg), void *arg, const char *text);

/* Run @fn(@arg) in a forked child, which must end well. */
void in_child(void (*fn)(void *arg), void *arg);

/* --- the library --- */

/*
 * core_start() - what the first malloc does, without the entry points: parse
 * @options and bring up pages, sheaves and slabs.
 */
void core_start(const char *options);

/* What core_start() registers, as lib/malloc/init.c does it. */
extern const struct reclaim_ops core_reclaim;

/* The same with rseq, or the test is skipped where there is none. */
void core_start_rseq(const char *options);

/* What happens once a second thread comes. */
void core_have_threads(void);

/* Areas of all groups of CPUs. */
static inline struct control_vmap_group vmalloc_stat(void)
{
	return control_vmalloc_sum(&control.vmalloc);
}

struct kmem_cache;

/* kmem_cache_create(); NULL: it failed. */
struct kmem_cache *create_cache(const char *name, size_t size, size_t align,
				unsigned int flags, void (*ctor)(void *obj));

/* End the calling test as skipped, with the reason printed. */
__attribute__((noreturn)) void unit_skip(const char *why);

/* True under a sanitizer that makes everything several times slower. */
bool unit_is_slow(void);

/* ThreadSanitizer does not understand restartable sequences. */
bool unit_has_tsan(void);

/* How often to do something: @n, less under a sanitizer. */
unsigned int rounds(unsigned int n);

/* --- pages --- */

/* Are all bytes of the @nr pages at @p zero? How many of them are resident? */
bool pages_are_zero(const void *p, size_t nr);
size_t resident_pages(void *p, size_t nr);
/* Does it give any to who asks for them? */
bool kernel_has_huge_pages(void);

#endif
