/*
 * The program that gdb steps through. Each one_...() is a single call of the
 * allocator, whose end gdb can wait for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *one_malloc(size_t size)
{
	return malloc(size);
}

void *one_calloc(size_t size)
{
	return calloc(1, size);
}

void *one_realloc(void *p, size_t size)
{
	return realloc(p, size);
}

void one_free(void *p)
{
	free(p);
}

int main(void)
{
	unsigned sum = 0;

	/* Small and warm, then one that has to fetch pages first. */
	for (int i = 0; i < 4; i++) {
		size_t size = i < 3 ? 40 + (size_t)i : 20000;
		char *p = one_malloc(size);
		char *q = one_calloc(100 + (size_t)i);

		if (!p || !q)
			return 1;
		memset(p, i + 1, size);
		p = one_realloc(p, size + 2000);
		if (!p)
			return 1;
		for (size_t j = 0; j < size; j++)
			sum = sum * 31 + (unsigned char)p[j] + (unsigned char)q[0];
		one_free(p);
		one_free(q);
	}
	printf("sum %u\n", sum);
	return 0;
}
