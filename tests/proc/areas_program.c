/* SPDX-License-Identifier: MIT */
/*
 * areas_program.c - makes and removes areas as it is told on standard input, for
 * areas.py, which compares what is shown with what was done.
 *
 *	alloc SIZE         malloc(), all of it touched if it is below 32 MiB
 *	realloc ADDR SIZE
 *	free ADDR
 *	mmap SIZE          plain anonymous memory
 *	map SIZE BLOCK RO  pagoda_map(); prints 0 and errno if it is refused
 *	touch ADDR
 *	munmap ADDR SIZE   of both kinds
 *	many SIZE COUNT    COUNT times malloc(), not touched
 *	manymaps SIZE COUNT
 *	freemany           all of these
 *	churn THREADS      until "stop": areas come, grow and go
 *	trim               malloc_trim(0)
 *	read FILE          pagoda_proc_read()
 *	forkread FILE      the same in a child
 *
 * Answers are numbers in one line; of the last two the length of the text, then
 * the text.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pagoda/map.h>

enum { MAX_MANY = 4096, MAX_THREADS = 8, HELD = 6 };

static __typeof__(pagoda_map) *map_pages;
static long (*proc_read)(const char *file, char *buf, size_t size);

static void *many[MAX_MANY];
static size_t many_size; /* of mappings; 0: they are blocks */
static size_t nr_many;
static pthread_t threads[MAX_THREADS];
static size_t nr_threads;
static int stop;
static char text[1 << 20];

static int fill(void *private_data, const struct pagoda_vm_fault *vmf)
{
	memset(vmf->buf, *(char *)private_data, vmf->size);
	return 0;
}

static struct pagoda_vm_operations ops = { .fault = fill };
static char content = 'x';

static void answer(unsigned long a, unsigned long b)
{
	printf("%lu %lu\n", a, b);
	fflush(stdout);
}

static void *plain(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* --- churn --- */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void churn_heap(uint32_t *seed, char **p)
{
	size_t size = ((size_t)5 << 20) + draw(seed, 40u << 20);

	if (!*p) {
		*p = malloc(size);
	} else if (draw(seed, 2)) {
		char *moved = realloc(*p, size);

		*p = moved ? moved : *p;
	} else {
		free(*p);
		*p = NULL;
	}
	if (*p)
		memset(*p, 1, 4096);
}

static void churn_maps(uint32_t *seed, char **p)
{
	if (!*p) {
		*p = plain(1 << 20);
	} else if (draw(seed, 2)) {
		mprotect(*p + (128 << 10), 4096, PROT_READ);
	} else {
		munmap(*p, 1 << 20);
		*p = NULL;
	}
}

static void churn_pages(uint32_t *seed)
{
	char *p = map_pages ? map_pages(1 << 20, &ops, &content, 0) : NULL;

	if (!p)
		return;
	*(volatile char *)(p + (draw(seed, 256) << 12));
	munmap(p + (64 << 10), 64 << 10);
	munmap(p, 64 << 10);
	munmap(p + (128 << 10), (1 << 20) - (128 << 10));
}

static void *churn(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg + 1;
	char *blocks[HELD] = { 0 }, *maps[HELD] = { 0 };

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		churn_heap(&seed, &blocks[draw(&seed, HELD)]);
		churn_maps(&seed, &maps[draw(&seed, HELD)]);
		if (!draw(&seed, 8))
			churn_pages(&seed);
	}
	for (int i = 0; i < HELD; i++) {
		free(blocks[i]);
		if (maps[i])
			munmap(maps[i], 1 << 20);
	}
	return NULL;
}

static void start_churn(size_t nr)
{
	stop = 0;
	for (nr_threads = 0; nr_threads < nr; nr_threads++)
		if (pthread_create(&threads[nr_threads], NULL, churn,
				   (void *)nr_threads))
			abort();
	answer(nr, 0);
}

static void stop_churn(void)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	while (nr_threads)
		pthread_join(threads[--nr_threads], NULL);
	answer(0, 0);
}

/* --- commands --- */

static void do_alloc(size_t size)
{
	char *p = malloc(size);

	if (p && size < 32 << 20)
		memset(p, 1, size);
	answer((uintptr_t)p, 0);
}

static void do_map(size_t size, size_t block, unsigned long readonly)
{
	void *p;

	ops.block_size = block;
	p = map_pages(size, &ops, &content, readonly ? PAGODA_MAP_READONLY : 0);
	answer((uintptr_t)p, p ? (uintptr_t)&ops : (unsigned long)errno);
}

static void do_many(size_t size, size_t count, int maps)
{
	many_size = maps ? size : 0;
	for (nr_many = 0; nr_many < count && nr_many < MAX_MANY; nr_many++) {
		many[nr_many] = maps ? plain(size) : malloc(size);
		if (!many[nr_many])
			break;
	}
	answer(nr_many, 0);
}

static void free_many(void)
{
	while (nr_many--)
		if (many_size)
			munmap(many[nr_many], many_size);
		else
			free(many[nr_many]);
	nr_many = 0;
	answer(0, 0);
}

static void do_read(const char *file)
{
	long len = proc_read(file, text, sizeof(text));

	if (len < 0 || (size_t)len >= sizeof(text))
		abort();
	printf("%ld\n", len);
	fwrite(text, 1, (size_t)len, stdout);
	fflush(stdout);
}

static void do_forkread(const char *file)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		do_read(file);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		abort();
}

static void obey(const char *command, const char *word)
{
	char *rest;
	unsigned long a = strtoul(word, &rest, 0);
	unsigned long b = strtoul(rest, &rest, 0);
	unsigned long c = strtoul(rest, &rest, 0);

	if (!strcmp(command, "alloc"))
		do_alloc(a);
	else if (!strcmp(command, "realloc"))
		answer((uintptr_t)realloc((void *)a, b), 0);
	else if (!strcmp(command, "free"))
		free((void *)a), answer(0, 0);
	else if (!strcmp(command, "mmap"))
		answer((uintptr_t)plain(a), 0);
	else if (!strcmp(command, "map"))
		do_map(a, b, c);
	else if (!strcmp(command, "touch"))
		answer((unsigned char)*(volatile char *)a, 0);
	else if (!strcmp(command, "munmap"))
		answer((unsigned long)munmap((void *)a, b), 0);
	else if (!strcmp(command, "many"))
		do_many(a, b, 0);
	else if (!strcmp(command, "manymaps"))
		do_many(a, b, 1);
	else if (!strcmp(command, "freemany"))
		free_many();
	else if (!strcmp(command, "churn"))
		start_churn(a);
	else if (!strcmp(command, "stop"))
		stop_churn();
	else if (!strcmp(command, "trim"))
		answer((unsigned long)malloc_trim(0), 0);
	else if (!strcmp(command, "read"))
		do_read(word);
	else if (!strcmp(command, "forkread"))
		do_forkread(word);
	else
		abort();
}

int main(void)
{
	char line[128];

	map_pages = (__typeof__(map_pages))dlsym(RTLD_DEFAULT, "pagoda_map");
	proc_read = (__typeof__(proc_read))dlsym(RTLD_DEFAULT,
						 "pagoda_proc_read");
	if (!map_pages || !proc_read)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		size_t len = strcspn(line, " \n");
		char *word = line + len + (line[len] == ' ');

		line[len] = '\0';
		word[strcspn(word, "\n")] = '\0';
		obey(line, word);
	}
	return 0;
}
