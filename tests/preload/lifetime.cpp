/* SPDX-License-Identifier: MIT */
/*
 * Proves that allocation works at every moment of a process's life: before any
 * constructor (.preinit_array), in constructors of all kinds, in destructors
 * of thread-specific data however often they are repeated, in C++ thread_local
 * objects, in atexit handlers and destructor functions after main, and in the
 * last thing that runs. A child runs through all of them, printing a line at
 * each; its parent expects every line, in order.
 */
#include "test.h"

#include <malloc.h>
#include <string>

namespace
{

/* Blocks made at one moment are checked and freed at later ones. */
struct parcel {
	void *block;
	size_t size;
};

const size_t parcel_sizes[] = {1, 40, 700, 5000, 40000, 300000, 5000000};
parcel early[ARRAY_SIZE(parcel_sizes)], late[ARRAY_SIZE(parcel_sizes)];

void pack(parcel *parcels)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parcel_sizes); i++) {
		parcels[i].size = parcel_sizes[i];
		parcels[i].block = malloc(parcel_sizes[i]);
		CHECK(parcels[i].block);
		fill(parcels[i].block, parcel_sizes[i]);
	}
}

void unpack(parcel *parcels)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parcel_sizes); i++) {
		CHECK(check_fill(parcels[i].block, parcels[i].size));
		free(parcels[i].block);
	}
}

/* Some of everything, freed at once; @moment is printed without stdio. */
void churn(const char *moment)
{
	parcel some[ARRAY_SIZE(parcel_sizes)];
	char line[64], *text;
	int round;

	for (round = 0; round < 4; round++) {
		pack(some);
		text = strdup(moment);
		text = (char *)realloc(text, 2000);
		CHECK(text && !strcmp(text, moment));
		free(text);
		unpack(some);
	}
	snprintf(line, sizeof(line), "%s\n", moment);
	CHECK(write(STDOUT_FILENO, line, strlen(line)) > 0);
}

/* Only in the child: the parent's own start must not print. */
bool silent = true;

void moment(const char *name)
{
	if (!silent)
		churn(name);
}

/* ---- before main ------------------------------------------------------- */

/* Environment and arguments are there, no constructor has run. */
void preinit(int argc, char **argv, char **)
{
	silent = argc < 2 || strcmp(argv[1], "life");
	if (!silent)
		pack(early);
	moment("preinit");
}

__attribute__((section(".preinit_array"),
	       used)) void (*preinit_entry)(int, char **, char **) = preinit;

__attribute__((constructor(101))) void first_constructor()
{
	moment("first constructor");
}

__attribute__((constructor)) void constructor()
{
	moment("constructor");
}

struct at_start_and_end {
	std::string text;

	at_start_and_end() : text(1000, 'x')
	{
		moment("static object");
	}
	~at_start_and_end()
	{
		moment("static object ends");
		if (!silent)
			CHECK(text == std::string(1000, 'x'));
	}
} object;

/* ---- threads ----------------------------------------------------------- */

pthread_key_t key;

struct per_thread {
	std::string text;
	const char *name;

	~per_thread()
	{
		if (!name)
			return;
		churn(name);
		CHECK(text == std::string(500, 'y'));
	}
};

thread_local per_thread thread_object;

/* Set again, a value makes glibc call the destructor again, 4 times in all,
 * the last time after everything else of the thread is gone. */
void key_destructor(void *value)
{
	parcel *parcels = (parcel *)value;

	churn("key destructor");
	unpack(parcels);
	pack(parcels);
	CHECK(!pthread_setspecific(key, parcels));
}

void *thread_body(void *)
{
	parcel *parcels =
		(parcel *)malloc(ARRAY_SIZE(parcel_sizes) * sizeof(parcel));

	CHECK(parcels);
	pack(parcels);
	thread_object.name = "thread_local object ends";
	thread_object.text = std::string(500, 'y');
	CHECK(!pthread_setspecific(key, parcels));
	churn("thread");
	return NULL;
}

/* ---- after main -------------------------------------------------------- */

void at_exit()
{
	moment("atexit");
}

void on_exit_with_status(int, void *value)
{
	moment("on_exit");
	CHECK(!strcmp((char *)value, "value"));
	free(value);
}

__attribute__((destructor)) void destructor()
{
	moment("destructor");
}

__attribute__((destructor(101))) void last_destructor()
{
	moment("last destructor");
	if (!silent)
		unpack(late);
}

int life()
{
	char *value = strdup("value");
	pthread_t thread;

	moment("main");
	unpack(early);
	CHECK(!atexit(at_exit));
	CHECK(!on_exit(on_exit_with_status, value));
	CHECK(!pthread_key_create(&key, key_destructor));
	thread = start_thread(thread_body, NULL, 0);
	CHECK(!pthread_join(thread, NULL));
	/* Main's own thread_local objects end at exit(). */
	thread_object.name = "main's thread_local object ends";
	thread_object.text = std::string(500, 'y');
	pack(late);
	return 0;
}

const char expected[] = "preinit\n"
			"first constructor\n"
			"constructor\n"
			"static object\n"
			"main\n"
			"thread\n"
			"thread_local object ends\n"
			"key destructor\n"
			"key destructor\n"
			"key destructor\n"
			"key destructor\n"
			"main's thread_local object ends\n"
			"on_exit\n"
			"atexit\n"
			"static object ends\n"
			"destructor\n"
			"last destructor\n";

void whole_life()
{
	static const char *const args[] = {"life", NULL};
	static struct run run;

	run_self(&run, 0, args, NULL, NULL);
	if (run.status || strcmp(run.text, expected))
		fprintf(stderr, "expected:\n%s\nseen:\n%s\n", expected,
			run.text);
	CHECK_STATUS(run.status, 0, "the child");
	CHECK(!strcmp(run.text, expected));
}

/* ---- threads that only allocate while they end ------------------------- */

void *nothing_until_the_end(void *)
{
	CHECK(!pthread_setspecific(key, calloc(1, 100)));
	thread_object.text = std::string(500, 'y');
	return NULL;
}

void free_all(void *value)
{
	void *p = malloc(3000);

	CHECK(p && all_zero(value, 100));
	memset(p, 1, 3000);
	free(value);
	free(p);
}

/* Thousands of them: what a thread's end leaks would show. */
void many_ends()
{
	enum { THREADS = 4000, AT_ONCE = 8 };
	pthread_t thread[AT_ONCE];
	long before = 0;
	size_t i, j;

	CHECK(!pthread_key_create(&key, free_all));
	for (i = 0; i < THREADS / AT_ONCE; i++) {
		if (i == THREADS / AT_ONCE / 10)
			before = status_kib("VmRSS");
		for (j = 0; j < AT_ONCE; j++)
			thread[j] = start_thread(nothing_until_the_end, NULL,
						 65536);
		for (j = 0; j < AT_ONCE; j++)
			CHECK(!pthread_join(thread[j], NULL));
	}
	CHECK_MSG(status_kib("VmRSS") < before + 4096,
		  "resident: %ld KiB, before %ld KiB", status_kib("VmRSS"),
		  before);
}

} /* namespace */

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"whole_life", whole_life, 30},
		{"many_ends", many_ends, 30},
	};

	if (argc > 1 && !strcmp(argv[1], "life"))
		return life();
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
