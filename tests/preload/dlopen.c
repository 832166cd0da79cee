/* SPDX-License-Identifier: MIT */
/*
 * Proves that plugins and their program share one heap whatever the flags:
 * RTLD_DEEPBIND, which binds a plugin's malloc to glibc's unless the preloaded
 * library takes care, with blocks going both ways; thousands of loads and
 * unloads, also while threads allocate; that a wrapped dlopen() still searches
 * the RUNPATH of its caller and reports errors as before; that a program under
 * LD_AUDIT works; and dlmopen().
 *
 * The environment names the plugin's file (TEST_PLUGIN) and the audit module's
 * (TEST_AUDIT). The program's RUNPATH is the plugin's folder.
 */
#include "plugin.h"
#include "workload.h"

static const char *plugin_path(void)
{
	const char *path = getenv("TEST_PLUGIN");

	CHECK_MSG(path, "TEST_PLUGIN is not set");
	return path;
}

static const struct plugin *load(void **ret_handle, const char *path, int flags)
{
	const struct plugin *plugin;

	*ret_handle = dlopen(path, flags);
	CHECK_MSG(*ret_handle, "dlopen: %s", dlerror());
	plugin = dlsym(*ret_handle, "plugin");
	CHECK_MSG(plugin, "dlsym: %s", dlerror());
	return plugin;
}

/* Blocks of every kind, allocated on one side and freed on the other. */
static void exchange(const struct plugin *plugin)
{
	static const size_t sizes[] = {0,    1,	    24,	    100,    1000,
				       5000, 40000, 200000, 5000000};
	int fds[2];
	size_t i, n;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		p = plugin->allocate(n);
		CHECK(p && malloc_usable_size(p) >= n);
		fill_key(p, n, i);
		p = realloc(p, n + 100);
		CHECK(p && check_key(p, n, i));
		p = plugin->resize(p, 2 * n + 300);
		CHECK(p && check_key(p, n, i));
		free(p);
		p = malloc(n);
		CHECK(p);
		fill_key(p, n, i);
		p = plugin->resize(p, n + 1000);
		CHECK(p && check_key(p, n, i));
		plugin->release(p);
		p = memalign(256, n);
		CHECK(p);
		plugin->release(p);
	}
	p = plugin->copy("copied by libc");
	CHECK(p && !strcmp(p, "copied by libc"));
	free(p);
	plugin->release(strdup("the other way"));
	p = plugin->print(42);
	CHECK(p && !strcmp(p, "value 42"));
	p = realloc(p, 10000);
	CHECK(p && !strcmp(p, "value 42"));
	plugin->release(p);
	CHECK(!pipe(fds));
	CHECK(write(fds[1], "a line\n", 7) == 7);
	close(fds[1]);
	p = plugin->line(fds[0]);
	CHECK(p && !strcmp(p, "a line\n"));
	free(p);
	CHECK(plugin->tls() == 1);
}

static void deepbind(void)
{
	static const int flags[] = {RTLD_NOW, RTLD_LAZY, RTLD_NOW | RTLD_GLOBAL,
				    RTLD_NOW | RTLD_DEEPBIND,
				    RTLD_LAZY | RTLD_DEEPBIND | RTLD_GLOBAL};
	const struct plugin *plugin;
	void *handle, *again;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		plugin = load(&handle, plugin_path(), flags[i]);
		exchange(plugin);
		/* Still there, not loaded twice. */
		again = dlopen(plugin_path(), RTLD_NOW | RTLD_NOLOAD);
		CHECK(again == handle);
		CHECK(!dlclose(again));
		CHECK(!dlclose(handle));
		CHECK(!dlopen(plugin_path(), RTLD_NOW | RTLD_NOLOAD));
	}
}

/* ---- loops ------------------------------------------------------------- */

/* A plugin's thread-local data is allocated by the loader in each thread. */
static void *use_plugin(void *plugin)
{
	CHECK(((const struct plugin *)plugin)->tls() == 1);
	exchange(plugin);
	return NULL;
}

static void loops(void)
{
	enum { LOADS = 800 };
	static struct churn churn = {.common = 5000, .rare = 50000};
	const struct plugin *plugin;
	pthread_t user;
	void *handle;
	long before = 0;
	size_t i;

	churn_start(&churn, 2);
	for (i = 0; i < LOADS; i++) {
		if (i == LOADS / 5)
			before = status_kib("VmRSS");
		plugin = load(&handle, plugin_path(),
			      i % 2 ? RTLD_NOW : RTLD_LAZY | RTLD_DEEPBIND);
		if (i % 16 == 0) {
			user = start_thread(use_plugin,
					    (void *)(uintptr_t)plugin, 0);
			CHECK(!pthread_join(user, NULL));
		}
		CHECK(!dlclose(handle));
	}
	CHECK_MSG(status_kib("VmRSS") < before + 16384,
		  "resident: %ld KiB, before %ld KiB", status_kib("VmRSS"),
		  before);
	churn_stop(&churn);
}

/* ---- what a wrapped dlopen() must not change --------------------------- */

static void wrapper_child(void)
{
	const char *name = strrchr(plugin_path(), '/') + 1;
	const char *error;
	void *handle;

	/* glibc looks the caller up by its return address. */
	exchange(load(&handle, name, RTLD_NOW));
	CHECK(!dlclose(handle));
	exchange(load(&handle, name, RTLD_NOW | RTLD_DEEPBIND));
	CHECK(!dlclose(handle));
	CHECK(!dlopen("no-such-library.so", RTLD_NOW | RTLD_DEEPBIND));
	error = dlerror();
	CHECK_MSG(error && strstr(error, "no-such-library.so"), "dlerror: %s",
		  error);
	CHECK(!dlerror());
	CHECK(!dlopen(plugin_path(), 0));
	CHECK(dlerror());
	handle = dlopen(NULL, RTLD_NOW);
	CHECK(handle &&
	      dlsym(handle, "malloc") == dlsym(RTLD_DEFAULT, "malloc"));
	CHECK(!dlclose(handle));
}

/* Meson's LD_LIBRARY_PATH would find the plugin whoever calls. */
static void without_library_path(void *arg)
{
	(void)arg;
	unsetenv("LD_LIBRARY_PATH");
}

static void wrapper(void)
{
	static const char *const args[] = {"wrapper-child", NULL};
	struct run *run = malloc(sizeof(*run));

	CHECK(run);
	run_self(run, 0, args, without_library_path, NULL);
	CHECK_STATUS(run->status, 0, "program that loads by name");
	free(run);
}

/* ---- other namespaces -------------------------------------------------- */

/* With its own libc, so its blocks stay on its side. */
static void namespaces(void)
{
	const struct plugin *plugin;
	void *handle, *p;
	size_t i;

	for (i = 0; i < 4; i++) {
		handle = dlmopen(LM_ID_NEWLM, plugin_path(), RTLD_NOW);
		CHECK_MSG(handle, "dlmopen: %s", dlerror());
		plugin = dlsym(handle, "plugin");
		CHECK(plugin);
		p = plugin->allocate(1000);
		CHECK(p);
		fill(p, 1000);
		free(malloc(1000));
		CHECK(check_fill(p, 1000));
		plugin->release(p);
		CHECK(!dlclose(handle));
	}
}

static void in_audited_program(void *arg)
{
	(void)arg;
	CHECK(!setenv("LD_AUDIT", getenv("TEST_AUDIT"), 1));
}

static void audit(void)
{
	static const char *const cases[][2] = {{"deepbind", NULL},
					       {"namespaces", NULL}};
	struct run *run = malloc(sizeof(*run));
	size_t i;

	CHECK_MSG(run && getenv("TEST_AUDIT"), "TEST_AUDIT is not set");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		run_self(run, 0, cases[i], in_audited_program, NULL);
		CHECK_STATUS(run->status, 0, cases[i][0]);
		CHECK(strstr(run->text, "ok"));
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"deepbind", deepbind, 30}, {"loops", loops, 60},
		{"wrapper", wrapper, 30},   {"namespaces", namespaces, 30},
		{"audit", audit, 60},
	};

	if (argc > 1 && !strcmp(argv[1], "wrapper-child"))
		return test_begin(20), wrapper_child(), 0;
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
