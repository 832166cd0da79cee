/* SPDX-License-Identifier: MIT */
/*
 * whatis_program.c SEED BLOCKS [trim] - allocates, maps and frees at random, then writes
 * what it knows of random addresses, one a line:
 *
 *	ADDRESS live START USABLE LABEL      in a block that it has
 *	ADDRESS freed START 0 LABEL          in a block that it gave back
 *	ADDRESS mapping START SIZE LABEL     in a mapping that is looked after
 *	ADDRESS own 0 0 LABEL                in the library's variables
 *	ADDRESS other 0 0 LABEL              in none of these
 *
 * and waits. LABEL says what made it: malloc, kmem, pages, vmalloc, mmap, pager, or
 * where it is else. Nothing is allocated after the last free: what was freed stays so.
 * With "trim" the library's caches are emptied before.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagoda/kmem.h>
#include <pagoda/map.h>
#include <pagoda/pages.h>
#include <pagoda/vmalloc.h>

enum {
	MAX_BLOCKS = 20000,
	NR_OBJECTS = 5000,
	NR_PAGES = 200,
	NR_AREAS = 20,
	NR_MAPPINGS = 40,
	NR_ALIENS = 10,
	/* Lines of each label. */
	BLOCK_LINES = 600,
	OBJECT_LINES = 150,
	PAGES_LINES = 100,
	AREA_LINES = 60,
	MAPPING_LINES = 60,
	ALIEN_LINES = 60,
	OWN_LINES = 40,
	NEVER_LINES = 80,
	STATIC_LINES = 20,
	MAX_LINES = 1500,
};

struct block {
	char *start;
	size_t size;
	unsigned int order; /* of pages */
	int freed;
};

static struct block blocks[MAX_BLOCKS];
static uint32_t nr_blocks;
static struct block objects[NR_OBJECTS];
static struct block pages[NR_PAGES];
static struct block areas[NR_AREAS];
static struct block mappings[NR_MAPPINGS];
static struct block aliens[NR_ALIENS];
static struct block pager;
static struct block own; /* the library's variables */

static struct pagoda_kmem_cache *cache;
static uint32_t seed;
static char text[MAX_LINES * 100];
static size_t text_len;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static void need(const void *p)
{
	if (!p) {
		fprintf(stderr, "an allocation failed\n");
		_exit(1);
	}
}

/* The library's own interface; there is no linking with what is preloaded. */
#define CALL(name, ...) \
	(*(__typeof__(name) *)dlsym(RTLD_DEFAULT, #name))(__VA_ARGS__)

/* --- what it does --- */

/* Mostly small; up to a few MiB. */
static size_t draw_size(void)
{
	static const uint32_t most[] = { 64,	 64,	512,   4096,
					 4096, 32768, 32768, 200000 };
	uint32_t kind = draw(1000);

	if (kind < 2)
		return 4u << 20 | draw(8u << 20);
	if (kind < 10)
		return draw(4u << 20) + 1;
	return draw(most[draw(8)]) + 1;
}

static void make_objects(void)
{
	cache = CALL(pagoda_kmem_cache_create, "whatis", 200, 0, 0, NULL);
	need(cache);
	for (int i = 0; i < NR_OBJECTS; i++) {
		objects[i].start = CALL(pagoda_kmem_cache_alloc, cache,
					PAGODA_GFP_KERNEL);
		objects[i].size = 200;
		need(objects[i].start);
	}
}

static void make_pages(void)
{
	static const unsigned int zones[] = {
		PAGODA_GFP_KERNEL,
		PAGODA_GFP_KERNEL,
		PAGODA_GFP_DMA32,
		PAGODA_GFP_HIGHUSER_MOVABLE,
	};

	for (int i = 0; i < NR_PAGES; i++) {
		struct block *b = &pages[i];

		b->order = draw(7);
		b->size = (size_t)PAGODA_PAGE_SIZE << b->order;
		b->start = CALL(pagoda_alloc_pages, zones[draw(4)], b->order);
		if (!b->start) /* small spans do not have all zones */
			b->start = CALL(pagoda_alloc_pages, PAGODA_GFP_KERNEL,
					b->order);
		need(b->start);
	}
}

static void make_areas(void)
{
	for (int i = 0; i < NR_AREAS; i++) {
		areas[i].size = draw(6u << 20) + 1;
		areas[i].start = CALL(pagoda_vmalloc, areas[i].size);
		need(areas[i].start);
	}
}

static char *map(size_t size, int prot, int flags, int fd)
{
	char *p = mmap(NULL, size, prot, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Such as the library looks after: neither small, nor shared, nor of a file. */
static void make_mappings(void)
{
	for (int i = 0; i < NR_MAPPINGS; i++) {
		mappings[i].size = (size_t)(16 + draw(2000)) << 12;
		mappings[i].start = map(mappings[i].size,
					PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1);
		need(mappings[i].start);
	}
}

/* Such as it does not. */
static void make_aliens(void)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < NR_ALIENS; i++) {
		struct block *b = &aliens[i];
		bool shared = i % 3 == 1;

		b->size = i % 3 ? 1u << 20 : 4096;
		if (i % 3 == 2)
			b->start = map(b->size, PROT_READ, MAP_PRIVATE, self);
		else
			b->start = map(b->size, PROT_READ | PROT_WRITE,
				       MAP_ANONYMOUS | (shared ? MAP_SHARED :
								 MAP_PRIVATE),
				       -1);
		need(b->start);
	}
	close(self);
}

static int fill(void *private_data, const struct pagoda_vm_fault *vmf)
{
	(void)private_data;
	memset(vmf->buf, 0, vmf->size);
	return 0;
}

/* Where the system lets it. */
static void make_pager(void)
{
	static const struct pagoda_vm_operations ops = { .fault = fill };

	pager.size = 64u << 20;
	pager.start = CALL(pagoda_map, pager.size, &ops, NULL,
			   PAGODA_MAP_USER_FAULTS);
}

static void fill_and_free_blocks(void)
{
	for (uint32_t i = 0; i < nr_blocks; i++) {
		struct block *b = &blocks[i];

		if (b->start && !b->freed)
			continue;
		b->size = draw_size();
		b->start = malloc(b->size);
		b->freed = 0;
		need(b->start);
	}
	for (uint32_t i = 0; i < nr_blocks; i++)
		if (draw(3) == 0) {
			free(blocks[i].start);
			blocks[i].freed = 1;
		}
}

/* A third of @nr blocks. */
#define FREE_SOME(some, nr, how)                  \
	for (int i = 0; i < (nr); i++)            \
		if (draw(3) == 0) {               \
			struct block *b = &(some)[i]; \
						  \
			how;                      \
			b->freed = 1;             \
		}

static void free_others(void)
{
	FREE_SOME(objects, NR_OBJECTS,
		  CALL(pagoda_kmem_cache_free, cache, b->start))
	FREE_SOME(pages, NR_PAGES, CALL(pagoda_free_pages, b->start, b->order))
	FREE_SOME(areas, NR_AREAS, CALL(pagoda_vfree, b->start))
}

static int find_own(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (!strstr(info->dlpi_name, "/libpagoda"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		char *start = (char *)(info->dlpi_addr + ph->p_vaddr);

		if (ph->p_type == PT_LOAD && ph->p_flags & PF_W)
			own = (struct block){ start, ph->p_memsz, 0, 0 };
		/* This part of it is read-only: no variables. */
		if (ph->p_type == PT_GNU_RELRO) {
			own.start = start + ph->p_memsz;
			own.size -= ph->p_memsz;
		}
	}
	return 1;
}

/* --- what it says --- */

/* Hexadecimal, without stdio: it allocates. */
static void put_number(uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (value >> shift || !shift)
			text[text_len++] =
				"0123456789abcdef"[value >> shift & 15];
	text[text_len++] = ' ';
}

static void put_word(const char *word, char end)
{
	while (*word)
		text[text_len++] = *word++;
	text[text_len++] = end;
}

static void put_line(const void *addr, const char *truth, const void *start,
		     size_t size, const char *label)
{
	put_number((uintptr_t)addr);
	put_word(truth, ' ');
	put_number((uintptr_t)start);
	put_number(size);
	put_word(label, '\n');
}

static void put_other(const void *addr, const char *label)
{
	put_line(addr, "other", NULL, 0, label);
}

/* @lines random addresses in random ones of @nr blocks. */
static void put_blocks(const struct block *some, uint32_t nr, int lines,
		       const char *truth, const char *label)
{
	for (int i = 0; i < lines; i++) {
		const struct block *b = &some[draw(nr)];
		const char *addr = b->start + draw((uint32_t)b->size);

		if (b->freed)
			put_line(addr, "freed", b->start, 0, label);
		else
			put_line(addr, truth, b->start, b->size, label);
	}
}

/* malloc may give more than it was asked for. */
static void note_usable_sizes(void)
{
	for (uint32_t i = 0; i < nr_blocks; i++)
		if (!blocks[i].freed)
			blocks[i].size = malloc_usable_size(blocks[i].start);
}

static char maps[1 << 20];

static void read_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
}

static bool is_mapped(uint64_t addr)
{
	for (const char *line = maps; *line; line = strchr(line, '\n') + 1) {
		char *rest;
		uint64_t start = strtoull(line, &rest, 16);

		if (addr >= start && addr < strtoull(rest + 1, NULL, 16))
			return true;
	}
	return false;
}

static void put_never_mapped(void)
{
	int lines = 0;

	read_maps();
	while (lines < NEVER_LINES) {
		uint64_t addr = (uint64_t)draw(1u << 23) << 24 | draw(1u << 24);

		if (is_mapped(addr))
			continue;
		put_other((const void *)addr, "never");
		lines++;
	}
	put_other(NULL, "never");
	put_other((const void *)UINTPTR_MAX, "never");
}

static void put_all(void)
{
	char on_stack[4096];
	const char *libc_data = (const char *)stdout;

	put_blocks(blocks, nr_blocks, BLOCK_LINES, "live", "malloc");
	put_blocks(objects, NR_OBJECTS, OBJECT_LINES, "live", "kmem");
	put_blocks(pages, NR_PAGES, PAGES_LINES, "live", "pages");
	put_blocks(areas, NR_AREAS, AREA_LINES, "live", "vmalloc");
	put_blocks(mappings, NR_MAPPINGS, MAPPING_LINES, "mapping", "mmap");
	put_blocks(aliens, NR_ALIENS, ALIEN_LINES, "other", "alien");
	put_blocks(&own, 1, OWN_LINES, "own", "own");
	if (pager.start)
		put_blocks(&pager, 1, MAPPING_LINES, "mapping", "pager");
	for (int i = 0; i < STATIC_LINES; i++) {
		put_other(on_stack + draw(sizeof(on_stack)), "stack");
		put_other((char *)blocks + draw(sizeof(blocks)), "data");
		put_other(libc_data + draw(sizeof(*stdout)), "libc");
		put_other((const char *)(uintptr_t)put_all + draw(64), "code");
	}
	put_never_mapped();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	seed = (uint32_t)atoi(argv[1]);
	nr_blocks = (uint32_t)atoi(argv[2]);
	if (nr_blocks > MAX_BLOCKS)
		return 2;
	dl_iterate_phdr(find_own, NULL);
	make_objects();
	make_pages();
	make_areas();
	make_mappings();
	make_aliens();
	make_pager();
	for (int round = 0; round < 3; round++)
		fill_and_free_blocks();
	free_others();
	if (argc > 3)
		malloc_trim(0);
	note_usable_sizes();
	put_all();
	text[text_len++] = '\n';
	if (write(STDOUT_FILENO, text, text_len) != (ssize_t)text_len)
		return 1;
	return read(STDIN_FILENO, text, 1) != 0;
}
