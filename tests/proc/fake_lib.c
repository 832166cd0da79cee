/* SPDX-License-Identifier: MIT */
/*
 * fake_lib.c - a library that has nothing but a control block, for the pagoda
 * tool to read. With FAKE_IN_BSS the block is in memory that has no file.
 *
 * FAKE=other-version, damaged, not-started, escape or twins in the environment
 * spoils it; FAKE=boot adds a boot arena with two blocks, and a span whose tables are
 * missing.
 * The middle one of the CPUs' sheaf headers cannot be read, as memory that a
 * program protected.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/version.h"
#include "fake_control.h"
#include "page_alloc/page.h"

enum { STRIDE = 4096 };

#ifdef FAKE_IN_BSS
struct control_block control __attribute__((aligned(4096)));
#else
struct control_block control __attribute__((aligned(4096))) = {
	.magic = CONTROL_MAGIC,
};
#endif

/* As memblock.c fills it. Nothing here reads it. */
static volatile uint64_t arena[8192] __attribute__((aligned(4096)));
struct span span;

static void add_boot(void)
{
	strcpy(control.version_string, PAGODA_VERSION);
	arena[0] = 112;
	arena[2] = 1; /* contents */
	arena[16] = 32;
	arena[18] = 7;
	control.boot_used = 16 + 112 + 16 + 32;
	span.base = control.span_base;
	span.size = control.span_bytes;
	span.nr_pages = control.span_bytes >> PAGE_SHIFT;
	span.mem_map = (struct page *)4096;
	span.page_class = (uint8_t *)4096;
}

static void spread_headers(uint64_t headers[FAKE_CPUS][NR_CLASSES])
{
	char *mem = mmap(NULL, FAKE_CPUS * STRIDE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	for (size_t cpu = 0; cpu < FAKE_CPUS; cpu++)
		memcpy(mem + cpu * STRIDE, headers[cpu], sizeof(headers[cpu]));
	if (mprotect(mem + STRIDE, STRIDE, PROT_NONE) < 0)
		abort();
	control.percpu.base = (uintptr_t)mem;
	control.percpu.stride = STRIDE;
}

__attribute__((constructor)) static void fill(void)
{
	static uint64_t headers[FAKE_CPUS][NR_CLASSES];
	const char *fake = getenv("FAKE");

	fake_control_fill(&control, headers);
	spread_headers(headers);
	if (!fake)
		return;
	if (!strcmp(fake, "other-version"))
		control.version = CONTROL_VERSION + 1;
	if (!strcmp(fake, "damaged"))
		control.caches[7].slab_order = 77;
	if (!strcmp(fake, "not-started"))
		control.page_size = 0;
	if (!strcmp(fake, "boot"))
		add_boot();
	if (!strcmp(fake, "twins"))
		strcpy(control.caches[7].name, control.caches[1].name);
	if (!strcmp(fake, "escape")) {
		strcpy(control.caches[7].name, "\033[31mred");
		control.caches[7].objs_per_slab = 1;
	}
}
