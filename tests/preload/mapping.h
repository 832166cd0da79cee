/* SPDX-License-Identifier: MIT */
/*
 * What a program can find out about the pages it has mapped: what happens when
 * it touches them, what is in them, and whether mincore() knows them.
 */
#ifndef PRELOAD_MAPPING_H
#define PRELOAD_MAPPING_H

#include "transcript.h"

#include <setjmp.h>
#include <sys/mman.h>

/* Names that older headers lack. */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/*
 * mmap() under its own name: where 64-bit offsets are asked for, as Meson does
 * for all, the headers turn mmap() into mmap64().
 */
void *mmap_itself(void *at, size_t length, int prot, int flags, int fd,
		  long offset) __asm__("mmap");

static size_t page_size; /* the kernel's */

/* ---- touching pages ---------------------------------------------------- */

static sigjmp_buf escape;
static volatile sig_atomic_t escape_set;
static uint64_t touch_key, touch_sum;

static void escape_handler(int sig)
{
	CHECK_MSG(escape_set, "signal %d out of place", sig);
	siglongjmp(escape, sig);
}

static inline void mapping_begin(void)
{
	struct sigaction action;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	memset(&action, 0, sizeof(action));
	action.sa_handler = escape_handler;
	/* The handler does not return, and sigsetjmp() saves no mask. */
	action.sa_flags = SA_NODEFER;
	CHECK(!sigaction(SIGSEGV, &action, NULL));
	CHECK(!sigaction(SIGBUS, &action, NULL));
}

/* Return: 0, or the signal that @touch died of. */
static inline int guarded(void (*touch)(unsigned char *page),
			  unsigned char *page)
{
	int sig = sigsetjmp(escape, 0);

	if (!sig) {
		escape_set = 1;
		touch(page);
	}
	escape_set = 0;
	return sig;
}

/* Sets touch_sum, 0 for a page of zeros. */
static void touch_read(unsigned char *page)
{
	uint64_t sum[4] = {0}, word[4];
	size_t i, j;

	for (i = 0; i < page_size; i += sizeof(word)) {
		memcpy(word, page + i, sizeof(word));
		for (j = 0; j < 4; j++)
			sum[j] = (sum[j] ^ word[j]) * 0x9e3779b97f4a7c15u;
	}
	touch_sum = sum[0] ^ sum[1] >> 1 ^ sum[2] >> 2 ^ sum[3] >> 3;
}

static void touch_rewrite(unsigned char *page)
{
	volatile unsigned char *byte = page;

	*byte = *byte;
}

/* Fills with a pattern of touch_key. */
__attribute__((unused)) static void touch_fill(unsigned char *page)
{
	fill_key(page, page_size, touch_key);
}

/* ---- what is seen ------------------------------------------------------ */

/*
 * Nobody promises which SIGSEGV an unmapped page gives, SEGV_MAPERR or that of
 * a reservation around it, SEGV_ACCERR; that the system calls do not know it,
 * is promised.
 */
static inline bool page_is_hole(unsigned char *page)
{
	unsigned char resident;

	return mincore(page, page_size, &resident) && errno == ENOMEM;
}

enum {
	PROBE_WRITE = 1, /* may it be written? Makes private pages present */
};

/*
 * h: not mapped, -: no access, b: SIGBUS, r: can be read, w: written, too,
 * and ?: can be read, nobody tried to write.
 */
static inline char page_look(unsigned char *page, unsigned int flags)
{
	int sig = guarded(touch_read, page);

	touch_sum = sig ? 0 : touch_sum;
	if (sig)
		return sig == SIGBUS ? 'b' : page_is_hole(page) ? 'h' : '-';
	if (!(flags & PROBE_WRITE))
		return '?';
	return guarded(touch_rewrite, page) ? 'r' : 'w';
}

static inline void say_run(char look, uint64_t sum, size_t n)
{
	if (!n)
		return;
	say(" %c", look);
	if (sum)
		say("%06x", (unsigned int)(sum >> 40));
	if (n > 1)
		say("*%zu", n);
}

/* One line for @pages pages: how they look and a sum of their contents. */
static inline void say_pages(char *base, size_t pages, unsigned int flags)
{
	char look, last = 0;
	uint64_t last_sum = 0;
	size_t i, run = 0;

	for (i = 0; i < pages; i++) {
		look = page_look((unsigned char *)base + i * page_size, flags);
		if (run && (look != last || touch_sum != last_sum)) {
			say_run(last, last_sum, run);
			run = 0;
		}
		last = look;
		last_sum = touch_sum;
		run++;
	}
	say_run(last, last_sum, run);
	say("\n");
}

/* A line that says how many pages are resident, or that mincore() failed. */
static inline void say_residency(char *base, size_t pages)
{
	static unsigned char vec[4096];
	size_t i, n = 0;

	CHECK(pages <= sizeof(vec));
	if (mincore(base, pages * page_size, vec)) {
		say("  resident: %s\n", strerrorname_np(errno));
		return;
	}
	for (i = 0; i < pages; i++)
		n += vec[i] & 1;
	say("  resident: %zu of %zu\n", n, pages);
}

static inline int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

#endif
