/*
 * Mixed lifetimes: rss_over_live is the resident memory at the end over the live
 * bytes.
 *
 * shift: 32 MiB stay alive while random objects die and objects of another size
 * are born; when twice the live bytes have been turned over the size changes
 * again. What the old sizes leave behind is of use only to an allocator that can
 * give it to the new ones.
 *
 * blocks: a few blocks of 0.3 to 2.4 MB, as of arrays, each replaced by one of
 * another size. An allocator that rounds large blocks, or aligns them, leaves gaps.
 */
#include "common.h"

#define LIVE_BYTES (32 * MiB)

enum { MIN_SIZE = 48, TURN = 100, LIVE_BLOCKS = 12 };

static const uint32_t phase_sizes[] = {64, 512, 96, 2048, 160, 4096, 256, 1024};
static const uint32_t block_sizes[] = {300000, 1200000, 1300000, 2400000};

struct object {
	void *p;
	uint32_t size;
};

struct heap {
	struct object *objects;
	uint32_t nr;
	size_t live;
	struct rng rng;
};

static void kill_one(struct heap *h)
{
	struct object *victim = &h->objects[rng_below(&h->rng, h->nr)];

	free(victim->p);
	h->live -= victim->size;
	*victim = h->objects[--h->nr];
}

static void bear_one(struct heap *h, uint32_t mean)
{
	uint32_t size = mean * 3 / 4 + rng_below(&h->rng, mean / 2);
	struct object *o = &h->objects[h->nr++];

	o->size = size;
	o->p = malloc(size);
	touch(o->p, size);
	h->live += size;
}

static void fragment(struct bench *b)
{
	struct heap h = {
		.objects = map_array(LIVE_BYTES / MIN_SIZE + 1,
				     sizeof(struct object)),
		.rng = rng_seed(1),
	};
	size_t turned = 0, phase = 0, before = bench_rss();

	while (bench_next(b, TURN)) {
		uint32_t mean = phase_sizes[phase % ARRAY_SIZE(phase_sizes)];

		for (int i = 0; i < TURN; i++) {
			bear_one(&h, mean);
			while (h.live > LIVE_BYTES)
				kill_one(&h);
		}
		turned += TURN * mean;
		if (turned > 2 * LIVE_BYTES) {
			turned = 0;
			phase++;
		}
	}
	bench_count(b, "rss_over_live",
		    (double)(bench_rss() - before) / (double)h.live);
	while (h.nr)
		kill_one(&h);
}

static void blocks(struct bench *b)
{
	struct object live[LIVE_BLOCKS] = {0};
	struct rng r = rng_seed(1);
	size_t bytes = 0, before = bench_rss();

	while (bench_next(b, TURN))
		for (int i = 0; i < TURN; i++) {
			struct object *o = &live[rng_below(&r, LIVE_BLOCKS)];

			free(o->p);
			bytes -= o->size;
			o->size = block_sizes[rng_below(&r, ARRAY_SIZE(block_sizes))];
			o->p = malloc(o->size);
			touch_pages(o->p, o->size);
			bytes += o->size;
		}
	bench_count(b, "rss_over_live",
		    (double)(bench_rss() - before) / (double)bytes);
	for (int i = 0; i < LIVE_BLOCKS; i++)
		free(live[i].p);
}

static const struct bench_case cases[] = {
	{"shift", fragment, .ops = 2600000, .flags = BENCH_QUICK},
	{"blocks", blocks, .ops = 20000},
};
BENCH_MAIN("fragment", "one object born while a random one dies", cases)
