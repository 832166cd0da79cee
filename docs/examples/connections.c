/* SPDX-License-Identifier: MIT */
/*
 * An object cache with a constructor: the connections of a server.
 *
 * A connection has a mutex, a condition and lists. They are made once, when the
 * object's memory joins the cache. A connection that is closed leaves them as a new
 * one needs them (unlocked, empty), so opening the next one sets only what differs.
 * Destroying the cache at the end is a check for leaks: it fails, and shows the
 * addresses, if a connection was never closed.
 *
 *	cc connections.c $(pkg-config --cflags --libs pagoda) -pthread
 */
#include <pagoda/kmem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct link {
	struct link *next, *prev;
};

struct connection {
	/* As the constructor made it whenever the object is in the cache. */
	pthread_mutex_t lock;
	pthread_cond_t readable;
	struct link requests;
	/* Set when it is opened. */
	struct link all;
	int fd;
};

static struct pagoda_kmem_cache *connections;
static struct link all = {&all, &all};
static size_t constructed;

static void link_init(struct link *l)
{
	l->next = l->prev = l;
}

static void link_add(struct link *l, struct link *to)
{
	l->next = to;
	l->prev = to->prev;
	l->prev->next = l->next->prev = l;
}

static void link_del(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

static void construct(void *obj)
{
	struct connection *c = obj;

	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->readable, NULL);
	link_init(&c->requests);
	constructed++;
}

static struct connection *connection_open(int fd)
{
	struct connection *c =
		pagoda_kmem_cache_alloc(connections, PAGODA_GFP_KERNEL);

	if (!c)
		return NULL;
	c->fd = fd;
	link_add(&c->all, &all);
	return c;
}

static void connection_close(struct connection *c)
{
	link_del(&c->all);
	pagoda_kmem_cache_free(connections, c);
}

int main(void)
{
	enum { OPEN = 500, TOTAL = 200000 };
	static struct connection *open[OPEN];
	int fd;

	connections = pagoda_kmem_cache_create(
		"connection", sizeof(struct connection), 0,
		PAGODA_SLAB_HWCACHE_ALIGN, construct);
	if (!connections) {
		perror("pagoda_kmem_cache_create");
		return 1;
	}
	for (fd = 0; fd < TOTAL; fd++) {
		struct connection **c = &open[fd % OPEN];

		if (*c)
			connection_close(*c);
		*c = connection_open(fd);
		if (!*c) {
			perror("connection_open");
			return 1;
		}
		pthread_mutex_lock(&(*c)->lock);
		pthread_mutex_unlock(&(*c)->lock);
	}
	/* One is forgotten, and found. */
	for (fd = 1; fd < OPEN; fd++)
		connection_close(open[fd]);
	if (pagoda_kmem_cache_destroy(connections))
		perror("as expected, pagoda_kmem_cache_destroy");
	else
		return 1;
	connection_close(open[0]);
	if (pagoda_kmem_cache_destroy(connections))
		return 1;
	printf("%d connections, %zu constructed\n", (int)TOTAL, constructed);
	return constructed > TOTAL / 10;
}
