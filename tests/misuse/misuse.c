/* SPDX-License-Identifier: MIT */
/* The frame of every program here, see misuse.h. */
#include "misuse.h"

#include <regex.h>

/* Printed by a bug that so many frees did not bring to light. */
#define TRIMMING "still not detected, trimming\n"

static void *waiting[FLUSH_FREES];

void prepare_flush(size_t size)
{
	size_t i;

	for (i = 0; i < FLUSH_FREES; i++) {
		waiting[i] = malloc(size);
		CHECK(waiting[i]);
	}
}

void flush(void)
{
	size_t i;

	for (i = 0; i < FLUSH_FREES; i++)
		free(waiting[i]);
	CHECK(write(STDOUT_FILENO, TRIMMING, sizeof(TRIMMING) - 1) > 0);
	malloc_trim(0);
}

void *suspect(void *p)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "suspect 0x%jx\n",
			 (uintmax_t)(uintptr_t)p);

	/* Not by stdio: it allocates, and the objects in the way are counted.
	 */
	CHECK(write(STDOUT_FILENO, line, (size_t)n) == n);
	return opaque_pointer(p);
}

static void before_exec(void *arg)
{
	struct rlimit none = {0, 0};

	(void)arg;
	/* A hundred core files would tell nothing more. */
	setrlimit(RLIMIT_CORE, &none);
}

static bool matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool found;

	CHECK(!regcomp(&regex, pattern,
		       REG_EXTENDED | REG_NOSUB | REG_NEWLINE));
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

/* The line that must be there, from what the bug announced. */
static void expected_line(const char *text, char *pattern, size_t size)
{
	const char *announced = strstr(text, "suspect 0x");
	char pointer[32];

	if (misuse.no_pointer) {
		snprintf(pattern, size, "^pagoda: .*(%s)", misuse.reason);
		return;
	}
	CHECK_MSG(announced, "the bug was not reached, printed: %s", text);
	CHECK(sscanf(announced, "suspect %30[0-9a-fx]", pointer) == 1);
	snprintf(pattern, size,
		 "^pagoda: .*((double|invalid).*%s|%s.*invalid).*(%s)", pointer,
		 pointer, misuse.reason);
}

int main(int argc, char **argv)
{
	/* glibc's own words for a pointer that it does not know either. */
	static const char libcs[] =
		"^(free|munmap_chunk|realloc)\\(\\): invalid";
	static const char *const args[] = {"bug", NULL};
	struct run *run = malloc(sizeof(*run));
	char pattern[256];

	if (argc > 1 && !strcmp(argv[1], "bug")) {
		test_begin(30);
		bug();
		return 0;
	}
	CHECK(run);
	run_self(run, RUN_STDERR, args, before_exec, NULL);
	expected_line(run->text, pattern, sizeof(pattern));
	printf("expected: %s\nprinted:\n%s", pattern, run->text);
	fflush(stdout);
	CHECK_MSG(!WIFEXITED(run->status),
		  "not detected, the program ended with status %d",
		  WEXITSTATUS(run->status));
	CHECK_MSG(WTERMSIG(run->status) == SIGABRT, "killed by signal %d",
		  WTERMSIG(run->status));
	CHECK_MSG(matches(run->text, pattern) ||
			  (misuse.foreign && matches(run->text, libcs)),
		  "stopped, but not with the expected message");
	return 0;
}
