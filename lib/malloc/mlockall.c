/* SPDX-License-Identifier: MIT */
/*
 * mlockall.c - mlockall() locks what the program uses, not what we reserved.
 *
 * The kernel would count the whole reserved span against RLIMIT_MEMLOCK and
 * refuse. So MCL_FUTURE goes to the kernel, and MCL_CURRENT is done here,
 * mapping by mapping from /proc/self/maps, leaving out what is only reserved.
 * Our own memory is locked as it becomes resident; what is brought online from
 * then on is locked as well. Without /proc the kernel's call is all there is.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "malloc/internal.h"
#include "os/os.h"
#include "os/syscall.h"
#include "page_alloc/page_alloc.h"

struct mapping {
	uintptr_t start, end;
	char prot[4];
};

static const char *parse_hex(const char *s, uintptr_t *ret)
{
	for (*ret = 0;; s++) {
		unsigned int d;

		if (*s >= '0' && *s <= '9')
			d = (unsigned int)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			d = (unsigned int)(*s - 'a' + 10);
		else
			return s;
		*ret = *ret << 4 | d;
	}
}

static void parse_mapping(const char *line, struct mapping *m)
{
	line = parse_hex(line, &m->start) + 1;
	line = parse_hex(line, &m->end) + 1;
	for (int i = 0; i < 4; i++)
		m->prot[i] = line[i];
}

static long lock_range(const struct mapping *m, uintptr_t start, uintptr_t end,
		       unsigned int flags)
{
	long ret = os_syscall3(SYS_mlock2, (long)start, (long)(end - start),
			       flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0);

	/* Inaccessible or just unmapped: mlockall() does not mind either. */
	return m->prot[0] == '-' || ret == -ENOMEM ?
		       (ret == -ENOMEM && m->prot[0] != '-' ? ret : 0) : ret;
}

enum { NR_LEFT_OUT = 2 };

/*
 * Tables of ours that are mostly never used, and would count in full: the area
 * records, which are written where system calls are made anyway, and the boot
 * arena.
 */
static void left_out(struct mapping ret[NR_LEFT_OUT])
{
	size_t size;
	uintptr_t arena = (uintptr_t)memblock_arena(&size);
	uintptr_t records = (uintptr_t)control.areas;
	struct mapping r = { records, records + sizeof(control.areas), "" };
	struct mapping a = { arena, arena + size, "" };

	ret[0] = arena < records ? a : r;
	ret[1] = arena < records ? r : a;
}

static long lock_around_tables(const struct mapping *m, unsigned int flags)
{
	struct mapping out[NR_LEFT_OUT];
	uintptr_t start = m->start;
	long ret = 0;

	left_out(out);
	for (int i = 0; i < NR_LEFT_OUT && !ret; i++) {
		if (out[i].start < start || out[i].end > m->end)
			continue;
		if (start < out[i].start)
			ret = lock_range(m, start, out[i].start, flags);
		start = out[i].end;
	}
	return ret ? ret : lock_range(m, start, m->end, flags);
}

static long lock_mapping(const struct mapping *m, unsigned int flags)
{
	size_t size = m->end - m->start;

	/* The kernel's half: the vsyscall page. */
	if ((intptr_t)m->start < 0)
		return 0;
	if (os_is_reserved((void *)m->start))
		return m->prot[1] == 'w' ?
			       os_mlock_onfault((void *)m->start, size) : 0;
	return lock_around_tables(m, flags);
}

/* Call lock_mapping() for each line of the file. */
static long lock_current(long fd, unsigned int flags)
{
	char buf[4096];
	size_t have = 0;
	long ret = 0;

	for (;;) {
		long n = os_syscall3(SYS_read, fd, (long)(buf + have),
				     (long)(sizeof(buf) - have));
		size_t start = 0;

		if (n <= 0)
			return n < 0 ? n : ret;
		have += (size_t)n;
		for (size_t i = 0; i < have; i++) {
			struct mapping m;

			if (buf[i] != '\n')
				continue;
			parse_mapping(buf + start, &m);
			start = i + 1;
			ret = lock_mapping(&m, flags);
			if (ret < 0)
				return ret;
		}
		/* A path longer than the buffer: what matters came before. */
		if (!start && have == sizeof(buf))
			return -ENAMETOOLONG;
		have -= start;
		__builtin_memmove(buf, buf + start, have);
	}
}

EXPORT int mlockall(int flags)
{
	unsigned int f = (unsigned int)flags;
	long fd, ret = 0;

	if (!malloc_is_up() || !(f & MCL_CURRENT) ||
	    f & ~(unsigned int)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		fd = -1;
	else
		fd = os_syscall4(SYS_openat, AT_FDCWD, (long)"/proc/self/maps",
				 O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0) {
		ret = os_syscall1(SYS_mlockall, flags);
		if (!ret)
			os_set_lock_commits(f & MCL_FUTURE);
		return (int)syscall_result(ret);
	}
	if (f & MCL_FUTURE)
		ret = os_syscall1(SYS_mlockall,
				  (long)(f & ~(unsigned int)MCL_CURRENT));
	if (!ret)
		ret = lock_current(fd, f);
	os_syscall1(SYS_close, fd);
	if (!ret)
		os_set_lock_commits(f & MCL_FUTURE);
	else
		os_syscall0(SYS_munlockall);
	return (int)syscall_result(ret);
}

EXPORT int munlockall(void)
{
	os_set_lock_commits(false);
	return (int)syscall_result(os_syscall0(SYS_munlockall));
}
