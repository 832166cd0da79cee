/* SPDX-License-Identifier: MIT */
/*
 * uffd.c - userfaultfd. The kernel headers may be older than the kernel: what
 * they lack is defined here.
 */
#include "os/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "os/os.h"
#include "os/syscall.h"

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE (1 << 16)
#endif
#ifndef UFFDIO_MOVE
struct uffdio_move {
	uint64_t dst;
	uint64_t src;
	uint64_t len;
	uint64_t mode;
	int64_t move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES (1 << 1)
#endif
#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

static int uffd_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)os_syscall3(SYS_ioctl, fd, (long)request, (long)arg);
}

/* Permission to open the device is enough, whatever the sysctl says. */
static int open_full_mode(void)
{
	int dev = (int)os_syscall4(SYS_openat, AT_FDCWD,
				   (long)"/dev/userfaultfd", O_RDWR | O_CLOEXEC,
				   0);
	int fd;

	if (dev >= 0) {
		fd = (int)os_syscall3(SYS_ioctl, dev, USERFAULTFD_IOC_NEW,
				      O_CLOEXEC);
		os_syscall1(SYS_close, dev);
		if (fd >= 0)
			return fd;
	}
	return (int)os_syscall1(SYS_userfaultfd, O_CLOEXEC);
}

/* What runs in that thread may take low numbers for its own. */
static int out_of_the_way(int fd)
{
	int high = (int)os_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 100);

	if (high < 0)
		return fd;
	os_syscall1(SYS_close, fd);
	return high;
}

int os_uffd_open(bool kernel_faults, enum os_uffd_need needs)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = needs == OS_UFFD_MOVE ? UFFD_FEATURE_MOVE :
						    UFFD_FEATURE_POISON,
	};
	int fd;

	fd = kernel_faults ? open_full_mode() :
			     (int)os_syscall1(SYS_userfaultfd,
					      O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (fd < 0)
		return fd;
	if (uffd_ioctl(fd, UFFDIO_API, &api) < 0) {
		os_syscall1(SYS_close, fd);
		return -ENOSYS;
	}
	return out_of_the_way(fd);
}

void os_uffd_close(int fd)
{
	os_syscall1(SYS_close, fd);
}

int os_uffd_register(int fd, uintptr_t addr, size_t size)
{
	struct uffdio_register reg = {
		.range = { .start = addr, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return uffd_ioctl(fd, UFFDIO_REGISTER, &reg);
}

void os_uffd_unregister(int fd, uintptr_t addr, size_t size)
{
	struct uffdio_range range = { .start = addr, .len = size };

	(void)uffd_ioctl(fd, UFFDIO_UNREGISTER, &range);
}

int os_uffd_wait(int fd, struct os_fault *faults, int max)
{
	enum { BATCH = 32 };
	struct uffd_msg msgs[BATCH];
	size_t want = (size_t)(max < BATCH ? max : BATCH);
	long n = os_syscall3(SYS_read, fd, (long)msgs,
			     (long)(want * sizeof(msgs[0])));
	int nr = 0;

	for (long i = 0; i < n / (long)sizeof(msgs[0]); i++) {
		if (msgs[i].event != UFFD_EVENT_PAGEFAULT)
			continue;
		faults[nr].addr = align_down(msgs[i].arg.pagefault.address,
					     os_page_size());
		faults[nr].write = msgs[i].arg.pagefault.flags &
				   UFFD_PAGEFAULT_FLAG_WRITE;
		nr++;
	}
	return n < 0 ? (int)n : nr;
}

int os_uffd_copy(int fd, uintptr_t addr, const void *src, size_t size)
{
	size_t page = os_page_size(), step = size, done = 0;

	while (done < size) {
		struct uffdio_copy copy = {
			.dst = addr + done,
			.src = (uintptr_t)src + done,
			.len = min_size(step, size - done),
		};
		int err = uffd_ioctl(fd, UFFDIO_COPY, &copy);

		if (copy.copy > 0)
			done += (size_t)copy.copy;
		else if (err == -EEXIST)
			done += page;
		else if (err == -ENOENT && step > page)
			step = page; /* It takes one kernel mapping at a time. */
		else if (err < 0 && err != -EAGAIN)
			return err;
	}
	return 0;
}

size_t os_uffd_move(int fd, uintptr_t addr, const void *src, size_t size)
{
	size_t done = 0;
	int err = 0;

	while (done < size && (err == 0 || err == -EAGAIN)) {
		struct uffdio_move move = {
			.dst = addr + done,
			.src = (uintptr_t)src + done,
			.len = size - done,
			.mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES,
		};

		err = uffd_ioctl(fd, UFFDIO_MOVE, &move);
		if (move.move > 0)
			done += (size_t)move.move;
	}
	return done;
}

void os_uffd_zero(int fd, uintptr_t page)
{
	struct uffdio_zeropage zero = {
		.range = { .start = page, .len = os_page_size() },
	};
	int err;

	do
		err = uffd_ioctl(fd, UFFDIO_ZEROPAGE, &zero);
	while (err == -EAGAIN);
}

int os_uffd_poison(int fd, uintptr_t page)
{
	struct uffdio_poison poison = {
		.range = { .start = page, .len = os_page_size() },
	};
	int err;

	do
		err = uffd_ioctl(fd, UFFDIO_POISON, &poison);
	while (err == -EAGAIN);
	return err == -EEXIST ? 0 : err;
}

void os_uffd_wake(int fd, uintptr_t addr, size_t size)
{
	struct uffdio_range range = { .start = addr, .len = size };

	(void)uffd_ioctl(fd, UFFDIO_WAKE, &range);
}
