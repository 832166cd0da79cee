/* SPDX-License-Identifier: MIT */
/* os.c - see os.h; also the host of base/ (base/host.h). */
#include "os/os.h"

#include <elf.h>
#include <errno.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/single_threaded.h>
#include <sys/sysinfo.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/host.h"
#include "base/probe.h"
#include "os/syscall.h"

/* Newer than Debian 12's headers. */
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1u << 1)
#endif

/* --- base/host.h --- */

void host_futex_wait(uint32_t *word, uint32_t val)
{
	os_syscall6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, (long)val, 0, 0,
		    0);
}

void host_futex_wake(uint32_t *word, int nr)
{
	os_syscall3(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, nr);
}

void host_yield(void)
{
	/* A nap: there are sandboxes that forbid sched_yield. */
	static uint32_t never = 1;
	static const struct timespec nap = { .tv_nsec = 50000 };

	os_syscall6(SYS_futex, (long)&never, FUTEX_WAIT_PRIVATE, 1, (long)&nap,
		    0, 0);
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		long n = os_syscall3(SYS_write, fd, (long)buf, (long)len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= (size_t)n;
	}
}

static _Thread_local bool unshared; /* by os_unshare_files() */

/* The program's standard error as it is now, for a thread without. */
static int borrow_stderr(void)
{
	long pid = os_syscall0(SYS_getpid);
	int self = (int)os_syscall2(SYS_pidfd_open, pid, 0);
	int fd = (int)os_syscall3(SYS_pidfd_getfd, self, STDERR_FILENO, 0);

	os_syscall1(SYS_close, self);
	return fd;
}

void host_write_stderr(const char *buf, size_t len)
{
	int fd;

	if (!unshared) {
		write_all(STDERR_FILENO, buf, len);
		return;
	}
	fd = borrow_stderr();
	write_all(fd, buf, len);
	os_syscall1(SYS_close, fd);
}

void host_abort(void)
{
	/* libc's abort(): unblocks SIGABRT, ends the process whatever happens. */
	extern void abort(void) NORETURN;

	abort();
}

/* --- descriptors --- */

int os_unshare_files(void)
{
	int err = (int)os_syscall3(SYS_close_range, 0, (long)~0u,
				   CLOSE_RANGE_UNSHARE);

	unshared = !err;
	return err;
}

/* --- memory --- */

static bool is_error(long ret)
{
	return (unsigned long)ret > -4096ul;
}

static void *map_anonymous(void *addr, size_t size, int prot, int flags)
{
	long ret = os_syscall6(SYS_mmap, (long)addr, (long)size, prot,
			       flags | MAP_PRIVATE | MAP_ANONYMOUS |
				       MAP_NORESERVE,
			       -1, 0);

	return is_error(ret) ? NULL : (void *)ret;
}

/* What we reserved, for mlockall: a handful in a process's life. */
enum { MAX_RESERVATIONS = 16 };
static struct reservation {
	uintptr_t start, size;
} reservations[MAX_RESERVATIONS];
static unsigned int nr_reservations; /* Atomic */
static bool lock_commits; /* Atomic */

/* Debuggers put all that is mapped into a core file, zeros and all. */
static void dump(void *addr, size_t size, bool yes)
{
	os_syscall3(SYS_madvise, (long)addr, (long)size,
		    yes ? MADV_DODUMP : MADV_DONTDUMP);
}

/*
 * Only once memory is used: the many processes that are over before could do
 * without these calls. A second thread that commits meanwhile may lose what it
 * commits from core files.
 */
static uint32_t hidden; /* Atomic */

static void hide_reservations(void)
{
	if (exchange_acquire(&hidden, 1))
		return;
	for (int i = 0; i < MAX_RESERVATIONS; i++)
		if (reservations[i].size)
			dump((void *)reservations[i].start,
			     reservations[i].size, false);
}

static void *remember(void *mem, size_t size)
{
	unsigned int i;

	if (!mem)
		return NULL;
	if (load_relaxed(&hidden))
		dump(mem, size, false);
	i = fetch_add_relaxed(&nr_reservations, 1);
	if (i < MAX_RESERVATIONS)
		reservations[i] = (struct reservation){ (uintptr_t)mem, size };
	return mem;
}

bool os_is_reserved(const void *addr)
{
	for (int i = 0; i < MAX_RESERVATIONS; i++)
		if ((uintptr_t)addr - reservations[i].start <
		    reservations[i].size)
			return true;
	return false;
}

void os_set_lock_commits(bool lock)
{
	store_relaxed(&lock_commits, lock);
}

void *os_reserve(size_t size, bool readable)
{
	return remember(map_anonymous(NULL, size,
				      readable ? PROT_READ : PROT_NONE, 0),
			size);
}

void *os_reserve_low(size_t size)
{
#ifdef MAP_32BIT
	return remember(map_anonymous(NULL, size, PROT_NONE, MAP_32BIT), size);
#else
	(void)size;
	return NULL;
#endif
}

int os_commit(void *addr, size_t size)
{
	int err = (int)os_syscall3(SYS_mprotect, (long)addr, (long)size,
				   PROT_READ | PROT_WRITE);

	if (unlikely(!load_relaxed(&hidden)))
		hide_reservations();
	if (!err)
		dump(addr, size, true);
	if (!err && unlikely(load_relaxed(&lock_commits)))
		err = os_mlock_onfault(addr, size);
	return err;
}

void *os_reserve_at(void *addr, size_t size)
{
	void *mem = map_anonymous(addr, size, PROT_NONE, MAP_FIXED_NOREPLACE);

	if (mem)
		dump(mem, size, false);
	return mem;
}

int os_reserve_again(void *addr, size_t size)
{
	if (!map_anonymous(addr, size, PROT_NONE, MAP_FIXED))
		return -ENOMEM;
	dump(addr, size, false);
	return 0;
}

int os_protect(void *addr, size_t size, bool read, bool write)
{
	return (int)os_syscall3(SYS_mprotect, (long)addr, (long)size,
				(read ? PROT_READ : 0) |
					(write ? PROT_WRITE : 0));
}

int os_decommit(void *addr, size_t size)
{
	int err = os_purge(addr, size);

	/* Locked memory has to be asked twice. */
	if (err == -EINVAL) {
		os_syscall2(SYS_munlock, (long)addr, (long)size);
		err = os_purge(addr, size);
	}
	return err < 0 ? err : os_protect(addr, size, false, false);
}

bool os_is_plain(void *page)
{
	return os_syscall3(SYS_madvise, (long)page, (long)os_page_size(),
			   MADV_FREE) == 0;
}

int os_move_in(void *addr, size_t size, void *to)
{
	/* The kernel takes only one mapping at a time if it has to grow, too. */
	long ret = os_syscall5(SYS_mremap, (long)addr, (long)size,
			       (long)(size + os_page_size()),
			       MREMAP_MAYMOVE | MREMAP_FIXED, (long)to);

	return is_error(ret) ? (int)ret : 0;
}

void *os_move_out(void *addr, size_t size)
{
	long to = os_syscall5(SYS_mremap, (long)addr, (long)size, (long)size,
			      MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);

	return is_error(to) ? NULL : (void *)to;
}

bool os_is_resident(const void *page)
{
	unsigned char resident = 0;

	return os_syscall3(SYS_mincore, (long)page, 1, (long)&resident) == 0 &&
	       resident & 1;
}

/*
 * None of who waits there is to be moved elsewhere, if the word is 0. (To wait for it
 * until a time that has passed would do, too, but the timer takes a virtual machine 100 us.)
 */
bool os_holds_data(const uint32_t *word)
{
	static uint32_t elsewhere;

	return os_syscall6(SYS_futex, (long)word, FUTEX_CMP_REQUEUE_PRIVATE, 0,
			   0, (long)&elsewhere, 0) == -EAGAIN;
}

int os_dont_fork(void *addr, size_t size)
{
	return (int)os_syscall3(SYS_madvise, (long)addr, (long)size,
				MADV_DONTFORK);
}

int os_release(void *addr, size_t size)
{
	for (int i = 0; i < MAX_RESERVATIONS; i++)
		if (reservations[i].start == (uintptr_t)addr)
			reservations[i].size = 0;
	return (int)os_syscall2(SYS_munmap, (long)addr, (long)size);
}

int os_purge(void *addr, size_t size)
{
	int err = (int)os_syscall3(SYS_madvise, (long)addr, (long)size,
				   MADV_DONTNEED);

	PROBE(purge, addr, size, err);
	return err;
}

int os_populate(void *addr, size_t size)
{
	return (int)os_syscall3(SYS_madvise, (long)addr, (long)size,
				MADV_POPULATE_WRITE);
}

int os_refresh(void *addr, size_t size)
{
	int err = map_anonymous(addr, size, PROT_READ | PROT_WRITE, MAP_FIXED) ?
			  0 : -ENOMEM;

	PROBE(purge, addr, size, err);
	return err;
}

int os_move(void *old, size_t old_size, void *addr)
{
	long ret;

	/* The kernel forgets that the old range was locked, and counts twice. */
	if (load_relaxed(&lock_commits))
		return -EPERM;
	ret = os_syscall5(SYS_mremap, (long)old, (long)old_size,
			  (long)old_size,
			  MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
			  (long)addr);
	return is_error(ret) ? (int)ret : 0;
}

int os_set_thp(void *addr, size_t size, enum os_thp how)
{
	return (int)os_syscall3(SYS_madvise, (long)addr, (long)size,
				how == OS_THP_ON ? MADV_HUGEPAGE :
						   MADV_NOHUGEPAGE);
}

int os_mlock_onfault(void *addr, size_t size)
{
	return (int)os_syscall3(SYS_mlock2, (long)addr, (long)size,
				MLOCK_ONFAULT);
}

int os_munlock(void *addr, size_t size)
{
	return (int)os_syscall2(SYS_munlock, (long)addr, (long)size);
}

/* --- the machine and its limits --- */

size_t os_page_size(void)
{
	return getauxval(AT_PAGESZ);
}

size_t os_total_ram(void)
{
	struct sysinfo si;

	if (os_syscall1(SYS_sysinfo, (long)&si) < 0)
		return GiB(4);
	return si.totalram * si.mem_unit;
}

static size_t rlimit_of(int resource)
{
	struct rlimit lim;

	if (os_syscall4(SYS_prlimit64, 0, resource, 0, (long)&lim) < 0 ||
	    lim.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return lim.rlim_cur;
}

/* Read the beginning of a small file as a NUL-terminated text. */
static long read_file(const char *path, char *buf, size_t size)
{
	long fd = os_syscall4(SYS_openat, AT_FDCWD, (long)path,
			      O_RDONLY | O_CLOEXEC, 0);
	long len;

	if (fd < 0)
		return fd;
	len = os_syscall3(SYS_read, fd, (long)buf, (long)size - 1);
	os_syscall1(SYS_close, fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

static bool space_is_limited; /* Atomic */

bool os_address_space_is_limited(void)
{
	return load_relaxed(&space_is_limited);
}

size_t os_address_space_left(void)
{
	size_t limit = rlimit_of(RLIMIT_AS);
	uint64_t pages = 0;
	char text[128];
	size_t used;

	if (limit == SIZE_MAX)
		return SIZE_MAX;
	store_relaxed(&space_is_limited, true);
	if (read_file("/proc/self/statm", text, sizeof(text)) > 0)
		for (const char *c = text; *c >= '0' && *c <= '9'; c++)
			pages = pages * 10 + (uint64_t)(*c - '0');
	/* Without /proc: the size of a small program and its libraries. */
	used = pages ? pages * os_page_size() : MiB(8);
	return used < limit ? limit - used : 0;
}

bool os_may_open_files(void)
{
	return rlimit_of(RLIMIT_NOFILE) > 0;
}

/* The last number in a list such as "0-3,5". */
static bool last_of_list(const char *path, unsigned int *ret)
{
	char text[128];
	unsigned int last = 0;

	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	for (const char *c = text; *c; c++) {
		if (*c >= '0' && *c <= '9')
			last = last * 10 + (unsigned int)(*c - '0');
		else if (*c == ',' || *c == '-')
			last = 0;
	}
	*ret = last;
	return true;
}

static long affinity(uint64_t *mask, size_t size)
{
	return os_syscall3(SYS_sched_getaffinity, 0, (long)size, (long)mask);
}

unsigned int os_nr_cpu_ids(bool exact)
{
	uint64_t mask[128];
	unsigned int last;
	long bytes;

	if (exact &&
	    last_of_list("/sys/devices/system/cpu/possible", &last))
		return last + 1;
	/* The kernel copies nr_cpu_ids bits, rounded up to whole longs. */
	bytes = affinity(mask, sizeof(mask));
	return bytes > 0 ? (unsigned int)bytes * CHAR_BIT : 1;
}

unsigned int os_nr_cpus_allowed(void)
{
	uint64_t mask[128];
	long bytes = affinity(mask, sizeof(mask));
	unsigned int n = 0;

	for (long i = 0; i < bytes / 8; i++)
		n += (unsigned int)__builtin_popcountll(mask[i]);
	return n ? n : 1;
}

unsigned int os_nr_nodes(void)
{
	uint64_t mask[16] = { 0 };
	unsigned int last = 0;

	/* MPOL_F_MEMS_ALLOWED; containers may refuse: then it is one node. */
	if (os_syscall5(SYS_get_mempolicy, 0, (long)mask, sizeof(mask) * 8, 0,
			1 << 2) < 0)
		return 1;
	for (unsigned int i = 0; i < sizeof(mask) * 8; i++)
		if (mask[i / 64] >> (i % 64) & 1)
			last = i;
	return last + 1;
}

unsigned int os_current_node(void)
{
	unsigned int cpu = 0, node = 0;

	if (getcpu(&cpu, &node) < 0)
		return 0;
	return node;
}

bool os_in_virtual_machine(void)
{
#ifdef __x86_64__
	static uint32_t known; /* Atomic: 0, or 1 + the answer */
	unsigned int eax, ebx, ecx, edx;

	/* The bit that hypervisors set for their guests to see. */
	if (!load_relaxed(&known)) {
		__cpuid(1, eax, ebx, ecx, edx);
		store_relaxed(&known, 1 + (ecx >> 31));
	}
	return load_relaxed(&known) == 2;
#else
	return true;
#endif
}

/* --- the process --- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t os_now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

uint64_t os_now_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

uint64_t os_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t os_thread_us(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
}

uint64_t os_process_us(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

uint32_t os_getpid(void)
{
	return (uint32_t)os_syscall0(SYS_getpid);
}

uint32_t os_gettid(void)
{
	return (uint32_t)os_syscall0(SYS_gettid);
}

bool os_thread_exists(uint32_t tid)
{
	return os_syscall3(SYS_tgkill, (long)os_getpid(), (long)tid, 0) == 0;
}

bool os_is_secure(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* Weak: an internal of glibc's loader, where the kernel put argc. */
extern void *const libc_stack_end __asm__("__libc_stack_end")
	__attribute__((weak));

/*
 * The environment: libc's, or, before libc has one (the loader and the
 * program's own preinit functions may allocate then), the kernel's behind argv.
 */
static char **environment(void)
{
	enum { MAX_ARGS = 1 << 20 };
	char **argv;
	size_t argc;

	if (environ)
		return environ;
	if (!&libc_stack_end || !libc_stack_end)
		return NULL;
	argc = *(size_t *)libc_stack_end;
	argv = (char **)libc_stack_end + 1;
	if (argc > MAX_ARGS || argv[argc])
		return NULL;
	return argv + argc + 1;
}

bool os_environ_ready(void)
{
	return environment() != NULL;
}

const char *os_getenv(const char *name)
{
	size_t len = strlen(name);

	for (char **e = environment(); e && *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

bool os_under_valgrind(void)
{
#if defined(__x86_64__)
	/* valgrind's documented client request RUNNING_ON_VALGRIND (0x1001):
	 * a sequence without effect on a real CPU. */
	volatile uint64_t args[6] = { 0x1001 };
	uint64_t result = 0;

	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi\n\t"
			 "rolq $61, %%rdi; rolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(result)
			 : "a"(args)
			 : "cc", "memory", "rdi");
	return result != 0;
#else
	return false;
#endif
}

bool os_is_multithreaded(void)
{
	return !__libc_single_threaded;
}

/* --- membarrier and rseq --- */

bool os_rseq_barrier_init(void)
{
	return os_syscall3(SYS_membarrier,
			   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0,
			   0) == 0;
}

void os_rseq_barrier(void)
{
	os_syscall3(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0,
		    0);
}

/* Weak: libc before 2.35 does not have them. */
extern const ptrdiff_t rseq_offset __asm__("__rseq_offset")
	__attribute__((weak));
extern const unsigned int rseq_size __asm__("__rseq_size")
	__attribute__((weak));

bool os_rseq_area(ptrdiff_t *ret_offset, size_t *ret_size)
{
	if (!&rseq_offset || !&rseq_size || !rseq_size)
		return false;
	*ret_offset = rseq_offset;
	*ret_size = rseq_size;
	return true;
}

size_t os_rseq_feature_size(void)
{
	return getauxval(AT_RSEQ_FEATURE_SIZE);
}
