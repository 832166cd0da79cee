/* SPDX-License-Identifier: MIT */
/*
 * A mempool: a logger for signal handlers, and for when memory has run out.
 *
 * log_line() may be called anywhere, also in a handler that interrupts malloc or
 * log_line() itself: its entries come from a pool with a reserve, and go onto a
 * list without locks, which the main loop writes out. Here a timer's handler logs
 * while the program allocates and frees; nothing is lost.
 *
 *	cc logger.c $(pkg-config --cflags --libs pagoda)
 */
#include <errno.h>
#include <pagoda/mempool.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct entry {
	struct entry *next;
	size_t length;
	char text[112];
};

static struct pagoda_mempool *entries;
static _Atomic(struct entry *) newest;
static atomic_size_t logged, lost;

static void log_line(const char *text)
{
	int saved = errno;
	struct entry *e = pagoda_mempool_alloc(entries, PAGODA_GFP_ATOMIC);

	errno = saved;
	if (!e) {
		atomic_fetch_add(&lost, 1);
		return;
	}
	e->length = strnlen(text, sizeof(e->text));
	memcpy(e->text, text, e->length);
	e->next = atomic_load(&newest);
	while (!atomic_compare_exchange_weak(&newest, &e->next, e))
		;
	atomic_fetch_add(&logged, 1);
}

/* Only in the main loop. Return: lines written. */
static size_t write_log(int fd)
{
	struct entry *e = atomic_exchange(&newest, NULL), *oldest = NULL;
	size_t written = 0;

	/* The list is newest first. */
	while (e) {
		struct entry *next = e->next;

		e->next = oldest;
		oldest = e;
		e = next;
	}
	while (oldest) {
		e = oldest;
		oldest = e->next;
		if (write(fd, e->text, e->length) == (ssize_t)e->length)
			written++;
		pagoda_mempool_free(e, entries);
	}
	return written;
}

static void handler(int sig)
{
	(void)sig;
	log_line("a tick, in the middle of something\n");
}

int main(void)
{
	struct itimerval every = {{0, 500}, {0, 500}};
	size_t written = 0;
	int i, k;

	/* 64 lines between two turns of the loop are certain. */
	entries = pagoda_mempool_create_kmalloc_pool(64, sizeof(struct entry));
	if (!entries) {
		perror("pagoda_mempool_create_kmalloc_pool");
		return 1;
	}
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &every, NULL);
	for (i = 0; i < 20000; i++) {
		static void *blocks[500];

		for (k = 0; k < 500; k++)
			blocks[k] = malloc((size_t)(k * 37 % 3000));
		for (k = 0; k < 500; k++)
			free(blocks[k]);
		if (i % 1000 == 0)
			log_line("the main loop goes on\n");
		written += write_log(STDERR_FILENO);
	}
	memset(&every, 0, sizeof(every));
	setitimer(ITIMER_REAL, &every, NULL);
	written += write_log(STDERR_FILENO);
	printf("%zu lines logged, %zu written, %zu lost\n",
	       atomic_load(&logged), written, atomic_load(&lost));
	pagoda_mempool_destroy(entries);
	return written != atomic_load(&logged) || atomic_load(&lost);
}
