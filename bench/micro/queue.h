/*
 * A bounded queue of pointers between threads. It blocks rather than spins, so
 * that waiting threads leave the processors to the others; users pass whole
 * chunks of objects, so that the queue costs little next to them.
 */
#ifndef BENCH_MICRO_QUEUE_H
#define BENCH_MICRO_QUEUE_H

#include <pthread.h>

enum { QUEUE_CAPACITY = 256 };

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	unsigned int head, tail; /* free-running: tail - head are in */
	void *item[QUEUE_CAPACITY];
};

static inline void queue_init(struct queue *q)
{
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	pthread_cond_init(&q->emptied, NULL);
	q->head = q->tail = 0;
}

static inline void queue_put(struct queue *q, void *item)
{
	pthread_mutex_lock(&q->lock);
	while (q->tail - q->head == QUEUE_CAPACITY)
		pthread_cond_wait(&q->emptied, &q->lock);
	q->item[q->tail++ % QUEUE_CAPACITY] = item;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->filled);
}

static inline void *queue_get(struct queue *q)
{
	void *item;

	pthread_mutex_lock(&q->lock);
	while (q->tail == q->head)
		pthread_cond_wait(&q->filled, &q->lock);
	item = q->item[q->head++ % QUEUE_CAPACITY];
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->emptied);
	return item;
}

#endif
