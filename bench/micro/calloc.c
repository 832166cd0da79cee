/*
 * Zeroed memory: of small objects, where clearing is cheap, of large blocks,
 * where an allocator gains by knowing what is zero already, and of hash tables,
 * which are read before they are written to.
 */
#include "common.h"

enum { BATCH = 1000, PAGE = 4096 };

static void use(char *p, size_t size)
{
	if (size > PAGE)
		touch_pages(p, size);
	else
		touch(p, size);
}

static void pair(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);

	while (bench_next(b, 1)) {
		char *p = calloc(1, size);

		use(p, size);
		free(p);
	}
}

static void batch(struct bench *b)
{
	size_t size = (size_t)bench_arg(b, 0);
	void **slot = map_array(BATCH, sizeof(*slot));

	while (bench_next(b, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			slot[i] = calloc(1, size);
			touch(slot[i], size);
		}
		for (int i = BATCH; i-- > 0;)
			free(slot[i]);
	}
}

struct entry {
	struct entry *next;
	uint64_t key, value[3];
};

struct table {
	struct entry **slots;
	size_t room, nr; /* room: a power of two */
};

static struct entry **find(const struct table *t, uint64_t key)
{
	struct entry **e = &t->slots[key & (t->room - 1)];

	while (*e && (*e)->key != key)
		e = &(*e)->next;
	return e;
}

static void resize(struct table *t, size_t room)
{
	struct table old = *t;

	t->slots = calloc(room, sizeof(*t->slots));
	t->room = room;
	for (size_t i = 0; i < old.room; i++)
		for (struct entry *e = old.slots[i], *next; e; e = next) {
			struct entry **slot = &t->slots[e->key & (room - 1)];

			next = e->next;
			e->next = *slot;
			*slot = e;
		}
	free(old.slots);
}

static void count(struct table *t, uint64_t key)
{
	struct entry **e = find(t, key);

	if (!*e) {
		*e = malloc(sizeof(**e));
		**e = (struct entry){.key = key};
		t->nr++;
	}
	(*e)->value[0]++;
	if (t->nr > t->room)
		resize(t, 2 * t->room);
}

static void drop(struct table *t)
{
	for (size_t i = 0; i < t->room; i++)
		for (struct entry *e = t->slots[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(t->slots);
}

static void table(struct bench *b)
{
	enum { KEYS = 200000, FIRST = 1024 };
	struct rng r = rng_seed((uint64_t)bench_thread(b));

	while (bench_next(b, KEYS)) {
		struct table t = {0};

		resize(&t, FIRST);
		for (int i = 0; i < KEYS; i++)
			count(&t, rng_next(&r));
		drop(&t);
	}
}

static const struct bench_case cases[] = {
	{"batch/64", batch, {64}, 10000000, .flags = BENCH_QUICK},
	{"batch/1024", batch, {1024}, 4000000},
	{"16K", pair, {16 * KiB}, 500000},
	{"256K", pair, {256 * KiB}, 3000, .flags = BENCH_QUICK},
	{"8M", pair, {8 * MiB}, 100},
	{"table/t4", table, {0}, 4000000, .threads = 4},
};
BENCH_MAIN("calloc",
	   "calloc, use and free of one block; a key counted in a table",
	   cases)
