/* SPDX-License-Identifier: MIT */
/*
 * A tree with pointers of 32 bits, in pages below 4 GiB.
 *
 * A node is 12 bytes: with pointers of 64 bits it would be 24. Unlike indices into an
 * array, the pointers need no base, and the tree grows without being moved.
 *
 *	cc short_pointers.c $(pkg-config --cflags --libs pagoda)
 *
 * Ends with 77 where there is no address space below 4 GiB.
 */
#include <errno.h>
#include <pagoda/pages.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint32_t node_ptr;

struct node {
	node_ptr left, right;
	uint32_t key;
};

enum { ORDER = 4, CHUNK = PAGODA_PAGE_SIZE << ORDER };

/* Nodes are cut from chunks; the first words of each make a list of them. */
struct chunk {
	node_ptr next, unused;
	struct node nodes[(CHUNK - 8) / sizeof(struct node)];
};

struct tree {
	node_ptr root, chunks;
	size_t left; /* nodes, of the first chunk */
	size_t nr_chunks;
};

static void *at(node_ptr p)
{
	return (void *)(uintptr_t)p;
}

static node_ptr shorten(const void *p)
{
	return (node_ptr)(uintptr_t)p;
}

static int add_chunk(struct tree *t)
{
	struct chunk *c = pagoda_alloc_pages(PAGODA_GFP_DMA32, ORDER);

	if (!c)
		return 0;
	c->next = t->chunks;
	t->chunks = shorten(c);
	t->left = sizeof(c->nodes) / sizeof(c->nodes[0]);
	t->nr_chunks++;
	return 1;
}

static int insert(struct tree *t, uint32_t key)
{
	node_ptr *place = &t->root;
	struct node *n;

	while (*place) {
		n = at(*place);
		if (n->key == key)
			return 1;
		place = key < n->key ? &n->left : &n->right;
	}
	if (!t->left && !add_chunk(t))
		return 0;
	n = &((struct chunk *)at(t->chunks))->nodes[--t->left];
	n->left = n->right = 0;
	n->key = key;
	*place = shorten(n);
	return 1;
}

static int contains(const struct tree *t, uint32_t key)
{
	const struct node *n = at(t->root);

	while (n && n->key != key)
		n = at(key < n->key ? n->left : n->right);
	return n != NULL;
}

static void destroy(struct tree *t)
{
	while (t->chunks) {
		struct chunk *c = at(t->chunks);

		t->chunks = c->next;
		pagoda_free_pages(c, ORDER);
	}
}

int main(void)
{
	enum { N = 300000 };
	struct tree t = {0, 0, 0, 0};
	uint32_t i;

	for (i = 1; i <= N; i++)
		if (!insert(&t, i * 2654435761u)) {
			if (i > 1 || errno != ENOMEM) {
				perror("insert");
				return 1;
			}
			printf("skipped: no address space below 4 GiB\n");
			return 77;
		}
	for (i = 1; i <= 2 * N; i++)
		if (contains(&t, i * 2654435761u) != (i <= N)) {
			fprintf(stderr, "key %u\n", i);
			return 1;
		}
	printf("%d nodes in %zu KiB; with long pointers %zu KiB\n", (int)N,
	       t.nr_chunks * CHUNK / 1024, (size_t)N * 24 / 1024);
	destroy(&t);
	return 0;
}
