/* SPDX-License-Identifier: MIT */
/*
 * Locked pages as a fixed buffer of io_uring: a file is written and read back through
 * one.
 *
 * A fixed buffer is mapped into the kernel once and not at every request. It has to
 * stay where it is: pages with PAGODA_GFP_DMA are resident from the start, are never
 * swapped out, and start at a multiple of their size, as O_DIRECT wants it.
 *
 *	cc fixed_buffer.c $(pkg-config --cflags --libs pagoda liburing)
 *
 * Ends with 77 where the system refuses io_uring.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pagoda/pages.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ORDER = 6, SIZE = PAGODA_PAGE_SIZE << ORDER, BLOCKS = 16 };

static int failed(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	return 1;
}

/* Return: 0, or an errno value. */
static int transfer(struct io_uring *ring, int fd, void *buf, off_t offset,
		    int is_write)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int result;

	if (is_write)
		io_uring_prep_write_fixed(sqe, fd, buf, SIZE, (__u64)offset, 0);
	else
		io_uring_prep_read_fixed(sqe, fd, buf, SIZE, (__u64)offset, 0);
	io_uring_submit(ring);
	result = io_uring_wait_cqe(ring, &cqe);
	if (result)
		return -result;
	result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	if (result < 0)
		return -result;
	return result == SIZE ? 0 : EIO;
}

static int write_and_read(struct io_uring *ring, int fd, char *buf)
{
	int i, error;

	for (i = 0; i < BLOCKS; i++) {
		memset(buf, 'a' + i, SIZE);
		error = transfer(ring, fd, buf, (off_t)i * SIZE, 1);
		if (error)
			return failed("write", error);
	}
	for (i = BLOCKS - 1; i >= 0; i--) {
		memset(buf, 0, SIZE);
		error = transfer(ring, fd, buf, (off_t)i * SIZE, 0);
		if (error)
			return failed("read", error);
		if (buf[0] != 'a' + i || memcmp(buf, buf + 1, SIZE - 1))
			return failed("comparison", EIO);
	}
	return 0;
}

int main(void)
{
	char name[] = "/tmp/pagoda-example-XXXXXX";
	char *buf = pagoda_alloc_pages(PAGODA_GFP_DMA, ORDER);
	struct iovec fixed = {buf, SIZE};
	struct pagoda_page page;
	struct io_uring ring;
	int fd, result;

	if (!buf || pagoda_virt_to_page(buf, &page))
		return failed("pagoda_alloc_pages", errno);
	if (page.zone != PAGODA_ZONE_DMA)
		return failed("zone", EINVAL);
	result = io_uring_queue_init(4, &ring, 0);
	if (result) {
		printf("skipped: io_uring: %s\n", strerror(-result));
		return 77;
	}
	result = io_uring_register_buffers(&ring, &fixed, 1);
	if (result)
		return failed("io_uring_register_buffers", -result);
	fd = mkstemp(name);
	if (fd < 0)
		return failed(name, errno);
	unlink(name);
	/* Where the file system can. */
	fcntl(fd, F_SETFL, O_DIRECT);
	result = write_and_read(&ring, fd, buf);
	close(fd);
	io_uring_queue_exit(&ring);
	pagoda_free_pages(buf, ORDER);
	if (!result)
		printf("%d blocks of %d bytes through a fixed buffer\n",
		       (int)BLOCKS, (int)SIZE);
	return result;
}
