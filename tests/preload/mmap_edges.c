/* SPDX-License-Identifier: MIT */
/*
 * The corners of mmap() and its relatives: one row per call, with the error
 * that the kernel gives (6.18; ANY where it changed, or depends on limits).
 * Each row starts from the same mappings; what became of them is compared with
 * and without the preloaded library, like what the call returned
 * (transcript.h).
 */
#include "mapping.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON_PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define NOREPLACE (ANON_PRIVATE | MAP_FIXED_NOREPLACE)
#define MAYMOVE MREMAP_MAYMOVE
#define FIXED (MREMAP_MAYMOVE | MREMAP_FIXED)
#define DONTUNMAP (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)

/* ---- what each row finds ----------------------------------------------- */

enum place_id {
	NOWHERE, /* NULL */
	WILD,	 /* where user space ends */
	LARGE,	 /* read and write, like all that is not said to differ */
	SMALL,
	HOLED,	   /* pages 16 to 23 are not mapped */
	PATCHED,   /* pages 16 to 23 are of a file */
	PROTECTED, /* pages 16 to 23 can be read only */
	LOCKED,	   /* pages 16 to 23 are locked */
	RESERVED,  /* no access */
	OF_FILE,   /* shared */
	READ_ONLY, /* shared, of a file that is open for reading */
	PLACES
};

static const struct place {
	const char *name;
	size_t pages;
	int prot, flags;
} places[PLACES] = {
	[NOWHERE] = {"nowhere", 0, 0, 0},
	[WILD] = {"wild", 0, 0, 0},
	[LARGE] = {"large", 64, RW, ANON_PRIVATE},
	[SMALL] = {"small", 4, RW, ANON_PRIVATE},
	[HOLED] = {"holed", 48, RW, ANON_PRIVATE},
	[PATCHED] = {"patched", 48, RW, ANON_PRIVATE},
	[PROTECTED] = {"protected", 48, RW, ANON_PRIVATE},
	[LOCKED] = {"locked", 48, RW, ANON_PRIVATE},
	[RESERVED] = {"reserved", 32, PROT_NONE, ANON_PRIVATE | MAP_NORESERVE},
	[OF_FILE] = {"file", 32, RW, MAP_SHARED},
	[READ_ONLY] = {"read-only", 32, PROT_READ, MAP_SHARED},
};

enum file_id { NONE, FILE_RW, FILE_R, FILE_W, DIRECTORY, PIPE, CLOSED, FILES };

static char *base[PLACES];
static int fds[FILES];

static void open_files(void)
{
	static char path[64];
	int ends[2];

	fds[NONE] = -1;
	fds[FILE_RW] = memory_file("mapped");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[FILE_RW]);
	fds[FILE_R] = open(path, O_RDONLY | O_CLOEXEC);
	fds[FILE_W] = open(path, O_WRONLY | O_CLOEXEC);
	fds[DIRECTORY] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(!pipe2(ends, O_CLOEXEC));
	fds[PIPE] = ends[0];
	fds[CLOSED] = 1000;
	CHECK(fds[FILE_R] >= 0 && fds[FILE_W] >= 0 && fds[DIRECTORY] >= 0);
}

static void fill_page(enum place_id place, size_t page)
{
	touch_key = 64 * (uint64_t)place + page + 1;
	touch_fill((unsigned char *)base[place] + page * page_size);
}

static void set_up(void)
{
	size_t inner = 16 * page_size, length = 8 * page_size, i, j;
	const struct place *p;

	CHECK(!ftruncate(fds[FILE_RW], 0));
	CHECK(!ftruncate(fds[FILE_RW], (off_t)(32 * page_size)));
	for (i = LARGE; i < PLACES; i++) {
		p = &places[i];
		base[i] = mmap(NULL, p->pages * page_size, p->prot, p->flags,
			       i == OF_FILE   ? fds[FILE_RW] :
			       i == READ_ONLY ? fds[FILE_R] :
						-1,
			       0);
		CHECK(base[i] != MAP_FAILED);
		/* Some pages, so that others were never touched. */
		for (j = 0; p->prot == RW && j < p->pages; j += 3)
			fill_page((enum place_id)i, j);
	}
	base[WILD] = (char *)((uintptr_t)1 << 62);
	CHECK(!munmap(base[HOLED] + inner, length));
	CHECK(mmap(base[PATCHED] + inner, length, RW, MAP_SHARED | MAP_FIXED,
		   fds[FILE_RW], 0) == base[PATCHED] + inner);
	CHECK(!mprotect(base[PROTECTED] + inner, length, PROT_READ));
	CHECK(!mlock(base[LOCKED] + inner, length));
}

static void say_places_and_unmap(void)
{
	size_t i;

	for (i = LARGE; i < PLACES; i++) {
		say("  %s:", places[i].name);
		say_pages(base[i], places[i].pages, PROBE_WRITE);
		CHECK(!munmap(base[i], places[i].pages * page_size));
	}
}

/* ---- the calls --------------------------------------------------------- */

/* Addresses are place + page + bytes, lengths pages + extra bytes. */
struct row {
	int expected; /* errno, 0 for success, ANY: it depends */
	void *(*call)(const struct row *row);
	const char *name; /* of the call */
	enum place_id at;
	long page, bytes;
	long pages, extra;
	/* prot of mmap() and mprotect(), advice, flags of others */
	int arg;
	/* of mmap() */
	int flags;
	enum file_id file;
	long offset; /* bytes */
	/* of mremap() */
	long new_pages, new_extra;
	enum place_id to;
	long to_page, to_bytes;
};

enum { ANY = -1 };

static char *address(const struct row *r)
{
	return (char *)opaque_pointer(base[r->at] + r->page * (long)page_size +
				      r->bytes);
}

static size_t length_of(long pages, long extra)
{
	return opaque((size_t)pages * page_size + (size_t)extra);
}

static size_t length(const struct row *r)
{
	return length_of(r->pages, r->extra);
}

static void *status(int result)
{
	return result ? MAP_FAILED : NULL;
}

static void *call_mmap(const struct row *r)
{
	return mmap_itself(address(r), length(r), r->arg, r->flags,
			   fds[r->file], r->offset);
}

static void *call_mmap64(const struct row *r)
{
	return mmap64(address(r), length(r), r->arg, r->flags, fds[r->file],
		      r->offset);
}

static void *call_munmap(const struct row *r)
{
	return status(munmap(address(r), length(r)));
}

static void *call_mprotect(const struct row *r)
{
	return status(mprotect(address(r), length(r), r->arg));
}

static void *call_madvise(const struct row *r)
{
	return status(madvise(address(r), length(r), r->arg));
}

/* Returns the error, and leaves errno alone. */
static void *call_posix_madvise(const struct row *r)
{
	int error = posix_madvise(address(r), length(r), r->arg);

	if (errno)
		say(" (errno %s)", strerrorname_np(errno));
	errno = error;
	return status(error);
}

static void *call_mlock(const struct row *r)
{
	return status(mlock(address(r), length(r)));
}

static void *call_mlock2(const struct row *r)
{
	return status(mlock2(address(r), length(r), (unsigned int)r->arg));
}

static void *call_munlock(const struct row *r)
{
	return status(munlock(address(r), length(r)));
}

static void *call_msync(const struct row *r)
{
	return status(msync(address(r), length(r), r->arg));
}

/* @arg: there is no vector. */
static void *call_mincore(const struct row *r)
{
	static unsigned char vec[4096];

	return status(mincore(address(r), length(r),
			      r->arg ? opaque_pointer(NULL) : vec));
}

static void *call_mremap(const struct row *r)
{
	return mremap(address(r), length(r),
		      length_of(r->new_pages, r->new_extra), r->arg,
		      base[r->to] + r->to_page * (long)page_size + r->to_bytes);
}

/* What follows goes on with the place. */
#define CALL(function) .call = call_##function, .name = #function

/* ---- the rows ---------------------------------------------------------- */

static const struct row rows[] = {
	/* mmap */
	{EINVAL, CALL(mmap), NOWHERE, 0, 0, 0, 0, RW, ANON_PRIVATE},
	{ENOMEM, CALL(mmap), NOWHERE, 0, 0, 0, -1, RW, ANON_PRIVATE},
	{ENOMEM, CALL(mmap), NOWHERE, 0, 0, -16, 0, RW, ANON_PRIVATE},
	{ENOMEM, CALL(mmap64), NOWHERE, 0, 0, 1L << 40, 0, RW, ANON_PRIVATE},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE},
	{0, CALL(mmap64), NOWHERE, 0, 0, 63, 1, RW, ANON_PRIVATE},
	{0, CALL(mmap), LARGE, 0, 0, 64, 0, RW, ANON_PRIVATE},
	{0, CALL(mmap), LARGE, 3, 77, 64, 0, RW, ANON_PRIVATE},
	{0, CALL(mmap), WILD, 0, 0, 64, 0, RW, ANON_PRIVATE},
	{EINVAL, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_ANONYMOUS},
	{EINVAL, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW,
	 MAP_ANONYMOUS | MAP_SHARED_VALIDATE},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW | 0x40, ANON_PRIVATE},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE, CLOSED},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE, DIRECTORY},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE, NONE, 65536},
	{EINVAL, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE, NONE, 1},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_GROWSDOWN},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_STACK},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_DENYWRITE},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_NONBLOCK},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | 0x8000000},
	{ANY, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_HUGETLB},
	{ANY, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_LOCKED},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_POPULATE},
#ifdef MAP_32BIT
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_32BIT},
#endif
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, PROT_NONE, ANON_PRIVATE},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_SHARED | MAP_ANONYMOUS},

	/* ... of files */
	{EBADF, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE},
	{EBADF, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, CLOSED},
	{ENODEV, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, PIPE},
	{ENODEV, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, DIRECTORY},
	{0, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, FILE_R},
	{EACCES, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_SHARED, FILE_R},
	{EACCES, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_SHARED, FILE_W},
	{EACCES, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, FILE_W},
	{EINVAL, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW, MAP_PRIVATE, FILE_RW, 1},
	{0, CALL(mmap64), NOWHERE, 0, 0, 64, 0, RW, MAP_SHARED, FILE_RW, 65536},
	{EOPNOTSUPP, CALL(mmap), NOWHERE, 0, 0, 64, 0, RW,
	 MAP_SHARED_VALIDATE | MAP_SYNC, FILE_RW},

	/* ... at an address */
	{EINVAL, CALL(mmap), LARGE, 0, 1, 16, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{ENOMEM, CALL(mmap), WILD, 0, 0, 16, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{ENOMEM, CALL(mmap), LARGE, 0, 0, -16, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{EINVAL, CALL(mmap), LARGE, 0, 0, 0, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{EBADF, CALL(mmap), LARGE, 0, 0, 16, 0, RW, MAP_PRIVATE | MAP_FIXED},
	{0, CALL(mmap), LARGE, 8, 0, 16, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{0, CALL(mmap), LARGE, 0, 0, 64, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{0, CALL(mmap), LARGE, 8, 0, 16, -9, RW, MAP_SHARED | MAP_FIXED,
	 FILE_RW},
	{0, CALL(mmap), RESERVED, 8, 0, 16, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{0, CALL(mmap), HOLED, 8, 0, 32, 0, RW, ANON_PRIVATE | MAP_FIXED},
	{EEXIST, CALL(mmap), LARGE, 8, 0, 16, 0, RW, NOREPLACE},
	{EEXIST, CALL(mmap), RESERVED, 8, 0, 16, 0, RW, NOREPLACE},
	{EEXIST, CALL(mmap), HOLED, 15, 0, 4, 0, RW, NOREPLACE},
	{EEXIST, CALL(mmap), HOLED, 20, 0, 5, 0, RW, NOREPLACE},
	{0, CALL(mmap), HOLED, 16, 0, 8, 0, RW, NOREPLACE},
	{0, CALL(mmap), HOLED, 18, 0, 2, 0, PROT_READ, NOREPLACE},
	{EINVAL, CALL(mmap), HOLED, 16, 1, 2, 0, RW, NOREPLACE},

	/* munmap */
	{EINVAL, CALL(munmap), LARGE, 0, 0, 0, 0},
	{EINVAL, CALL(munmap), LARGE, 0, 1, 4, 0},
	{EINVAL, CALL(munmap), LARGE, 0, 0, 0, -1},
	{EINVAL, CALL(munmap), LARGE, 0, 0, -16, 0},
	{EINVAL, CALL(munmap), WILD, 0, 0, 16, 0},
	{0, CALL(munmap), NOWHERE, 0, 0, 1, 0},
	{0, CALL(munmap), LARGE, 0, 0, 64, 0},
	{0, CALL(munmap), LARGE, 0, 0, 3, 1},
	{0, CALL(munmap), LARGE, 60, 0, 4, -100},
	{0, CALL(munmap), LARGE, 20, 0, 16, 0},
	{0, CALL(munmap), HOLED, 16, 0, 8, 0},
	{0, CALL(munmap), HOLED, 0, 0, 48, 0},
	{0, CALL(munmap), HOLED, 12, 0, 16, 0},
	{0, CALL(munmap), PATCHED, 12, 0, 8, 0},
	{0, CALL(munmap), LOCKED, 12, 0, 8, 0},
	{0, CALL(munmap), OF_FILE, 12, 0, 8, 0},

	/* mprotect */
	{EINVAL, CALL(mprotect), LARGE, 0, 1, 4, 0, PROT_READ},
	{0, CALL(mprotect), LARGE, 0, 0, 0, 0, PROT_READ},
	{ENOMEM, CALL(mprotect), LARGE, 0, 0, 0, -1, PROT_READ},
	{ENOMEM, CALL(mprotect), LARGE, 4, 0, -16, 0, PROT_READ},
	{EINVAL, CALL(mprotect), LARGE, 4, 0, 4, 0, 0x4000},
	{EINVAL, CALL(mprotect), LARGE, 4, 0, 4, 0, PROT_READ | PROT_GROWSDOWN},
	{EINVAL, CALL(mprotect), LARGE, 4, 0, 4, 0,
	 PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP},
	{ENOMEM, CALL(mprotect), NOWHERE, 0, 0, 1, 0, PROT_READ},
	{ENOMEM, CALL(mprotect), HOLED, 16, 0, 8, 0, PROT_READ},
	{ENOMEM, CALL(mprotect), HOLED, 12, 0, 8, 0, PROT_READ},
	{ENOMEM, CALL(mprotect), HOLED, 20, 0, 8, 0, PROT_READ},
	{ENOMEM, CALL(mprotect), HOLED, 0, 0, 48, 0, PROT_NONE},
	{0, CALL(mprotect), LARGE, 4, 0, 8, -5, PROT_READ},
	{0, CALL(mprotect), PATCHED, 12, 0, 16, 0, PROT_READ},
	{0, CALL(mprotect), RESERVED, 12, 0, 16, 0, RW},
	{EACCES, CALL(mprotect), READ_ONLY, 0, 0, 8, 0, RW},

	/* madvise */
	{EINVAL, CALL(madvise), LARGE, 0, 1, 4, 0, MADV_DONTNEED},
	{0, CALL(madvise), LARGE, 0, 0, 0, 0, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LARGE, 0, 0, 0, 0, 99},
	{EINVAL, CALL(madvise), LARGE, 0, 0, 0, -1, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LARGE, 4, 0, -16, 0, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LARGE, 4, 0, 4, 0, -1},
	{ENOMEM, CALL(madvise), NOWHERE, 0, 0, 1, 0, MADV_DONTNEED},
	{0, CALL(madvise), LARGE, 3, 0, 9, -7, MADV_DONTNEED},
	{ENOMEM, CALL(madvise), HOLED, 16, 0, 8, 0, MADV_DONTNEED},
	{ENOMEM, CALL(madvise), HOLED, 12, 0, 16, 0, MADV_DONTNEED},
	{0, CALL(madvise), PATCHED, 12, 0, 16, 0, MADV_DONTNEED},
	{0, CALL(madvise), PROTECTED, 12, 0, 16, 0, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LOCKED, 18, 0, 4, 0, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LOCKED, 0, 0, 48, 0, MADV_DONTNEED},
	{EINVAL, CALL(madvise), LOCKED, 16, 0, 4, 0, MADV_FREE},
	{EINVAL, CALL(madvise), LOCKED, 16, 0, 4, 0, MADV_COLD},
	{EINVAL, CALL(madvise), LOCKED, 16, 0, 4, 0, MADV_PAGEOUT},
	{EINVAL, CALL(madvise), OF_FILE, 0, 0, 4, 0, MADV_FREE},
	{EINVAL, CALL(madvise), LARGE, 0, 0, 4, 0, MADV_REMOVE},
	{0, CALL(madvise), OF_FILE, 0, 0, 4, 0, MADV_REMOVE},
	{EINVAL, CALL(madvise), PATCHED, 12, 0, 8, 0, MADV_REMOVE},
	{EACCES, CALL(madvise), READ_ONLY, 0, 0, 4, 0, MADV_REMOVE},
	{EINVAL, CALL(madvise), OF_FILE, 0, 0, 4, 0, MADV_WIPEONFORK},
	{0, CALL(madvise), LARGE, 0, 0, 4, 0, MADV_WIPEONFORK},
	{0, CALL(madvise), LARGE, 0, 0, 4, 0, MADV_DONTFORK},
	{ANY, CALL(madvise), LARGE, 0, 0, 64, 0, MADV_HUGEPAGE},
	{ANY, CALL(madvise), LARGE, 0, 0, 64, 0, MADV_MERGEABLE},
	{ANY, CALL(madvise), LARGE, 0, 0, 64, 0, 25 /* MADV_COLLAPSE */},
	{0, CALL(madvise), LARGE, 0, 0, 64, 0, MADV_POPULATE_WRITE},
	{0, CALL(madvise), LARGE, 0, 0, 64, 0, MADV_POPULATE_READ},
	{EINVAL, CALL(madvise), PROTECTED, 12, 0, 8, 0, MADV_POPULATE_WRITE},
	{0, CALL(madvise), PROTECTED, 12, 0, 8, 0, MADV_POPULATE_READ},
	{ENOMEM, CALL(madvise), HOLED, 12, 0, 8, 0, MADV_POPULATE_READ},
	{EINVAL, CALL(madvise), RESERVED, 0, 0, 8, 0, MADV_POPULATE_READ},
	{ANY, CALL(madvise), LARGE, 5, 0, 3, 0, MADV_GUARD_INSTALL},
	{ANY, CALL(madvise), HOLED, 12, 0, 6, 0, MADV_GUARD_INSTALL},
	{EINVAL, CALL(posix_madvise), LARGE, 0, 0, 4, 0, 99},
	{EINVAL, CALL(posix_madvise), LARGE, 0, 1, 4, 0, POSIX_MADV_WILLNEED},
	{0, CALL(posix_madvise), LARGE, 0, 0, 4, 0, POSIX_MADV_DONTNEED},
	{0, CALL(posix_madvise), LARGE, 0, 1, 4, 0, POSIX_MADV_DONTNEED},
	{ENOMEM, CALL(posix_madvise), HOLED, 16, 0, 8, 0, POSIX_MADV_WILLNEED},

	/* mlock, munlock, mincore, msync */
	{0, CALL(mlock), LARGE, 0, 0, 0, 0},
	{ANY, CALL(mlock), LARGE, 4, 0, -16, 0},
	{0, CALL(mlock), LARGE, 4, 5, 1, 0},
	{ENOMEM, CALL(mlock), HOLED, 16, 0, 8, 0},
	{ENOMEM, CALL(mlock), HOLED, 14, 0, 4, 0},
	{ENOMEM, CALL(mlock), RESERVED, 0, 0, 4, 0},
	{ENOMEM, CALL(mlock), NOWHERE, 0, 0, 1, 0},
	{0, CALL(mlock2), LARGE, 4, 0, 4, 0, 0},
	{0, CALL(mlock2), LARGE, 4, 0, 4, 0, MLOCK_ONFAULT},
	{EINVAL, CALL(mlock2), LARGE, 4, 0, 4, 0, 0x10},
	{0, CALL(munlock), LARGE, 4, 0, 4, 0},
	{0, CALL(munlock), LOCKED, 12, 0, 8, 0},
	{ENOMEM, CALL(munlock), HOLED, 12, 0, 8, 0},
	{EINVAL, CALL(munlock), LARGE, 4, 0, -16, 0},
	{0, CALL(mincore), LARGE, 0, 0, 64, 0},
	{0, CALL(mincore), LARGE, 0, 0, 0, 0},
	{EINVAL, CALL(mincore), LARGE, 0, 1, 4, 0},
	{EFAULT, CALL(mincore), LARGE, 0, 0, 4, 0, 1},
	{ENOMEM, CALL(mincore), LARGE, 4, 0, -16, 0},
	{ENOMEM, CALL(mincore), HOLED, 16, 0, 8, 0},
	{ENOMEM, CALL(mincore), HOLED, 12, 0, 8, 0},
	{ENOMEM, CALL(mincore), NOWHERE, 0, 0, 1, 0},
	{0, CALL(msync), LARGE, 0, 0, 64, 0, MS_SYNC},
	{0, CALL(msync), OF_FILE, 0, 0, 32, 0, MS_SYNC},
	{0, CALL(msync), LARGE, 0, 0, 0, 0, MS_SYNC},
	{EINVAL, CALL(msync), LARGE, 0, 1, 4, 0, MS_SYNC},
	{EINVAL, CALL(msync), LARGE, 0, 0, 4, 0, MS_SYNC | MS_ASYNC},
	{EINVAL, CALL(msync), LARGE, 0, 0, 4, 0, 0x100},
	{ENOMEM, CALL(msync), LARGE, 4, 0, -16, 0, MS_SYNC},
	{ENOMEM, CALL(msync), HOLED, 12, 0, 8, 0, MS_SYNC},
	{ENOMEM, CALL(msync), HOLED, 12, 0, 8, 0, MS_ASYNC},
	{EBUSY, CALL(msync), LOCKED, 16, 0, 4, 0, MS_SYNC | MS_INVALIDATE},

/* mremap: place, page, bytes, old length, flags */
#define REMAP(error, at, page, bytes, pages, extra, flags, ...)                \
	{                                                                      \
		error, CALL(mremap), at, page, bytes, pages, extra, flags,     \
			.new_pages = __VA_ARGS__                               \
	}
	REMAP(EINVAL, LARGE, 0, 1, 4, 0, MAYMOVE, 8),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, MAYMOVE, 0),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, 0x100, 4),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, MREMAP_FIXED, 4, .to = SMALL),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, MREMAP_DONTUNMAP, 4),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, DONTUNMAP, 8),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, DONTUNMAP, 2),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, FIXED, 4, .to = SMALL, .to_bytes = 1),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, FIXED, 4, .to = WILD),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, FIXED, 4, .to = LARGE, .to_page = 2),
	REMAP(EINVAL, LARGE, 0, 0, 4, 0, FIXED, 4, .to = LARGE),
	REMAP(EFAULT, NOWHERE, 0, 0, 4, 0, MAYMOVE, 8),
	REMAP(EFAULT, WILD, 0, 0, 4, 0, MAYMOVE, 8),
	REMAP(EFAULT, HOLED, 16, 0, 4, 0, MAYMOVE, 8),
	REMAP(EFAULT, HOLED, 12, 0, 8, 0, MAYMOVE, 9),
	REMAP(EFAULT, PATCHED, 12, 0, 8, 0, MAYMOVE, 9),
	REMAP(EFAULT, PROTECTED, 12, 0, 8, 0, MAYMOVE, 9),
	REMAP(ENOMEM, LARGE, 0, 0, 16, 0, 0, 17),
	REMAP(ENOMEM, PATCHED, 0, 0, 16, 0, 0, 17),
	REMAP(ENOMEM, PATCHED, 16, 0, 8, 0, 0, 9),
	REMAP(ANY, LARGE, 0, 0, 16, 0, MAYMOVE, 1L << 40),
	REMAP(ANY, LARGE, 0, 0, 16, 0, MAYMOVE, -16),
	REMAP(EINVAL, LARGE, 0, 0, 16, 0, FIXED, 1L << 40, .to = SMALL),
	REMAP(0, LARGE, 0, 0, 64, 0, 0, 64),
	REMAP(0, LARGE, 8, 0, 16, 0, 0, 16),
	REMAP(0, LARGE, 8, 0, 16, 0, 0, 4),
	REMAP(0, LARGE, 8, 0, 16, -5, 0, 4, .new_extra = -5),
	REMAP(0, LARGE, 0, 0, 64, 0, 0, 1),
	REMAP(0, LARGE, 8, 0, 16, 0, MAYMOVE, 32),
	REMAP(0, PROTECTED, 16, 0, 8, 0, MAYMOVE, 32),
	REMAP(0, PATCHED, 16, 0, 8, 0, MAYMOVE, 32),
	REMAP(ANY, LOCKED, 16, 0, 8, 0, MAYMOVE, 32),
	REMAP(0, LARGE, 8, 0, 16, 0, FIXED, 16, .to = RESERVED),
	REMAP(0, LARGE, 8, 0, 16, 0, FIXED, 24, .to = RESERVED, .to_page = 4),
	REMAP(0, LARGE, 8, 0, 16, 0, FIXED, 4, .to = PATCHED, .to_page = 14),
	REMAP(0, LARGE, 8, 0, 16, 0, FIXED, 16, .to = LARGE, .to_page = 32),
	REMAP(0, LARGE, 8, 0, 8, 0, FIXED, 8, .to = HOLED, .to_page = 16),
	REMAP(0, SMALL, 0, 0, 4, 0, FIXED, 4, .to = LARGE, .to_page = 30),
	REMAP(0, OF_FILE, 0, 0, 8, 0, FIXED, 8, .to = LARGE, .to_page = 30),
	REMAP(ANY, PATCHED, 12, 0, 8, 0, FIXED, 8, .to = LARGE),
	REMAP(ANY, HOLED, 12, 0, 8, 0, FIXED, 8, .to = LARGE),
	REMAP(EINVAL, LARGE, 0, 0, 0, 0, MAYMOVE, 4),
	REMAP(0, OF_FILE, 4, 0, 0, 0, MAYMOVE, 16),
	REMAP(ENOMEM, OF_FILE, 4, 0, 0, 0, 0, 4),
	REMAP(0, OF_FILE, 4, 0, 0, 0, FIXED, 4, .to = LARGE, .to_page = 9),
	REMAP(0, LARGE, 8, 0, 16, 0, DONTUNMAP, 16),
	REMAP(0, LARGE, 0, 0, 64, 0, DONTUNMAP, 64),
	REMAP(0, OF_FILE, 8, 0, 16, 0, DONTUNMAP, 16),
	REMAP(0, LARGE, 8, 0, 16, 0, DONTUNMAP | MREMAP_FIXED, 16,
	      .to = RESERVED),
};

/* ---- running them ------------------------------------------------------ */

/* The place that @p points into, or NULL. */
static const struct place *place_of(const char *p)
{
	size_t i;

	for (i = LARGE; i < PLACES; i++)
		if (p >= base[i] && p < base[i] + places[i].pages * page_size)
			return &places[i];
	return NULL;
}

/* What a call returned: the mapping at @p, which may be a new one. */
static void say_mapping(char *p, size_t pages)
{
	const struct place *place = place_of(p);

	if (place) {
		say(" = %s+%zu\n", place->name,
		    (size_t)(p - base[place - places]) / page_size);
		return;
	}
	say(" = a mapping%s\n", (uintptr_t)p % page_size ? ", misplaced" : "");
	say("  it:");
	say_pages(p, pages, PROBE_WRITE);
	CHECK(!munmap(p, pages * page_size));
}

static void run_row(const struct row *r)
{
	void *p;
	int error;

	say("# row %td: %s(%s+%ld+%ld, %ld+%ld, %#x, ...)\n", r - rows, r->name,
	    places[r->at].name, r->page, r->bytes, r->pages, r->extra,
	    (unsigned int)r->arg);
	set_up();
	errno = 0;
	p = r->call(r);
	error = p == MAP_FAILED ? errno : 0;
	if (error)
		say(" = -1 %s\n", strerrorname_np(error));
	else if (!p)
		say(" = 0\n");
	else
		say_mapping(p, ((r->call == call_mremap ?
					 length_of(r->new_pages, r->new_extra) :
					 length(r)) +
				page_size - 1) /
				       page_size);
#ifdef MAP_32BIT
	if (!error && r->call == call_mmap && r->flags & MAP_32BIT)
		say("  %s\n", (uintptr_t)p >> 32 ? "high" : "low");
#endif
	say_places_and_unmap();
	if (r->expected != ANY && error != r->expected) {
		say_flush();
		test_fail(__FILE__, __LINE__, "row %td: %s: %s, not %s",
			  r - rows, r->name, strerrorname_np(error),
			  strerrorname_np(r->expected));
	}
}

int main(int argc, char **argv)
{
	static const char *const args[] = {"transcript", NULL};
	char what[100];
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "transcript")) {
		transcript_begin(60);
		mapping_begin();
		open_files();
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			run_row(&rows[i]);
		say_flush();
		return 0;
	}
	test_begin(120);
	snprintf(what, sizeof(what), "%zu rows", ARRAY_SIZE(rows));
	compare_runs(args, what);
	return 0;
}
