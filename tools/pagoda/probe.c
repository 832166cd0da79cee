/* SPDX-License-Identifier: MIT */
/*
 * probe.c - asks the kernel what it allows, without changing anything: what is
 * opened or reserved on the way is given back at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"

/* The kernel may be newer than its headers. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
enum {
	FEATURE_POISON = 1 << 14,
	FEATURE_WP_ASYNC = 1 << 15,
	FEATURE_MOVE = 1 << 16,
	RSEQ_FEATURE_SIZE_AUXV = 27,
	RSEQ_MM_CID_END = 28,
	SUPPORTED_PAGE_SIZE = 4096,
	WANTED_MAPS = 65530,
};

#define SMALLEST_SPAN MiB(4)
#define LARGE_SPAN GiB(64)

/* The first line of a file; "" if it cannot be read. */
static void read_line(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, size, f))
		buf[0] = '\0';
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

/* The number in a file; @def if there is none. */
static long read_long(const char *path, long def)
{
	FILE *f = fopen(path, "re");
	long value = def;

	if (f && fscanf(f, "%ld", &value) != 1)
		value = def;
	if (f)
		fclose(f);
	return value;
}

/* --- the machine --- */

static void probe_kernel(struct finding *f)
{
	struct utsname name;

	f->name = "kernel";
	f->effect = "What older kernels lack is in the lines below.";
	if (uname(&name) < 0) {
		f->verdict = VERDICT_LIMITED;
		strcpy(f->value, "unknown");
		return;
	}
	snprintf(f->value, sizeof(f->value), "%.60s %.60s", name.release,
		 name.machine);
}

static void probe_page_size(struct finding *f)
{
	long size = sysconf(_SC_PAGESIZE);

	f->name = "page size";
	f->needed = true;
	snprintf(f->value, sizeof(f->value), "%ld bytes", size);
	f->effect = "The page tables of Pagoda are for 4096 bytes.";
	if (size == SUPPORTED_PAGE_SIZE)
		return;
	f->verdict = VERDICT_OFF;
	f->effect = "Pagoda does not start; it supports only 4096 bytes.";
	f->enable = "boot a kernel with pages of 4 KiB";
}

static bool can_reserve(size_t size)
{
	void *mem = mmap(NULL, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem != MAP_FAILED && !munmap(mem, size);
}

static void probe_address_space(struct finding *f)
{
	size_t size = LARGE_SPAN;

	f->name = "address space";
	f->needed = true;
	while (size >= SMALLEST_SPAN && !can_reserve(size))
		size /= 2;
	f->effect = "The heap lies in one reservation, which costs no memory.";
	if (size < SMALLEST_SPAN) {
		f->verdict = VERDICT_OFF;
		strcpy(f->value, "nothing can be reserved");
		f->effect = "Pagoda does not start.";
	} else {
		snprintf(f->value, sizeof(f->value), "%s%zu MiB at once",
			 size == LARGE_SPAN ? "at least " : "", size >> 20);
	}
	if (size >= LARGE_SPAN)
		return;
	f->enable = "ulimit -v unlimited";
	if (f->verdict == VERDICT_OFF)
		return;
	f->verdict = VERDICT_LIMITED;
	f->effect = "The heap can grow to three quarters of what is left.";
}

/* --- CPUs --- */

static void probe_rseq(struct finding *f)
{
	f->name = "rseq";
	f->effect = "The CPUs' caches need no locks.";
#if defined(__x86_64__)
	if (__rseq_size) {
		snprintf(f->value, sizeof(f->value),
			 "registered by libc, flags %u", __rseq_flags);
		return;
	}
	strcpy(f->value, "libc registered no area");
	f->enable = "unset GLIBC_TUNABLES # and use glibc 2.35, Linux 4.18 or "
		    "newer";
#else
	strcpy(f->value, "no sequences for this architecture");
#endif
	f->verdict = VERDICT_LIMITED;
	f->effect = "percpu=lock: shards with a lock each, which is slower.";
}

static void probe_mm_cid(struct finding *f)
{
	unsigned long size = getauxval(RSEQ_FEATURE_SIZE_AUXV);

	f->name = "mm_cid";
	f->effect = "As many caches as the program has running threads.";
	if (size >= RSEQ_MM_CID_END) {
		snprintf(f->value, sizeof(f->value), "rseq area of %lu bytes",
			 size);
		return;
	}
	f->verdict = VERDICT_LIMITED;
	strcpy(f->value, "not in this kernel");
	f->effect = "A cache for each CPU that the program ever runs on.";
	f->enable = "boot Linux 6.3 or newer";
}

static void probe_membarrier(struct finding *f)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	f->name = "membarrier";
	f->effect = "What other CPUs cache can be taken back under pressure.";
	if (commands > 0 &&
	    commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) {
		strcpy(f->value, "with restart of sequences");
		return;
	}
	f->verdict = VERDICT_LIMITED;
	snprintf(f->value, sizeof(f->value), "%s",
		 commands < 0 ? strerror(errno) : "no restart of sequences");
	f->effect = "What other CPUs cache stays there.";
	f->enable = "boot Linux 5.10 or newer; allow membarrier in the "
		    "seccomp filter";
}

/* --- userfaultfd --- */

/* Return: a descriptor or -errno. */
static int open_uffd(int flags)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);

	return fd < 0 ? -errno : fd;
}

static int open_uffd_device(void)
{
	int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd;

	if (dev < 0)
		return -errno;
	fd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(dev);
	return fd;
}

static const char *result_of(int fd)
{
	return fd < 0 ? strerror(-fd) : "yes";
}

static void probe_uffd(struct finding *f, uint64_t *ret_features)
{
	int device = open_uffd_device();
	int full = open_uffd(0);
	int user = open_uffd(UFFD_USER_MODE_ONLY);
	int fd = user >= 0 ? user : full >= 0 ? full : device;
	struct uffdio_api api = { .api = UFFD_API };

	*ret_features = 0;
	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0)
		*ret_features = api.features;
	f->name = "userfaultfd";
	snprintf(f->value, sizeof(f->value),
		 "system call: %s; user mode only: %s; device: %s; sysctl: %ld",
		 result_of(full), result_of(user), result_of(device),
		 read_long("/proc/sys/vm/unprivileged_userfaultfd", 0));
	f->effect = "pagoda_map() answers all faults.";
	if (full < 0 && device < 0) {
		f->verdict = user < 0 ? VERDICT_OFF : VERDICT_LIMITED;
		f->effect = user < 0 ?
			"pagoda_map() fails with ENOSYS or EPERM." :
			"pagoda_map() answers the program's faults, not those "
			"inside system calls.";
		f->enable = user < 0 ?
			"allow userfaultfd in the container's seccomp filter" :
			"sysctl -w vm.unprivileged_userfaultfd=1 # or give "
			"the user access to /dev/userfaultfd";
	}
	if (device >= 0)
		close(device);
	if (full >= 0)
		close(full);
	if (user >= 0)
		close(user);
}

static void probe_uffd_features(struct finding *f, uint64_t features)
{
	f->name = "userfaultfd features";
	snprintf(f->value, sizeof(f->value), "POISON: %s; MOVE: %s; "
		 "WP_ASYNC: %s",
		 features & FEATURE_POISON ? "yes" : "no",
		 features & FEATURE_MOVE ? "yes" : "no",
		 features & FEATURE_WP_ASYNC ? "yes" : "no");
	f->effect = "A pager can report pages that it cannot fill (POISON); "
		    "this version does not use the others.";
	if (features & FEATURE_POISON)
		return;
	f->verdict = VERDICT_OFF;
	f->effect = "pagoda_map() fails: it needs POISON.";
	f->enable = "boot Linux 6.6 or newer";
}

/* --- memory settings --- */

static void probe_thp(struct finding *f)
{
	f->name = "transparent huge pages";
	read_line("/sys/kernel/mm/transparent_hugepage/enabled", f->value,
		  sizeof(f->value));
	f->effect = "Large heaps ask for huge pages while they are cheap "
		    "(thp=auto).";
	if (f->value[0] && !strstr(f->value, "[never]"))
		return;
	f->verdict = VERDICT_OFF;
	if (!f->value[0])
		strcpy(f->value, "not in this kernel");
	f->effect = "Small pages only; large heaps are somewhat slower.";
	f->enable = "echo madvise "
		    ">/sys/kernel/mm/transparent_hugepage/enabled";
}

static void probe_overcommit(struct finding *f)
{
	long mode = read_long("/proc/sys/vm/overcommit_memory", 0);

	f->name = "overcommit";
	snprintf(f->value, sizeof(f->value), "vm.overcommit_memory=%ld, "
		 "vm.overcommit_ratio=%ld", mode,
		 read_long("/proc/sys/vm/overcommit_ratio", 50));
	f->effect = "Reserved address space does not count.";
	if (mode != 2)
		return;
	f->verdict = VERDICT_LIMITED;
	f->effect = "Memory counts from when it is ready for use; requests "
		    "are refused with ENOMEM when none is left.";
	f->enable = "sysctl -w vm.overcommit_memory=0";
}

static void probe_map_count(struct finding *f)
{
	long count = read_long("/proc/sys/vm/max_map_count", WANTED_MAPS);

	f->name = "max_map_count";
	snprintf(f->value, sizeof(f->value), "%ld", count);
	f->effect = "The heap needs few mappings; areas that grow may take "
		    "up to 8192.";
	if (count >= WANTED_MAPS)
		return;
	f->verdict = VERDICT_LIMITED;
	f->effect = "Areas that grow may have to be copied.";
	f->enable = "sysctl -w vm.max_map_count=65530";
}

/* --- who may look --- */

static void probe_reading(struct finding *f)
{
	long scope = read_long("/proc/sys/kernel/yama/ptrace_scope", -1);
	char from = 'x', to = 0;
	struct iovec local = { .iov_base = &to, .iov_len = 1 };
	struct iovec remote = { .iov_base = &from, .iov_len = 1 };
	bool works = process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;

	f->name = "reading processes";
	if (!works)
		snprintf(f->value, sizeof(f->value), "process_vm_readv: %s",
			 strerror(errno));
	else if (scope < 0)
		strcpy(f->value, "no Yama");
	else
		snprintf(f->value, sizeof(f->value),
			 "kernel.yama.ptrace_scope=%ld", scope);
	f->effect = "'pagoda stat' shows all processes of the same user.";
	if (works && scope < 1)
		return;
	f->verdict = works && scope < 3 ? VERDICT_LIMITED : VERDICT_OFF;
	f->effect = "'pagoda stat' works for root only, if at all; "
		    "PAGODA_OPTIONS=stats=FILE works.";
	f->enable = works ? "sysctl -w kernel.yama.ptrace_scope=0" :
			    "allow process_vm_readv in the container's "
			    "seccomp filter (docker run --cap-add SYS_PTRACE)";
	if (works && scope == 3)
		f->enable = "boot with kernel.yama.ptrace_scope=0";
}

/* --- containers and limits --- */

static long seccomp_mode(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long mode = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Seccomp: %ld", &mode) == 1)
			break;
	if (f)
		fclose(f);
	return mode;
}

static const char *container(void)
{
	if (!access("/.dockerenv", F_OK))
		return "docker";
	if (!access("/run/.containerenv", F_OK))
		return "podman";
	return "none seen";
}

static void probe_sandbox(struct finding *f)
{
	char limit[32];
	long mode = seccomp_mode();

	read_line("/sys/fs/cgroup/memory.max", limit, sizeof(limit));
	f->name = "sandbox";
	snprintf(f->value, sizeof(f->value),
		 "seccomp: %s; container: %s; memory.max: %s",
		 mode ? "filtered" : "off", container(),
		 limit[0] ? limit : "none");
	f->effect = "No filter is in the way.";
	if (!mode)
		return;
	f->verdict = VERDICT_LIMITED;
	f->effect = "What the filter refuses is off in the lines above; the "
		    "heap needs mmap, mprotect, madvise and futex only.";
}

static void probe_limit(struct finding *f, const char *name,
			enum __rlimit_resource resource, const char *effect,
			const char *enable)
{
	struct rlimit limit;

	f->name = name;
	f->effect = "No limit of its own.";
	strcpy(f->value, "unlimited");
	if (getrlimit(resource, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return;
	f->verdict = VERDICT_LIMITED;
	snprintf(f->value, sizeof(f->value), "%" PRIu64 " KiB",
		 (uint64_t)limit.rlim_cur >> 10);
	f->effect = effect;
	f->enable = enable;
}

static void probe_limits(void (*report)(const struct finding *f, void *arg),
			 void *arg)
{
	struct finding as = { 0 }, data = { 0 }, files = { 0 };
	struct rlimit limit;

	probe_limit(&as, "RLIMIT_AS", RLIMIT_AS,
		    "The heap reserves three quarters of what is left at most.",
		    "ulimit -v unlimited");
	report(&as, arg);
	probe_limit(&data, "RLIMIT_DATA", RLIMIT_DATA,
		    "Requests beyond it are refused with ENOMEM.",
		    "ulimit -d unlimited");
	report(&data, arg);
	files.name = "RLIMIT_NOFILE";
	files.needed = true;
	files.effect = "The library keeps no file open but for pagoda_map().";
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 0;
	snprintf(files.value, sizeof(files.value), "%" PRIu64,
		 (uint64_t)limit.rlim_cur);
	if (!limit.rlim_cur) {
		files.verdict = VERDICT_OFF;
		files.effect = "Taken for a sandbox: quiet mode.";
		files.enable = "ulimit -n 1024";
	}
	report(&files, arg);
}

void probe(void (*report)(const struct finding *f, void *arg), void *arg)
{
	static void (*const probes[])(struct finding *f) = {
		probe_kernel,	  probe_page_size, probe_address_space,
		probe_rseq,	  probe_mm_cid,	   probe_membarrier,
		probe_thp,	  probe_overcommit, probe_map_count,
		probe_reading,
	};
	struct finding uffd = { 0 }, features = { 0 }, sandbox = { 0 };
	uint64_t bits;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		struct finding f = { 0 };

		probes[i](&f);
		report(&f, arg);
	}
	probe_uffd(&uffd, &bits);
	report(&uffd, arg);
	if (uffd.verdict != VERDICT_OFF) {
		probe_uffd_features(&features, bits);
		report(&features, arg);
	}
	probe_sandbox(&sandbox);
	report(&sandbox, arg);
	probe_limits(report, arg);
}
