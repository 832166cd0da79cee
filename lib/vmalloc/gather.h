/* SPDX-License-Identifier: MIT */
/* gather.h - the memory of free pages, moved behind each other. */
#ifndef PAGODA_VMALLOC_GATHER_H
#define PAGODA_VMALLOC_GATHER_H

#include "base/compiler.h"

/*
 * gather_frames() - bring memory of free page blocks to the @nr pages at @pfn, all
 * missing and nobody else's.
 * Return: pages from the start that were done; they may hold old data. The rest is
 * missing as before. 0 also where the kernel cannot move pages, or may not be asked.
 * Context: takes zone locks. Sleeps.
 */
size_t gather_frames(size_t pfn, size_t nr);

/* Quiet mode: never. Once, by start-up. */
void gather_forbid(void);

#endif
