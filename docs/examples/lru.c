/* SPDX-License-Identifier: MIT */
/*
 * A cache that uses what memory there is: answers are kept, the least recently used
 * ones go when the program would run out of memory, or on malloc_trim().
 *
 * No limit has to be guessed. The shrinker runs inside the allocation that found no
 * memory, whoever makes it, so it only tries the cache's lock: that thread may be the
 * one that holds it.
 *
 *	cc lru.c $(pkg-config --cflags --libs pagoda) -pthread
 */
#include <malloc.h>
#include <pagoda/shrinker.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BUCKETS = 1024, ANSWER = 50000 };

struct answer {
	struct answer *newer, *older; /* a ring with lru.ring in it */
	struct answer *next;	      /* of its bucket */
	unsigned int question;
	char text[];
};

struct lru {
	pthread_mutex_t lock;
	struct answer ring;
	struct answer *buckets[BUCKETS];
	size_t nr, found, made, dropped;
};

/* With the lock held. */
static void unlink_answer(struct answer *a)
{
	a->newer->older = a->older;
	a->older->newer = a->newer;
}

static void make_newest(struct lru *lru, struct answer *a)
{
	a->older = lru->ring.older;
	a->newer = &lru->ring;
	a->older->newer = a;
	lru->ring.older = a;
}

static struct answer **find(struct lru *lru, unsigned int question)
{
	struct answer **a = &lru->buckets[question % BUCKETS];

	while (*a && (*a)->question != question)
		a = &(*a)->next;
	return a;
}

static size_t count(void *private_data)
{
	struct lru *lru = private_data;
	size_t nr;

	if (pthread_mutex_trylock(&lru->lock))
		return 0;
	nr = lru->nr;
	pthread_mutex_unlock(&lru->lock);
	return nr;
}

static size_t scan(void *private_data, size_t nr)
{
	struct lru *lru = private_data;
	size_t freed = 0;

	if (pthread_mutex_trylock(&lru->lock))
		return PAGODA_SHRINK_STOP;
	for (; freed < nr && lru->nr; freed++) {
		struct answer *oldest = lru->ring.newer;

		unlink_answer(oldest);
		*find(lru, oldest->question) = oldest->next;
		free(oldest);
		lru->nr--;
		lru->dropped++;
	}
	pthread_mutex_unlock(&lru->lock);
	return freed;
}

/* Return: the first letter of the answer; 0: there is no memory for it. */
static int ask(struct lru *lru, unsigned int question)
{
	struct answer *a;

	pthread_mutex_lock(&lru->lock);
	a = *find(lru, question);
	if (a) {
		unlink_answer(a);
		lru->found++;
	} else {
		/* Without the lock, so that older answers can make room. */
		pthread_mutex_unlock(&lru->lock);
		a = malloc(sizeof(*a) + ANSWER);
		if (!a)
			return 0;
		memset(a->text, 'a' + (int)(question % 26), ANSWER);
		a->question = question;
		pthread_mutex_lock(&lru->lock);
		a->next = lru->buckets[question % BUCKETS];
		lru->buckets[question % BUCKETS] = a;
		lru->nr++;
		lru->made++;
	}
	make_newest(lru, a);
	pthread_mutex_unlock(&lru->lock);
	return a->text[ANSWER - 1];
}

int main(void)
{
	static struct lru lru = {.lock = PTHREAD_MUTEX_INITIALIZER};
	static const struct pagoda_shrinker shrinker = {
		.count = count,
		.scan = scan,
		.private_data = &lru,
	};
	struct rlimit limit = {100 << 20, RLIM_INFINITY};
	unsigned int i;
	void *work;

	lru.ring.newer = lru.ring.older = &lru.ring;
	if (pagoda_register_shrinker(&shrinker)) {
		perror("pagoda_register_shrinker");
		return 1;
	}
	setrlimit(RLIMIT_DATA, &limit);
	/* 500 MB of answers, one of them asked for again and again. */
	for (i = 0; i < 10000; i++)
		if (ask(&lru, i) != 'a' + (int)(i % 26) || ask(&lru, 0) != 'a') {
			perror("ask");
			return 1;
		}
	printf("%zu made, %zu found, %zu dropped, %zu kept\n", lru.made,
	       lru.found, lru.dropped, lru.nr);
	/* The popular one was dropped only where nothing else was left. */
	if (!lru.dropped || lru.nr < 200 || lru.found < 9000)
		return 1;
	/* What is not the cache's has its share, too. */
	work = malloc(40 << 20);
	printf("40 MiB for something else: %s, %zu kept\n",
	       work ? "yes" : "no", lru.nr);
	free(work);
	malloc_trim(0);
	return !work || lru.nr || pagoda_unregister_shrinker(&shrinker);
}
