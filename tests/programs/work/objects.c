/*
 * A program that allocates in every way: used by the workloads that look at
 * the allocator from outside (valgrind, gdb, strace). Prints the same on every
 * run. Between two calls of getppid() nothing but the allocator and thread
 * creation makes system calls.
 *
 * objects FDS: with an argument, also prints which file descriptors are open
 * and how many threads there are.
 */
#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOTS 400
#define ROUNDS 6000
#define THREADS 4

struct slot {
	unsigned char *p;
	size_t size;
	unsigned char fill;
};

static uint64_t next(uint64_t *state)
{
	return *state = *state * 16807 % 2147483647;
}

/* Mostly small, sometimes large. */
static size_t some_size(uint64_t *state)
{
	size_t limit = next(state) % 50 ? 600 : 300000;

	return next(state) % limit;
}

static void check(const struct slot *slot)
{
	for (size_t i = 0; i < slot->size; i++)
		if (slot->p[i] != slot->fill)
			abort();
}

static void fill(struct slot *slot, void *p, size_t size, uint64_t n)
{
	if (!p)
		abort();
	slot->p = p;
	slot->size = size;
	slot->fill = (unsigned char)n;
	memset(p, slot->fill, size);
}

static void renew(struct slot *slot, uint64_t *state)
{
	size_t size = some_size(state);
	uint64_t n = next(state);
	void *p = NULL;

	if (slot->p && n % 3 == 0) {
		size_t kept = size < slot->size ? size : slot->size;
		unsigned char *moved = realloc(slot->p, size + 1);

		if (!moved)
			abort();
		slot->p = moved;
		slot->size = kept;
		check(slot);
		fill(slot, moved, size, n);
		return;
	}
	free(slot->p);
	switch (n % 7) {
	case 0:
		p = calloc(size / 8 + 1, 8);
		for (size_t i = 0; p && i < size; i++)
			if (((unsigned char *)p)[i])
				abort();
		break;
	case 1:
		if (posix_memalign(&p, (size_t)16 << n % 9, size + 1))
			abort();
		break;
	case 2:
		p = aligned_alloc(4096, (size | 4095) + 1);
		break;
	default:
		p = malloc(size + 1);
	}
	fill(slot, p, size, n);
}

static void *work(void *arg)
{
	static struct slot all[THREADS][SLOTS];
	struct slot *slots = all[(uintptr_t)arg];
	uint64_t state = (uintptr_t)arg + 1;
	uint64_t sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct slot *slot = &slots[next(&state) % SLOTS];

		if (slot->p)
			check(slot);
		renew(slot, &state);
		sum = sum * 31 + slot->size;
	}
	for (int i = 0; i < SLOTS; i++)
		free(slots[i].p);
	return (void *)(uintptr_t)sum;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	/* The raw call: its place in a trace marks where the work begins. */
	syscall(SYS_getppid);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			abort();
	for (int i = 0; i < THREADS; i++) {
		void *result;

		if (pthread_join(threads[i], &result))
			abort();
		sum ^= (uintptr_t)result;
	}
	malloc_trim(0);
	syscall(SYS_getppid);

	printf("%llx\n", (unsigned long long)sum);
	if (argc > 1 && argv[1][0])
		printf("fds %d threads %d\n", count_entries("/proc/self/fd"),
		       count_entries("/proc/self/task"));
	return 0;
}
