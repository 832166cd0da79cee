/* SPDX-License-Identifier: MIT */
/*
 * lz4_view.c - a file compressed with lz4(1), seen as plain memory.
 *
 *   lz4_view FILE.lz4 OFFSET LENGTH [OFFSET LENGTH]...
 *
 * prints these parts of the plain text, as `lz4 -dc FILE.lz4 | tail -c ... |
 * head -c ...` would, but decompresses only the blocks that they touch.
 *
 * A file of `lz4 -B4`, -B5 or -B6 is a sequence of blocks of 64 KiB, 256 KiB or
 * 1 MiB that can be decompressed alone (lz4's default of 4 MiB is more than one
 * fault may ask for). Several such files behind each other will do as well, if
 * all blocks but the last have the same plain size, a power of two: so does what
 * `split -b 1M FILE part.; lz4 -m --content-size part.*` makes.
 *
 *   cc lz4_view.c $(pkg-config --cflags --libs pagoda liblz4)
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lz4.h>
#include <lz4frame.h>

#include <pagoda/map.h>

#define STORED (1u << 31) /* in a block's size: not compressed */

struct block {
	const char *data; /* in the file */
	uint32_t size; /* there; with STORED */
};

struct view {
	const char *pos, *end; /* of the file, while the index is made */
	struct block *blocks;
	size_t nr_blocks;
	size_t block_size; /* plain bytes of every block but the last */
	size_t size; /* plain bytes of all */
	_Atomic size_t nr_decompressed;
};

/* Return: the plain bytes, now in @buf; negative if the block is damaged. */
static int decompress(const struct block *block, char *buf, size_t room)
{
	uint32_t size = block->size & ~STORED;

	if (!(block->size & STORED))
		return LZ4_decompress_safe(block->data, buf, (int)size,
					   (int)room);
	if (size > room)
		return -1;
	memcpy(buf, block->data, size);
	return (int)size;
}

/* --- the index: where each block is, found without decompressing them --- */

static const char *take(struct view *v, size_t size)
{
	const char *p = v->pos;

	if (size > (size_t)(v->end - p))
		errx(1, "the file ends inside of a frame");
	v->pos += size;
	return p;
}

static uint32_t take_number(struct view *v)
{
	const unsigned char *p = (const unsigned char *)take(v, 4);

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void add_block(struct view *v, uint32_t size)
{
	/* Doubled whenever it is full, which is when nr is a power of two. */
	if (!(v->nr_blocks & (v->nr_blocks - 1))) {
		size_t room = v->nr_blocks ? 2 * v->nr_blocks : 1;

		v->blocks = reallocarray(v->blocks, room, sizeof(*v->blocks));
		if (!v->blocks)
			err(1, "index");
	}
	v->blocks[v->nr_blocks++] = (struct block){ take(v, size & ~STORED),
						    size };
}

/* The plain size of a frame's last block, of which nothing else tells. */
static size_t measure_last(const struct view *v, size_t max)
{
	char *buf = malloc(max);
	int size;

	if (!buf)
		err(1, "decompression");
	size = decompress(&v->blocks[v->nr_blocks - 1], buf, max);
	free(buf);
	if (size < 0)
		errx(1, "block %zu is damaged", v->nr_blocks - 1);
	return (size_t)size;
}

/* All blocks but the last of the file must have the plain size of the first. */
static void add_plain_sizes(struct view *v, size_t nr, size_t each, size_t last)
{
	size_t size = nr > 1 ? each : last;

	if (!v->size)
		v->block_size = size;
	else if (v->size % v->block_size || size > v->block_size ||
		 (nr > 1 && size != v->block_size))
		errx(1, "the blocks have different sizes");
	v->size += (nr - 1) * each + last;
}

static void add_frame(struct view *v, LZ4F_dctx *ctx)
{
	size_t first = v->nr_blocks, nr, max, last;
	size_t header = (size_t)(v->end - v->pos), result;
	LZ4F_frameInfo_t info;
	uint32_t size;

	LZ4F_resetDecompressionContext(ctx);
	result = LZ4F_getFrameInfo(ctx, &info, v->pos, &header);
	if (LZ4F_isError(result))
		errx(1, "not a frame of lz4: %s", LZ4F_getErrorName(result));
	if (info.blockMode == LZ4F_blockLinked || info.dictID)
		errx(1, "the blocks need each other (lz4 -BD) or a dictionary");
	take(v, header);
	while ((size = take_number(v)) != 0) {
		add_block(v, size);
		if (info.blockChecksumFlag)
			take(v, 4);
	}
	if (info.contentChecksumFlag)
		take(v, 4);
	nr = v->nr_blocks - first;
	if (!nr)
		return;
	max = (size_t)1 << (8 + 2 * info.blockSizeID);
	last = info.contentSize ? (size_t)info.contentSize - (nr - 1) * max :
				  measure_last(v, max);
	if (!last || last > max)
		errx(1, "a frame has another size than its blocks");
	add_plain_sizes(v, nr, max, last);
}

static void make_index(struct view *v, const char *file, size_t size)
{
	LZ4F_dctx *ctx;

	v->pos = file;
	v->end = file + size;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
		errx(1, "no memory");
	while (v->pos < v->end) {
		const char *start = v->pos;

		if ((take_number(v) & ~15u) == LZ4F_MAGIC_SKIPPABLE_START) {
			take(v, take_number(v));
			continue;
		}
		v->pos = start;
		add_frame(v, ctx);
	}
	LZ4F_freeDecompressionContext(ctx);
	if (!v->size)
		errx(1, "the file is empty");
	/* A single block may have any size. */
	if (v->nr_blocks == 1 && v->size <= PAGODA_MAP_MAX_BLOCK)
		v->block_size = PAGODA_MAP_MAX_BLOCK;
}

/* --- the pager --- */

/*
 * Runs in the pager's thread, one call at a time. The file is mapped: that
 * thread has no descriptors of the program.
 */
static int fault(void *private_data, const struct pagoda_vm_fault *vmf)
{
	struct view *v = private_data;
	/* The whole block: nothing of the mapping is ever unmapped alone. */
	size_t block = vmf->offset / v->block_size;
	size_t left = v->size - vmf->offset;
	size_t plain = left < v->block_size ? left : v->block_size;
	char *buf = vmf->buf;

	v->nr_decompressed++;
	if (decompress(&v->blocks[block], buf, vmf->size) != (int)plain)
		return -EIO; /* Damaged: whoever reads it gets SIGBUS. */
	/* The rest of the last page. */
	memset(buf + plain, 0, vmf->size - plain);
	return 0;
}

/* --- the program --- */

static const char *map_file(const char *name, size_t *ret_size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", name);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err(1, "%s", name);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return p;
}

/* write(2) waits for missing pages as any other access does. */
static void print(const char *p, size_t size)
{
	while (size) {
		ssize_t n = write(STDOUT_FILENO, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err(1, "output");
		p += n;
		size -= (size_t)n;
	}
}

int main(int argc, char **argv)
{
	struct pagoda_vm_operations ops = { .fault = fault };
	struct view v = { 0 };
	const char *file, *plain;
	size_t size;

	if (argc < 4 || argc % 2)
		errx(2, "usage: lz4_view FILE.lz4 OFFSET LENGTH ...");
	file = map_file(argv[1], &size);
	make_index(&v, file, size);
	ops.block_size = v.block_size;
	plain = pagoda_map(v.size, &ops, &v, PAGODA_MAP_READONLY);
	if (!plain && errno == EINVAL)
		errx(1, "blocks of %zu bytes: use lz4 -B4, -B5 or -B6",
		     v.block_size);
	if (!plain)
		err(1, "pagoda_map");
	for (int i = 2; i < argc; i += 2) {
		size_t from = strtoull(argv[i], NULL, 0);
		size_t length = strtoull(argv[i + 1], NULL, 0);

		if (from > v.size || length > v.size - from)
			errx(1, "there are %zu bytes only", v.size);
		print(plain + from, length);
	}
	fprintf(stderr, "%zu of %zu blocks decompressed\n",
		(size_t)v.nr_decompressed, v.nr_blocks);
	pagoda_unmap((void *)(uintptr_t)plain, v.size);
	free(v.blocks);
	return 0;
}
