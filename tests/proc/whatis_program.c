/* SPDX-License-Identifier: MIT */
/*
 * whatis_program.c SEED [trim] - allocates and frees at random, then writes what it
 * knows of addresses, one a line:
 *
 *	ADDRESS live START USABLE   in a block that it has
 *	ADDRESS freed START 0       in a block that it gave back
 *	ADDRESS other 0 0           in no block of malloc's
 *
 * and waits. Nothing is allocated after the last free: what was freed stays so.
 * With "trim" the library's caches are emptied before.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NR_BLOCKS = 20000, NR_LINES = 1000 };

static struct block {
	char *start;
	size_t size;
	int freed;
} blocks[NR_BLOCKS];

static uint32_t seed;
static char text[NR_LINES * 80];
static size_t text_len;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

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

/* Hexadecimal, without stdio: it allocates. */
static void put_number(uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (value >> shift || !shift)
			text[text_len++] =
				"0123456789abcdef"[value >> shift & 15];
	text[text_len++] = ' ';
}

static void put_line(const void *addr, const char *what, const void *start,
		     size_t size)
{
	put_number((uintptr_t)addr);
	while (*what)
		text[text_len++] = *what++;
	text[text_len++] = ' ';
	put_number((uintptr_t)start);
	put_number(size);
	text[text_len++] = '\n';
}

static void put_block(const struct block *b)
{
	const char *addr = b->start + draw((uint32_t)b->size);

	if (b->freed)
		put_line(addr, "freed", b->start, 0);
	else
		put_line(addr, "live", b->start,
			 malloc_usable_size(b->start));
}

static void put_others(void)
{
	put_line(__builtin_frame_address(0), "other", NULL, 0);
	put_line(blocks, "other", NULL, 0);
	put_line((const void *)(uintptr_t)put_others, "other", NULL, 0);
	put_line(NULL, "other", NULL, 0);
	put_line((const void *)UINTPTR_MAX, "other", NULL, 0);
}

int main(int argc, char **argv)
{
	seed = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NR_BLOCKS; i++) {
			struct block *b = &blocks[i];

			if (b->start && !b->freed)
				continue;
			b->size = draw_size();
			b->start = malloc(b->size);
			b->freed = 0;
			if (!b->start)
				return 1;
		}
		for (int i = 0; i < NR_BLOCKS; i++)
			if (draw(3) == 0) {
				free(blocks[i].start);
				blocks[i].freed = 1;
			}
	}
	if (argc > 2)
		malloc_trim(0);
	put_others();
	for (int i = 5; i < NR_LINES; i++)
		put_block(&blocks[draw(NR_BLOCKS)]);
	text[text_len++] = '\n';
	if (write(STDOUT_FILENO, text, text_len) != (ssize_t)text_len)
		return 1;
	return read(STDIN_FILENO, text, 1) != 0;
}
