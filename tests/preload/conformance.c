/* SPDX-License-Identifier: MIT */
/*
 * Proves that every C entry point of malloc behaves as glibc's does, corner by
 * corner: the case "table" runs the same calls in two child processes, one with
 * the preloaded library and one without, each printing a line a call, and
 * compares them. So the expectations are glibc's own, of whatever version the
 * machine has. A line holds what a program may rely on (NULL or not, errno,
 * alignment, usable size, contents), never an address or an exact size.
 *
 * The case "own" checks what glibc 2.36 cannot be asked: entry points that it
 * does not have, and that every name is served by the preloaded library (one
 * name left to glibc means blocks allocated by one and freed by the other).
 */
#include "test.h"

#include <gnu/libc-version.h>
#include <malloc.h>

/* In C23, and not yet declared by the headers of glibc 2.36. */
extern void free_sized(void *p, size_t n) __attribute__((weak));
extern void free_aligned_sized(void *p, size_t align, size_t n)
	__attribute__((weak));

/* No allocator leaves errno at this by accident. */
#define UNTOUCHED 4242

static size_t page;

/* The edges of everything that could be a class, a page or a block. */
static const size_t sizes[] = {
	0,
	1,
	7,
	8,
	9,
	15,
	16,
	17,
	23,
	24,
	25,
	31,
	32,
	33,
	47,
	48,
	63,
	64,
	65,
	100,
	127,
	128,
	129,
	160,
	255,
	256,
	257,
	500,
	511,
	512,
	513,
	1000,
	1023,
	1024,
	1025,
	2047,
	2048,
	2049,
	4095,
	4096,
	4097,
	8191,
	8192,
	8193,
	16384,
	32767,
	32768,
	32769,
	40000,
	65535,
	65536,
	65537,
	100000,
	131071,
	131072,
	131073,
	262144,
	1000000,
	1048576,
	2097151,
	2097152,
	2097153,
	4194303,
	4194304,
	4194305,
	5000000,
	8388608,
	67108864,
	67108865,
	/* No address space of 47 bits has room for these. */
	(size_t)1 << 47,
	(size_t)1 << 62,
	PTRDIFF_MAX - 8192,
	PTRDIFF_MAX - 1,
	PTRDIFF_MAX,
	(size_t)PTRDIFF_MAX + 1,
	(size_t)PTRDIFF_MAX + 2,
	SIZE_MAX / 2 + 4096,
	SIZE_MAX - 65536,
	SIZE_MAX - 8192,
	SIZE_MAX - 4096,
	SIZE_MAX - 4095,
	SIZE_MAX - 64,
	SIZE_MAX - 32,
	SIZE_MAX - 16,
	SIZE_MAX - 15,
	SIZE_MAX - 8,
	SIZE_MAX - 7,
	SIZE_MAX - 1,
	SIZE_MAX,
};

static const size_t aligns[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	7,
	8,
	9,
	12,
	15,
	16,
	17,
	24,
	31,
	32,
	33,
	40,
	48,
	63,
	64,
	65,
	100,
	128,
	192,
	256,
	1000,
	1024,
	4095,
	4096,
	4097,
	5000,
	8192,
	10000,
	65536,
	65537,
	1048576,
	2097152,
	2097153,
	4194304,
	4194305,
	67108864,
	(size_t)1 << 30,
	(size_t)1 << 47,
	(size_t)1 << 62,
	((size_t)1 << 62) + 1,
	(size_t)1 << 63,
	((size_t)1 << 63) + 1,
	SIZE_MAX - 15,
	SIZE_MAX,
};

/* Sizes that meet every alignment; the cross product stays readable. */
static const size_t few_sizes[] = {
	0,
	1,
	16,
	24,
	100,
	1000,
	4096,
	10000,
	65536,
	200000,
	5000000,
	(size_t)1 << 47,
	PTRDIFF_MAX,
	SIZE_MAX - 65536,
	SIZE_MAX - 15,
	SIZE_MAX,
};

/* What memalign(@align) promises in glibc: the next power of two, 16 at least.
 */
static size_t promised(size_t align)
{
	size_t a = 16;

	while (a < align && a << 1)
		a <<= 1;
	return a;
}

/* Use all of a small block, and the ends of a large one. */
static void use(void *block, size_t n)
{
	volatile char *p = block;

	if (n <= MIB) {
		memset(block, 0x5a, n);
	} else {
		p[0] = 1;
		p[n / 2] = 1;
		p[n - 1] = 1;
	}
}

/*
 * Print what a program may rely on, then free. @align is the promised
 * alignment, @want the promised size; @zero is whether contents were promised.
 */
static void outcome(const char *call, size_t a, size_t b, void *block,
		    size_t align, size_t want, bool zero)
{
	int error = errno;
	size_t usable = block ? malloc_usable_size(block) : 0;

	printf("%s(%#zx, %#zx): ", call, a, b);
	if (!block) {
		printf("NULL errno=%d\n", error);
		return;
	}
	printf("block errno=%d aligned=%d usable=%d", error,
	       (uintptr_t)block % align == 0, usable >= want);
	if (zero)
		printf(" zero=%d", all_zero(block, want <= MIB ? want : MIB));
	use(block, usable);
	errno = UNTOUCHED;
	free(block);
	printf(" errno after free=%d\n", errno);
}

/* ---- one size ---------------------------------------------------------- */

static void table_sizes(void)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = opaque(sizes[i]);
		errno = UNTOUCHED;
		outcome("malloc", n, 0, malloc(n), 16, n, false);
		errno = UNTOUCHED;
		outcome("calloc 1", n, 0, calloc(1, n), 16, n, true);
		errno = UNTOUCHED;
		outcome("calloc n", n, 0, calloc(n, 1), 16, n, true);
		errno = UNTOUCHED;
		outcome("realloc NULL", n, 0, realloc(NULL, n), 16, n, false);
		errno = UNTOUCHED;
		outcome("reallocarray NULL", n, 0, reallocarray(NULL, 1, n), 16,
			n, false);
		errno = UNTOUCHED;
		outcome("valloc", n, 0, valloc(n), page, n, false);
		errno = UNTOUCHED;
		outcome("pvalloc", n, 0, pvalloc(n), page,
			(n + page - 1) / page * page, false);
	}
}

/* ---- alignment --------------------------------------------------------- */

/* Since 2.38 glibc's aligned_alloc() is strict, as C17 allows: not compared. */
static bool lenient_aligned_alloc(size_t align)
{
	bool power = align && !(align & (align - 1));

	return power || strverscmp(gnu_get_libc_version(), "2.38") < 0;
}

static void table_aligned(size_t align, size_t n)
{
	size_t a = promised(align);

	errno = UNTOUCHED;
	outcome("memalign", align, n, memalign(align, n), a, n, false);
	if (!lenient_aligned_alloc(align))
		return;
	errno = UNTOUCHED;
	outcome("aligned_alloc", align, n, aligned_alloc(align, n), a, n,
		false);
}

static void table_posix_memalign(size_t align, size_t n)
{
	int there;
	void *block = &there;
	int error;

	errno = UNTOUCHED;
	error = posix_memalign(&block, align, n);
	if (error) {
		/* errno is only promised where nothing was tried. */
		printf("posix_memalign(%#zx, %#zx): %d left alone=%d errno "
		       "left alone=%d\n",
		       align, n, error, block == &there,
		       error == ENOMEM || errno == UNTOUCHED);
		return;
	}
	outcome("posix_memalign", align, n, block, promised(align), n, false);
}

static void table_alignments(void)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(aligns); i++)
		for (j = 0; j < ARRAY_SIZE(few_sizes); j++) {
			table_aligned(opaque(aligns[i]), opaque(few_sizes[j]));
			table_posix_memalign(opaque(aligns[i]),
					     opaque(few_sizes[j]));
		}
}

/* ---- products ---------------------------------------------------------- */

static void table_products(void)
{
	static const size_t pairs[][2] = {
		{0, 0},
		{0, SIZE_MAX},
		{SIZE_MAX, 0},
		{3, 7},
		{1000, 1000},
		{(size_t)1 << 32, (size_t)1 << 32},
		{((size_t)1 << 32) + 1, (size_t)1 << 32},
		{(size_t)1 << 31, (size_t)1 << 33},
		{(size_t)1 << 63, 2},
		{2, (size_t)1 << 63},
		{SIZE_MAX / 2 + 1, 2},
		{SIZE_MAX / 2, 2},
		{SIZE_MAX / 16 + 2, 16},
		{SIZE_MAX, SIZE_MAX},
		{SIZE_MAX, 1},
		{PTRDIFF_MAX, 1},
		{PTRDIFF_MAX, 2},
	};
	size_t i, a, b;
	void *p, *q;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		a = opaque(pairs[i][0]);
		b = opaque(pairs[i][1]);
		errno = UNTOUCHED;
		outcome("calloc", a, b, calloc(a, b), 16, a * b, true);
		errno = UNTOUCHED;
		outcome("reallocarray NULL", a, b, reallocarray(NULL, a, b), 16,
			a * b, false);
		/* The old block survives a refusal, and is gone at size 0. */
		p = malloc(100);
		CHECK(p);
		fill_key(p, 100, 1);
		errno = UNTOUCHED;
		q = reallocarray(p, a, b);
		printf("reallocarray p(%#zx, %#zx): NULL=%d errno=%d", a, b, !q,
		       errno);
		if (q)
			printf(" kept=%d\n",
			       check_key(q, a * b < 100 ? a * b : 100, 1));
		else if (errno == ENOMEM)
			printf(" old kept=%d\n", check_key(p, 100, 1));
		else
			printf("\n");
		if (q || errno == ENOMEM)
			free(q ? q : p);
	}
}

/* ---- realloc ----------------------------------------------------------- */

static void table_realloc(void)
{
	static const size_t steps[] = {
		0,	1,	16,	 24,	  25,	   100,
		1000,	4096,	8000,	 32768,	  32769,   65536,
		131072, 200000, 1048576, 4194304, 4194305, 16777216,
	};
	static const size_t refused[] = {
		(size_t)1 << 47, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
		SIZE_MAX - 4096, SIZE_MAX,
	};
	size_t i, j, from, to, kept;
	char *p, *q;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		from = steps[i];
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			to = opaque(steps[j]);
			kept = from < to ? from : to;
			p = malloc(from);
			CHECK(p);
			fill_key(p, from, from);
			errno = UNTOUCHED;
			q = realloc(p, to);
			printf("realloc(%zu, %zu): NULL=%d errno=%d", from, to,
			       !q, errno);
			if (q) {
				printf(" kept=%d aligned=%d usable=%d",
				       check_key(q, kept, from),
				       (uintptr_t)q % 16 == 0,
				       malloc_usable_size(q) >= to);
				use(q, malloc_usable_size(q));
			}
			printf("\n");
			free(q);
		}
		for (j = 0; j < ARRAY_SIZE(refused); j++) {
			p = malloc(from);
			CHECK(p);
			fill_key(p, from, from);
			errno = UNTOUCHED;
			q = realloc(p, opaque(refused[j]));
			printf("realloc(%zu, %#zx): NULL=%d errno=%d old "
			       "kept=%d\n",
			       from, refused[j], !q, errno,
			       check_key(p, from, from));
			free(p);
		}
	}
	/* Blocks that were asked for with an alignment. */
	for (i = 16; i <= MIB; i *= 4)
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			to = steps[j] + 1;
			p = memalign(i, 1000);
			CHECK(p);
			fill_key(p, 1000, i);
			q = realloc(p, opaque(to));
			printf("realloc(memalign(%zu, 1000), %zu): NULL=%d", i,
			       to, !q);
			if (q)
				printf(" kept=%d usable=%d",
				       check_key(q, to < 1000 ? to : 1000, i),
				       malloc_usable_size(q) >= to);
			printf("\n");
			free(q ? q : p);
		}
}

/* realloc(p, 0) frees: a leak of every block would show in what is resident. */
static void table_realloc_zero(void)
{
	static const size_t each[] = {64, 3000, 50000, 400000, 6000000};
	size_t i, j, n, total = 256 * MIB;
	long before = status_kib("VmRSS");
	char *p, *q;

	for (i = 0; i < ARRAY_SIZE(each); i++) {
		n = each[i];
		q = NULL;
		for (j = 0; j < total / n; j++) {
			p = malloc(n);
			CHECK(p);
			memset(p, 1, n < page ? n : page);
			p[n / 2] = 1;
			errno = UNTOUCHED;
			q = j % 2 ? realloc(p, opaque(0)) :
				    reallocarray(p, opaque(0), 8);
			if (q || errno != UNTOUCHED)
				break;
		}
		printf("realloc(%zu, 0): NULL=%d errno=%d freed=%d\n", n, !q,
		       errno, status_kib("VmRSS") - before < 64 * 1024);
	}
}

/* ---- malloc(0), free, usable size -------------------------------------- */

static void table_zero_and_free(void)
{
	static const size_t freed[] = {
		0, 24, 500, 5000, 40000, 200000, 4194304, 20000000, 67108864,
	};
	enum { MANY = 100000 };
	static void *many[MANY];
	void *a, *b;
	size_t i, j;
	bool kept;

	a = malloc(opaque(0));
	b = malloc(opaque(0));
	printf("malloc(0): NULL=%d unique=%d\n", !a || !b, a != b);
	free(a);
	free(b);
	a = calloc(opaque(0), opaque(0));
	b = realloc(NULL, opaque(0));
	printf("calloc(0), realloc(NULL, 0): NULL=%d unique=%d\n", !a || !b,
	       a != b);
	free(a);
	free(b);
	errno = UNTOUCHED;
	free(NULL);
	printf("free(NULL): errno=%d\n", errno);
	printf("malloc_usable_size(NULL): %zu\n", malloc_usable_size(NULL));
	for (i = 0; i < ARRAY_SIZE(freed); i++) {
		a = malloc(freed[i]);
		CHECK(a);
		use(a, malloc_usable_size(a));
		errno = UNTOUCHED;
		free(a);
		printf("free(malloc(%zu)): errno=%d\n", freed[i], errno);
	}
	/* Slow paths of free must keep errno, too. */
	for (i = 0; i < 4; i++) {
		for (j = 0; j < MANY; j++) {
			many[j] = malloc(16u << 2 * i);
			CHECK(many[j]);
			*(char *)many[j] = 1;
		}
		kept = true;
		for (j = 0; j < MANY; j++) {
			errno = UNTOUCHED;
			free(many[j]);
			kept &= errno == UNTOUCHED;
		}
		printf("%d frees of %u: errno kept=%d\n", MANY, 16u << 2 * i,
		       kept);
	}
}

/* Programs fill a block up to its usable size and expect realloc to copy it. */
static void table_usable_size(void)
{
	size_t i, n, usable, to;
	char *p, *q;

	for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= 8 * MIB; i++) {
		n = sizes[i];
		p = malloc(n);
		CHECK(p);
		usable = malloc_usable_size(p);
		fill_key(p, usable, n);
		free(malloc(n));
		printf("malloc_usable_size(malloc(%zu)): constant=%d", n,
		       malloc_usable_size(p) == usable);
		to = usable + 1 + usable / 2;
		q = realloc(p, opaque(to));
		CHECK(q);
		printf(" slack copied=%d", check_key(q, usable, n));
		usable = malloc_usable_size(q);
		p = realloc(q, opaque(usable));
		CHECK(p);
		printf(" realloc to the usable size in place=%d\n", p == q);
		free(p);
	}
}

/* ---- glibc's other names ------------------------------------------------ */

typedef void *one_size(size_t n);
typedef void *two_sizes(size_t a, size_t b);

static void *entry(const char *name)
{
	void *address = dlsym(RTLD_DEFAULT, name);

	CHECK_MSG(address, "no symbol %s", name);
	return address;
}

static void table_libc_names(void)
{
	one_size *libc_malloc = entry("__libc_malloc");
	one_size *libc_valloc = entry("__libc_valloc");
	one_size *libc_pvalloc = entry("__libc_pvalloc");
	two_sizes *libc_calloc = entry("__libc_calloc");
	two_sizes *libc_memalign = entry("__libc_memalign");
	void *(*libc_realloc)(void *, size_t) = entry("__libc_realloc");
	void (*libc_free)(void *) = entry("__libc_free");
	size_t i, n;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = opaque(sizes[i]);
		errno = UNTOUCHED;
		outcome("__libc_malloc", n, 0, libc_malloc(n), 16, n, false);
		errno = UNTOUCHED;
		outcome("__libc_calloc", n, 3, libc_calloc(n, 3), 16, n * 3,
			true);
		errno = UNTOUCHED;
		outcome("__libc_memalign", 256, n, libc_memalign(256, n), 256,
			n, false);
		errno = UNTOUCHED;
		outcome("__libc_valloc", n, 0, libc_valloc(n), page, n, false);
		errno = UNTOUCHED;
		outcome("__libc_pvalloc", n, 0, libc_pvalloc(n), page, n,
			false);
		if (n > 8 * MIB)
			continue;
		/* Each family's blocks are good for the other's functions. */
		p = malloc(n);
		CHECK(p);
		fill_key(p, n, n);
		p = libc_realloc(p, n + 1000);
		printf("__libc_realloc(%zu): kept=%d", n, check_key(p, n, n));
		errno = UNTOUCHED;
		libc_free(p);
		printf(" __libc_free errno=%d\n", errno);
		free(libc_realloc(libc_malloc(n), n + 100));
	}
	errno = UNTOUCHED;
	libc_free(NULL);
	printf("__libc_free(NULL): errno=%d\n", errno);
}

/* ---- statistics and tuning ---------------------------------------------- */

/*
 * Enough of XML for what malloc_info() may print: nested elements with quoted
 * attributes, declarations, text. Return: whether @text is one well-formed
 * element named "malloc" with a version.
 */
static bool well_formed(const char *text)
{
	static char open[64][32];
	size_t depth = 0, roots = 0, length;
	const char *p = text, *name, *value;
	bool version = false, closing;

	for (;;) {
		p += strcspn(p, "<&");
		if (!*p)
			return !depth && roots == 1 && version;
		if (*p == '&' || !strncmp(p, "<!", 2))
			return false;
		if (!strncmp(p, "<?", 2)) {
			p = strstr(p, "?>");
			if (!p)
				return false;
			continue;
		}
		closing = *++p == '/';
		name = p += closing;
		length = strcspn(p, " \t\n/>");
		if (!length || length >= sizeof(open[0]))
			return false;
		p += length;
		if (closing) {
			p += strspn(p, " \t\n");
			if (!depth || *p != '>')
				return false;
			depth--;
			if (strlen(open[depth]) != length ||
			    strncmp(open[depth], name, length))
				return false;
			continue;
		}
		if (!depth) {
			roots++;
			if (length != 6 || strncmp(name, "malloc", 6))
				return false;
		}
		if (depth == ARRAY_SIZE(open))
			return false;
		memcpy(open[depth], name, length);
		open[depth][length] = '\0';
		depth++;
		/* Attributes: name="value". */
		while (p += strspn(p, " \t\n"), *p && !strchr("/>", *p)) {
			value = p + strcspn(p, "=<>");
			if (value[0] != '=' || value[1] != '"')
				return false;
			version |= depth == 1 && !strncmp(p, "version=", 8);
			p = value + 2 + strcspn(value + 2, "\"<");
			if (*p++ != '"')
				return false;
		}
		if (*p == '/') {
			depth--;
			p++;
		}
		if (*p != '>')
			return false;
	}
}

static void table_malloc_info(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	int error;

	CHECK(file);
	error = malloc_info(0, file);
	fclose(file);
	printf("malloc_info(0): %d well-formed=%d\n", error, well_formed(text));
	if (!well_formed(text))
		fprintf(stderr, "malloc_info printed:\n%s\n", text);
	free(text);
	file = open_memstream(&text, &length);
	CHECK(file);
	error = malloc_info(1, file);
	fclose(file);
	printf("malloc_info(1): %d printed=%d\n", error, length > 0);
	free(text);
}

static void table_malloc_stats(void)
{
	static char text[65536];
	int saved = dup(STDERR_FILENO);
	int fds[2];
	ssize_t n;

	/* Whatever is printed fits the pipe, there is no reader yet. */
	CHECK(saved >= 0 && !pipe(fds));
	CHECK(dup2(fds[1], STDERR_FILENO) >= 0);
	malloc_stats();
	fflush(stderr);
	CHECK(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text));
	close(fds[0]);
	printf("malloc_stats: to stderr=%d\n", n > 20);
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* Whether mallinfo2() sees @n blocks of @size come and go, within a tenth. */
static bool counted(size_t n, size_t size)
{
	void **blocks = malloc(n * sizeof(*blocks));
	size_t before, during, after, total = n * size, i;

	CHECK(blocks);
	before = in_use();
	for (i = 0; i < n; i++) {
		blocks[i] = malloc(size);
		CHECK(blocks[i]);
	}
	during = in_use();
	for (i = 0; i < n; i++)
		free(blocks[i]);
	after = in_use();
	free(blocks);
	if (during >= before + total - total / 10 &&
	    during <= before + total + total / 2 &&
	    after <= before + total / 10)
		return true;
	fprintf(stderr, "%zu x %zu: in use before %zu, during %zu, after %zu\n",
		n, size, before, during, after);
	return false;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static bool old_mallinfo_agrees(void)
{
	struct mallinfo old = mallinfo();
	struct mallinfo2 m = mallinfo2();

	return old.arena == (int)m.arena && old.hblks == (int)m.hblks &&
	       old.hblkhd == (int)m.hblkhd && old.uordblks == (int)m.uordblks &&
	       old.fordblks == (int)m.fordblks;
}
#pragma GCC diagnostic pop

/* Whether malloc_trim() gives back what 64 MiB of small blocks had used. */
static bool trims(void)
{
	enum { N = 65536, EACH = 1000 };
	static void *blocks[N];
	long during, after;
	size_t i;

	for (i = 0; i < N; i++) {
		blocks[i] = malloc(EACH);
		CHECK(blocks[i]);
		memset(blocks[i], 1, EACH);
	}
	during = status_kib("VmRSS");
	for (i = 0; i < N; i++)
		free(blocks[i]);
	CHECK((malloc_trim(0) & ~1) == 0);
	after = status_kib("VmRSS");
	if (after < during - 56 * 1024)
		return true;
	fprintf(stderr, "malloc_trim: resident before %ld KiB, after %ld KiB\n",
		during, after);
	return false;
}

static void table_statistics(void)
{
	static const struct {
		const char *name;
		int parameter, value;
	} options[] = {
		{"M_TRIM_THRESHOLD", M_TRIM_THRESHOLD, 1 << 20},
		{"M_TOP_PAD", M_TOP_PAD, 1 << 16},
		{"M_MMAP_THRESHOLD", M_MMAP_THRESHOLD, 1 << 20},
		{"M_MMAP_MAX", M_MMAP_MAX, 1000},
		{"M_CHECK_ACTION", M_CHECK_ACTION, 3},
		{"M_PERTURB", M_PERTURB, 0},
		{"M_ARENA_TEST", M_ARENA_TEST, 4},
		{"M_ARENA_MAX", M_ARENA_MAX, 4},
	};
	struct mallinfo2 m;
	size_t i;

	printf("mallinfo2 counts 10000 x 1000: %d\n", counted(10000, 1000));
	printf("mallinfo2 counts 100 x 100000: %d\n", counted(100, 100000));
	printf("mallinfo2 counts 8 x 8 MiB: %d\n", counted(8, 8 * MIB));
	m = mallinfo2();
	printf("mallinfo2: used and free within arena=%d\n",
	       m.uordblks + m.fordblks <= m.arena + m.hblkhd);
	printf("mallinfo agrees with mallinfo2: %d\n", old_mallinfo_agrees());
	table_malloc_info();
	table_malloc_stats();
	printf("malloc_trim gives back: %d\n", trims());
	for (i = 0; i < ARRAY_SIZE(options); i++)
		printf("mallopt(%s): %d\n", options[i].name,
		       mallopt(options[i].parameter, options[i].value));
}

/* ---- the two runs, compared ----------------------------------------------*/

static void table_child(void)
{
	static char buffer[65536];

	/* Whole lines get out even if a later call crashes. */
	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	table_sizes();
	table_alignments();
	table_products();
	table_realloc();
	table_realloc_zero();
	table_zero_and_free();
	table_usable_size();
	table_libc_names();
	table_statistics();
	printf("end\n");
}

static void compare(char *expected, char *seen)
{
	char *rest_e, *rest_s, *e, *s;
	size_t lines = 0, wrong = 0;

	e = strtok_r(expected, "\n", &rest_e);
	s = strtok_r(seen, "\n", &rest_s);
	for (; e && s; lines++) {
		if (strcmp(e, s) && wrong++ < 40)
			fprintf(stderr, "glibc:     %s\npreloaded: %s\n", e, s);
		e = strtok_r(NULL, "\n", &rest_e);
		s = strtok_r(NULL, "\n", &rest_s);
	}
	CHECK_MSG(!e, "the preloaded run ended before: %s", e);
	CHECK_MSG(!s, "the plain run ended before: %s", s);
	/* Nothing was compared if both runs failed at the same place. */
	CHECK_MSG(lines > 2000, "only %zu lines", lines);
	CHECK_MSG(!wrong, "%zu of %zu lines differ from glibc", wrong, lines);
	printf("%zu lines agree with glibc %s\n", lines,
	       gnu_get_libc_version());
}

static void table(void)
{
	static const char *const args[] = {"table-child", NULL};
	static struct run plain, with;

	run_self(&plain, RUN_PLAIN, args, NULL, NULL);
	CHECK_STATUS(plain.status, 0, "the plain run");
	run_self(&with, 0, args, NULL, NULL);
	if (with.status) {
		char *end = with.text + with.length;

		while (end > with.text && end[-1] != '\n')
			end--;
		*end = '\0';
		end = strlen(with.text) < 200 ? with.text : end - 200;
		fprintf(stderr, "last lines:\n%s\n", end);
	}
	CHECK_STATUS(with.status, 0, "the preloaded run");
	compare(plain.text, with.text);
}

/* ---- what glibc does not have ------------------------------------------- */

static void own_names(void)
{
	static const char *const names[] = {
		"malloc",
		"free",
		"calloc",
		"realloc",
		"reallocarray",
		"posix_memalign",
		"aligned_alloc",
		"memalign",
		"valloc",
		"pvalloc",
		"malloc_usable_size",
		"cfree",
		"free_sized",
		"free_aligned_sized",
		"malloc_trim",
		"malloc_stats",
		"malloc_info",
		"mallopt",
		"mallinfo",
		"mallinfo2",
		"__libc_malloc",
		"__libc_free",
		"__libc_calloc",
		"__libc_realloc",
		"__libc_memalign",
		"__libc_valloc",
		"__libc_pvalloc",
		"__posix_memalign",
	};
	const char *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		file = symbol_file(names[i]);
		CHECK_MSG(*file && strstr(getenv("LD_PRELOAD"), file),
			  "%s comes from '%s'", names[i], file);
	}
}

static void own(void)
{
	int (*other_posix_memalign)(void **, size_t, size_t);
	void (*cfree)(void *);
	size_t i, j, n;
	void *p;

	if (!preloaded())
		test_skip("needs LD_PRELOAD, glibc lacks some of the names");
	own_names();
	cfree = entry("cfree");
	other_posix_memalign = entry("__posix_memalign");
	cfree(NULL);
	free_sized(NULL, 0);
	free_sized(NULL, 100);
	free_aligned_sized(NULL, 64, 100);
	for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= 64 * MIB; i++) {
		n = sizes[i];
		errno = UNTOUCHED;
		p = malloc(n);
		CHECK(p);
		use(p, malloc_usable_size(p));
		cfree(p);
		p = calloc(1, n);
		CHECK(p && all_zero(p, n < MIB ? n : MIB));
		use(p, malloc_usable_size(p));
		free_sized(p, n);
		for (j = 16; j <= MIB; j *= 2) {
			p = aligned_alloc(j, n);
			CHECK(p && (uintptr_t)p % j == 0);
			free_aligned_sized(p, j, n);
			p = NULL;
			CHECK(!other_posix_memalign(&p, j, n));
			CHECK(p && (uintptr_t)p % j == 0);
			CHECK(malloc_usable_size(p) >= n);
			free(p);
		}
		CHECK_MSG(errno == UNTOUCHED, "size %zu: errno %d", n, errno);
	}
	p = &i;
	CHECK(other_posix_memalign(&p, opaque(24), 100) == EINVAL && p == &i);
	CHECK(other_posix_memalign(&p, opaque(4), 100) == EINVAL && p == &i);
	CHECK(other_posix_memalign(&p, 64, opaque(SIZE_MAX)) == ENOMEM);
	CHECK(p == &i);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"table", table, 60},
		{"own", own, 30},
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (argc > 1 && !strcmp(argv[1], "table-child")) {
		table_child();
		return 0;
	}
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
