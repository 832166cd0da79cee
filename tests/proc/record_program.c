/* SPDX-License-Identifier: MIT */
/*
 * record_program.c [TICKS] - says "ready", uses memory in five ways for TICKS
 * times 10 ms, and then waits for the end of standard input. Each size has a cache of its own:
 *
 *	200    leaks, 40 objects a tick
 *	1000   4,000 objects at once, halfway: more bytes than the leak
 *	500    grows for 25 ticks, is freed, and so on
 *	96     comes and goes at random
 *	3000   is there from the beginning, for good
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 4000, PERIOD = 25, A_TICK = 40, COMING = 500, BASE = 400 };

static void *sawtooth[PERIOD * A_TICK];
static void *coming[COMING];
static void *volatile leaked;
static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static void *get(size_t size)
{
	void *p = malloc(size);

	if (!p)
		abort();
	memset(p, 1, size);
	return p;
}

static void get_many(size_t size, int nr)
{
	for (int i = 0; i < nr; i++)
		leaked = get(size);
}

static void tick(int n, int ticks)
{
	int place = n % PERIOD * A_TICK;

	get_many(200, A_TICK);
	if (n == ticks / 2)
		get_many(1000, AT_ONCE);
	for (int i = 0; i < PERIOD * A_TICK && !place; i++) {
		free(sawtooth[i]);
		sawtooth[i] = NULL;
	}
	for (int i = 0; i < A_TICK; i++)
		sawtooth[place + i] = get(500);
	for (int i = 0; i < 200; i++) {
		void **p = &coming[draw(COMING)];

		free(*p);
		*p = draw(2) ? get(96) : NULL;
	}
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int ticks = argc > 1 ? atoi(argv[1]) : 0;
	char c;

	get_many(3000, BASE);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 1;
	for (int n = 0; n < ticks; n++) {
		tick(n, ticks);
		nanosleep(&pause, NULL);
	}
	return read(STDIN_FILENO, &c, 1) != 0;
}
