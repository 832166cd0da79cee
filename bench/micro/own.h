/*
 * Workloads of Pagoda's own interface. They compare the library with itself, so
 * bench/run, which compares allocators, does not know them: bench/api runs them.
 */
#ifndef BENCH_MICRO_OWN_H
#define BENCH_MICRO_OWN_H

#include <pagoda/pagoda.h>

#include "common.h"

static inline int own_main(const struct bench_suite *suite, int argc,
			   char **argv)
{
	if (pagoda_available())
		return bench_main(suite, argc, argv);
	/* bench/run asks without any allocator what there is to be run. */
	if (argc > 1 && !strcmp(argv[1], "--list"))
		return 0;
	fprintf(stderr, "%s: only with LD_PRELOAD=libpagoda.so\n", argv[0]);
	return 77;
}

#define OWN_MAIN(name, what, cases)                                            \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		static const struct bench_suite suite = {                      \
			name, what, cases, ARRAY_SIZE(cases)};                 \
                                                                               \
		return own_main(&suite, argc, argv);                           \
	}

#endif
