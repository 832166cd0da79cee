/* SPDX-License-Identifier: MIT */
/*
 * A program that uses Pagoda where it is and does without where it is not.
 *
 * It is linked with no library of Pagoda's:
 *
 *	cc optional.c $(pkg-config --cflags pagoda)
 *
 * and started either way:
 *
 *	./a.out                                 nodes from malloc
 *	LD_PRELOAD=libpagoda.so ./a.out         nodes from a cache of their own
 */
#define PAGODA_OPTIONAL
#include <pagoda/kmem.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
	struct node *next;
	int value;
};

static struct pagoda_kmem_cache *cache; /* NULL: there is none */

static struct node *new_node(void)
{
	void *p = cache ? pagoda_kmem_cache_alloc(cache, PAGODA_GFP_KERNEL) :
			  malloc(sizeof(struct node));

	return (struct node *)p;
}

static void free_node(struct node *n)
{
	if (cache)
		pagoda_kmem_cache_free(cache, n);
	else
		free(n);
}

int main(void)
{
	struct node *list = NULL;
	int i, sum = 0;

	if (pagoda_available())
		cache = pagoda_kmem_cache_create("node", sizeof(struct node), 0,
						 0, NULL);
	for (i = 0; i < 1000; i++) {
		struct node *n = new_node();

		if (!n)
			return 1;
		n->value = i;
		n->next = list;
		list = n;
	}
	while (list) {
		struct node *n = list;

		list = n->next;
		sum += n->value;
		free_node(n);
	}
	printf("%d with %s\n", sum, cache ? "a cache" : "malloc");
	return cache && pagoda_kmem_cache_destroy(cache) ? 1 : 0;
}
