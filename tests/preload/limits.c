/* SPDX-License-Identifier: MIT */
/*
 * Proves that programs under limits work: refused memory is NULL with ENOMEM,
 * and freed memory can be had again, for blocks of another size as well.
 *
 *   as64, as128, as1024, data   RLIMIT_AS and RLIMIT_DATA, from exec on
 *   mlockall, mlockall_user     mlockall() locks what the program uses and not
 *                               what the allocator reserved, also for a user
 *                               whose limit the plain program meets
 *   user                        an unprivileged user
 *   descriptors                 RLIMIT_NOFILE=0, and every descriptor closed
 *   mappings                    vm.max_map_count reached by the program
 */
#include "workload.h"

#include <grp.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* Debian's "nobody" and "nogroup"; any id without privileges would do. */
enum { NOBODY = 65534 };

static void become_nobody(void)
{
	CHECK(!setgroups(0, NULL));
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
}

static void limit_to(int resource, size_t bytes)
{
	struct rlimit limit = {bytes, bytes};

	CHECK(!setrlimit(resource, &limit));
}

/* ---- until nothing is left --------------------------------------------- */

/*
 * Take blocks of @size, all of them written to, until there are no more. They
 * are linked through their first words, and end in *@ret_list.
 * Return: the bytes asked for.
 */
static size_t take_all(size_t size, void **ret_list)
{
	size_t total = 0;
	void *p;

	*ret_list = NULL;
	for (;;) {
		errno = 0;
		p = malloc(size);
		if (!p)
			break;
		memset(p, 0x55, size);
		*(void **)p = *ret_list;
		*ret_list = p;
		total += size;
	}
	CHECK_MSG(errno == ENOMEM, "malloc(%zu) failed with errno %d", size,
		  errno);
	return total;
}

static void give_all(void *list, size_t size)
{
	while (list) {
		void *next = *(void **)list;

		CHECK_MSG(size == sizeof(void *) ||
				  ((char *)list)[size - 1] == 0x55,
			  "block %p was overwritten", list);
		free(list);
		list = next;
	}
}

static pthread_barrier_t all_there;

static void *take_in_thread(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	void *list;
	size_t i;

	pthread_barrier_wait(&all_there);
	for (i = 0; i < 3; i++) {
		take_all(1000, &list);
		give_all(list, 1000);
		try_all_layers(&r);
	}
	return NULL;
}

/* What still works with nothing left, and everything after that. */
static void exhausted(void)
{
	static const size_t sizes[] = {16, 100, 4000, 70000, 1000000};
	char *kept = malloc(2000), *p;
	void *list, *small;
	size_t i;

	CHECK(kept);
	fill(kept, 2000);
	take_all(50000, &list);
	take_all(32, &small);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		errno = 0;
		p = calloc(1, sizes[i] * 1000);
		CHECK(p || errno == ENOMEM);
		free(p);
		errno = 0;
		p = realloc(kept, 100 * MIB);
		if (p) {
			kept = realloc(p, 2000);
			CHECK(kept);
		} else {
			CHECK(errno == ENOMEM);
		}
	}
	printf("%zu %s\n", (size_t)12345, "stdio works");
	fflush(stdout);
	give_all(small, 32);
	give_all(list, 50000);
	free(kept);
}

/*
 * In a program started under the limit: the first column is the size of the
 * blocks, the second how many KiB of them there were.
 */
static void until_the_limit(void)
{
	static const size_t sizes[] = {40,	24,    100,   500,     2000,
				       4096,	20000, 40000, 100000,  300000,
				       1000000, 4096,  48,    3000000, 100};
	struct rng r = rng_for(0);
	pthread_t thread[4];
	struct rlimit limit, data;
	void *list;
	uintptr_t i, step;

	/* Gigabytes once for each size take too long. */
	CHECK(!getrlimit(RLIMIT_AS, &limit));
	CHECK(!getrlimit(RLIMIT_DATA, &data));
	step = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur >= GIB ? 3 : 1;
	/* Their stacks have to be had before all memory is taken. */
	CHECK(!pthread_barrier_init(&all_there, NULL, ARRAY_SIZE(thread) + 1));
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		thread[i] = start_thread(take_in_thread, (void *)i, 65536);
	for (i = 0; i < ARRAY_SIZE(sizes); i += step) {
		size_t total = take_all(sizes[i], &list);

		give_all(list, sizes[i]);
		printf("%zu %zu\n", sizes[i], total / KIB);
	}
	exhausted();
	pthread_barrier_wait(&all_there);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK(!pthread_join(thread[i], NULL));
	/*
	 * A program that goes on: all sizes, up to a block that doubles to 12
	 * MB. Of 128 MiB that much need not lie together any more: 88 are the
	 * zone, and a few slabs are anywhere in it.
	 */
	CHECK(try_all_layers(&r) || limit.rlim_cur <= 128 * MIB ||
	      data.rlim_cur <= 128 * MIB);
	list = malloc(6 * MIB);
	CHECK(list);
	free(list);
	printf("end\n");
}

struct limit {
	int resource;
	size_t bytes;
};

static void set_limit(void *arg)
{
	const struct limit *limit = arg;

	limit_to(limit->resource, limit->bytes);
}

/*
 * Every size must get at least @least KiB, whatever sizes came before: memory
 * that stays with the class it was first used for would show.
 */
static void under_limit(int resource, size_t bytes, size_t least)
{
	static const char *const args[] = {"until-the-limit", NULL};
	struct run *run = malloc(sizeof(*run));
	struct limit limit = {resource, bytes};
	char *line, *rest;
	size_t size, kib, lines = 0, wrong = 0;

	CHECK(run);
	run_self(run, 0, args, set_limit, &limit);
	if (run->status)
		fprintf(stderr, "printed:\n%s\n", run->text);
	CHECK_STATUS(run->status, 0, "program under the limit");
	for (line = strtok_r(run->text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%zu %zu", &size, &kib) != 2)
			continue;
		printf("blocks of %zu: %zu KiB of %zu\n", size, kib,
		       bytes / KIB);
		lines++;
		wrong += kib < least;
	}
	free(run);
	CHECK_MSG(lines >= 5, "%zu lines", lines);
	CHECK_MSG(!wrong, "%zu sizes got less than %zu KiB", wrong, least);
}

/*
 * Low bounds: glibc gets 58 of 64 MiB. Code, stacks and reserved tables take
 * their part of a small limit, and where one size takes all, a page allocator
 * of powers of two leaves up to half of each block unused.
 */
static void as64(void)
{
	under_limit(RLIMIT_AS, 64 * MIB, 20 * KIB);
}

static void as128(void)
{
	under_limit(RLIMIT_AS, 128 * MIB, 48 * KIB);
}

static void as1024(void)
{
	under_limit(RLIMIT_AS, GIB, 400 * KIB);
}

static void data(void)
{
	under_limit(RLIMIT_DATA, 64 * MIB, 32 * KIB);
}

/* ---- mlockall ---------------------------------------------------------- */

/* Whether the mapping of @address is locked: "lo" among its flags. */
static bool is_locked(const void *address)
{
	static char text[512 * 1024];
	unsigned long start, end;
	const char *line = text, *flags;

	CHECK(read_text("/proc/self/smaps", text, sizeof(text)) > 0);
	while ((flags = strstr(line, "VmFlags:"))) {
		CHECK(sscanf(line, "%lx-%lx", &start, &end) == 2);
		line = strchr(flags, '\n') + 1;
		if ((uintptr_t)address < start || (uintptr_t)address >= end)
			continue;
		flags = strstr(flags, " lo");
		return flags && flags < line;
	}
	CHECK_MSG(false, "no mapping holds %p", address);
	return false;
}

/* As is_locked(), and in memory, all of it. */
static bool is_resident(const void *block, size_t n)
{
	static unsigned char pages[64 * 1024];
	uintptr_t start = (uintptr_t)block & ~(uintptr_t)4095;
	size_t count = ((uintptr_t)block + n - start + 4095) / 4096, i;

	CHECK(count <= sizeof(pages));
	CHECK(!mincore((void *)start, count * 4096, pages));
	for (i = 0; i < count; i++)
		if (!(pages[i] & 1))
			return false;
	return true;
}

/* 32 MiB where the machine lets even root have it. */
static size_t memory_lock_limit(void)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_MEMLOCK, &limit));
	return limit.rlim_max < 32 * MIB ? limit.rlim_max : 32 * MIB;
}

/* What runs in a new program; prints sizes in KiB. */
static void lock_child(bool privileged)
{
	size_t limit = memory_lock_limit(), size = limit / 4, total;
	struct rng r = rng_for(0);
	char *before, *after, *small;
	void *list;
	long locked;

	before = malloc(size / 4);
	CHECK(before);
	memset(before, 1, size / 4);
	small = malloc(100);
	CHECK(small);
	memset(small, 1, 100);
	if (!privileged) {
		limit_to(RLIMIT_MEMLOCK, limit);
		become_nobody();
	}
	CHECK(!mlockall(MCL_CURRENT | MCL_FUTURE));
	locked = status_kib("VmLck");
	printf("locked %ld\n", locked);
	CHECK(locked > 0 && is_locked(take_all) && is_locked(&locked));
	CHECK(is_locked(before) && is_resident(before, size / 4));
	CHECK(is_locked(small) && is_resident(small, 100));
	after = malloc(size);
	CHECK_MSG(after, "no %zu bytes with %ld KiB locked", size, locked);
	printf("filled ahead %d\n", is_resident(after, size));
	memset(after, 1, size);
	CHECK(is_locked(after) && is_locked(after + size - 1));
	CHECK(is_resident(after, size));
	printf("asked %zu more %ld\n", size / KIB,
	       status_kib("VmLck") - locked);
	free(after);
	/* Blocks that come and go, as in a program that runs on. */
	if (privileged) {
		use_all_layers(&r);
	} else {
		total = take_all(100000, &list);
		give_all(list, 100000);
		printf("total %zu\n", total / KIB);
		try_all_layers(&r);
	}
	small = realloc(small, 5000);
	CHECK(small && is_locked(small));
	CHECK(!munlockall());
	CHECK_MSG(status_kib("VmLck") == 0, "after munlockall(): %ld KiB",
		  status_kib("VmLck"));
	if (privileged)
		use_all_layers(&r);
	printf("end\n");
}

/* A number that the child printed after @name. */
static long printed(const struct run *run, const char *name)
{
	const char *line = strstr(run->text, name);

	CHECK_MSG(line, "the child did not print '%s'", name);
	return strtol(line + strlen(name), NULL, 10);
}

static void mlockall_as(const char *who)
{
	const char *const args[] = {who, NULL};
	struct run *plain = malloc(sizeof(*plain));
	struct run *with = malloc(sizeof(*with));
	long asked, more, locked_plain, locked;

	CHECK(plain && with);
	if (geteuid())
		test_skip("only root may lock memory and become nobody");
	run_self(plain, RUN_PLAIN, args, NULL, NULL);
	CHECK_STATUS(plain->status, 0, "the plain program");
	run_self(with, 0, args, NULL, NULL);
	CHECK_STATUS(with->status, 0, "the preloaded program");
	locked_plain = printed(plain, "locked ");
	locked = printed(with, "locked ");
	asked = printed(with, "asked ");
	more = printed(with, "more ");
	printf("locked: %ld KiB plain, %ld KiB preloaded\n", locked_plain,
	       locked);
	printf("filled when allocated: %ld plain, %ld preloaded\n",
	       printed(plain, "filled ahead "), printed(with, "filled ahead "));
	CHECK_MSG(locked < locked_plain + 4096, "%ld KiB locked, %ld without",
		  locked, locked_plain);
	/* It may have been free and locked before. */
	CHECK_MSG(more < asked + 4096, "%ld KiB more locked %ld", asked, more);
	if (!strstr(plain->text, "total"))
		return;
	printf("total under the limit: %ld KiB plain, %ld KiB preloaded\n",
	       printed(plain, "total "), printed(with, "total "));
	/* Of the kernel's counting of whole mappings much is lost to small
	 * limits, but what was freed must be there to be allocated again. */
	CHECK(printed(with, "total ") >= printed(plain, "total ") / 4);
	free(plain);
	free(with);
}

static void mlockall_root(void)
{
	mlockall_as("lock-as-root");
}

static void mlockall_user(void)
{
	mlockall_as("lock-as-user");
}

/* ---- vm.overcommit_memory=2, for overcommit.sh ------------------------- */

/*
 * The private writable mappings are what strict accounting charges. Under it,
 * a reservation that is writable would cost every program its full size.
 */
static void check_charge(void)
{
	static char text[256 * 1024];
	unsigned long start, end;
	char *line, *rest, prot[5];
	size_t charge = 0;

	free(malloc(100));
	CHECK(read_text("/proc/self/maps", text, sizeof(text)) > 0);
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		CHECK(sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3);
		if (prot[1] == 'w' && prot[3] == 'p')
			charge += end - start;
	}
	printf("%zu KiB are charged\n", charge / KIB);
	CHECK(charge < 32 * MIB);
}

/* ---- raised privileges, for at_secure.sh ------------------------------- */

static void say_whether_secure(void)
{
	struct rng r = rng_for(0);

	use_all_layers(&r);
	printf("AT_SECURE=%lu %s\n", getauxval(AT_SECURE),
	       symbol_file("malloc"));
}

/* ---- others ------------------------------------------------------------ */

static void heavy(void *arg)
{
	static struct churn churn = {.common = 2000, .rare = 500000};
	struct rng r = rng_for(0);
	size_t i;

	(void)arg;
	churn_start(&churn, 3);
	for (i = 0; i < 20; i++) {
		use_all_layers(&r);
		malloc_trim(0);
	}
	churn_stop(&churn);
}

static void as_nobody(void *arg)
{
	become_nobody();
	heavy(arg);
	in_child("a fork of nobody's", 20, heavy, NULL);
}

static void user(void)
{
	if (geteuid())
		test_skip("only root may become nobody");
	in_child("program of an unprivileged user", 30, as_nobody, NULL);
}

static void without_descriptors(void *arg)
{
	limit_to(RLIMIT_NOFILE, 0);
	heavy(arg);
	CHECK(!close_range(0, ~0U, 0));
	heavy(arg);
	/* No fd is left to say more than the exit status does. */
	_exit(open("/dev/null", O_RDONLY) == -1 ? 0 : 3);
}

static void descriptors(void)
{
	in_child("program without descriptors", 40, without_descriptors, NULL);
}

static void at_max_map_count(void *arg)
{
	enum { PAGE = 4096 };
	struct rng r = rng_for(0);
	struct box *box[400], *more[400];
	char text[32], *region;
	size_t most, i, n;

	(void)arg;
	CHECK(read_text("/proc/sys/vm/max_map_count", text, sizeof(text)) > 0);
	most = strtoul(text, NULL, 10);
	if (most > 300000)
		_exit(EXIT_SKIP);
	for (i = 0; i < ARRAY_SIZE(box); i++)
		box[i] = box_new(box_size(&r, i % 8 ? 5000 : 6 * MIB));
	region = mmap(NULL, 2 * most * PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(region != MAP_FAILED);
	/* Each second page another mapping, until there may be no more. */
	for (n = 0; n < most; n++)
		if (mprotect(region + 2 * n * PAGE, PAGE, PROT_READ))
			break;
	CHECK(n < most && errno == ENOMEM);
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		errno = 0;
		more[i] = malloc(16 + (i % 8 ? i * 16 : i * 16000));
		CHECK(more[i] || errno == ENOMEM);
		if (more[i])
			box_fill(more[i], 16 + (i % 8 ? i * 16 : i * 16000));
	}
	try_all_layers(&r);
	for (i = 0; i < ARRAY_SIZE(box); i += 2)
		box_end(box[i]);
	malloc_trim(0);
	try_all_layers(&r);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		box_end(more[i]);
	CHECK(!munmap(region, 2 * most * PAGE));
	use_all_layers(&r);
	for (i = 1; i < ARRAY_SIZE(box); i += 2)
		box_end(box[i]);
}

static void mappings(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		watchdog(60);
		at_max_map_count(NULL);
		_exit(0);
	}
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		test_skip("vm.max_map_count is raised, too many to use up");
	CHECK_STATUS(status, 0, "program with all mappings in use");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"as64", as64, 40},
		{"as128", as128, 40},
		{"as1024", as1024, 60},
		{"data", data, 40},
		{"mlockall", mlockall_root, 40},
		{"mlockall_user", mlockall_user, 40},
		{"user", user, 40},
		{"descriptors", descriptors, 60},
		{"mappings", mappings, 70},
	};
	const char *how = argc > 1 ? argv[1] : "";

	/* Children of the cases, and what the scripts run. */
	if (!strcmp(how, "until-the-limit"))
		return test_begin(60), until_the_limit(), 0;
	if (!strncmp(how, "lock-as-", 8))
		return test_begin(30), lock_child(!strcmp(how + 8, "root")), 0;
	if (!strcmp(how, "heavy"))
		return test_begin(30), heavy(NULL), 0;
	if (!strcmp(how, "secure"))
		return watchdog(30), say_whether_secure(), 0;
	if (!strcmp(how, "charge"))
		return test_begin(30), check_charge(), 0;
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
