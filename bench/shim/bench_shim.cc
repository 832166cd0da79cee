/*
 * The benchmark shim's only C++: it turns a table of cases into registered
 * Google Benchmarks and measures what Google Benchmark does not. See the
 * header.
 */
#include "bench_shim.h"

#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace
{

double scale = 1;

uint64_t now_ns()
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return uint64_t(ts.tv_sec) * 1000000000u + uint64_t(ts.tv_nsec);
}

/* A line "name: N kB" of /proc/self/status, in bytes. */
size_t status_bytes(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(name), kib = 0;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':')
			kib = strtoull(line + len + 1, nullptr, 10);
	fclose(f);
	return kib * 1024;
}

double seconds(const struct timeval &tv)
{
	return double(tv.tv_sec) + double(tv.tv_usec) / 1e6;
}

/* What the threads of one run of a case share. */
struct shared_run {
	std::atomic<uint64_t> start{UINT64_MAX}, end{0};
	std::atomic<int> finished{0};
	struct rusage before;

	shared_run()
	{
		getrusage(RUSAGE_SELF, &before);
	}
};

} // namespace

struct bench {
	benchmark::State &state;
	const struct bench_case &c;
	shared_run &shared;
	uint64_t left;
	bool started = false;
};

bool bench_next(struct bench *b, uint64_t ops)
{
	/*
	 * The end is taken before Google Benchmark's barrier, where a thread
	 * may sleep; the latest of the threads counts.
	 */
	if (b->started && !b->left) {
		uint64_t now = now_ns(), end = b->shared.end;

		while (end < now &&
		       !b->shared.end.compare_exchange_weak(end, now))
			;
	}
	if (!b->state.KeepRunningBatch(int64_t(ops)))
		return false;
	if (!b->started) {
		uint64_t now = now_ns(), start = b->shared.start;

		while (now < start &&
		       !b->shared.start.compare_exchange_weak(start, now))
			;
		b->started = true;
	}
	b->left -= std::min(b->left, ops);
	return true;
}

long bench_arg(const struct bench *b, int i)
{
	return b->c.arg[i];
}

int bench_thread(const struct bench *b)
{
	return b->state.thread_index();
}

int bench_threads(const struct bench *b)
{
	return b->state.threads();
}

uint64_t bench_ops(const struct bench *b)
{
	return uint64_t(b->state.max_iterations);
}

double bench_scale(void)
{
	return scale;
}

void bench_count(struct bench *b, const char *name, double value)
{
	b->state.counters[name] = value;
}

size_t bench_rss(void)
{
	return status_bytes("VmRSS");
}

namespace
{

void run_case(const struct bench_case &c, shared_run &shared,
	      benchmark::State &state)
{
	struct bench b = {state, c, shared, uint64_t(state.max_iterations)};
	struct rusage after;

	c.run(&b);
	state.SetIterationTime(double(shared.end - shared.start) / 1e9);

	/* Only the thread that ends last sees all memory given back. */
	if (++shared.finished != state.threads())
		return;
	getrusage(RUSAGE_SELF, &after);
	bench_count(&b, "final_rss", double(bench_rss()));
	bench_count(&b, "peak_rss", double(status_bytes("VmHWM")));
	bench_count(&b, "minor_faults",
		    double(after.ru_minflt - shared.before.ru_minflt));
	bench_count(&b, "user_s",
		    seconds(after.ru_utime) - seconds(shared.before.ru_utime));
	bench_count(&b, "sys_s",
		    seconds(after.ru_stime) - seconds(shared.before.ru_stime));
}

void register_case(const struct bench_suite *suite, const struct bench_case &c)
{
	int threads = std::max(c.threads, 1);
	double ops = double(c.ops) * scale / threads;
	std::string name = std::string(suite->name) + "/" + c.name;
	shared_run *shared = new shared_run;

	benchmark::RegisterBenchmark(name.c_str(),
				     [&c, shared](benchmark::State &state) {
					     run_case(c, *shared, state);
				     })
		->Iterations(std::max<int64_t>(1, int64_t(ops)))
		->Threads(threads)
		->UseManualTime();
}

/* For the runner: name, flags, what; separated by tabs. */
void list_cases(const struct bench_suite *suite)
{
	static const char *const flag_names[] = {"quick", "full", "untimed",
						 "idle"};

	for (size_t i = 0; i < suite->nr_cases; i++) {
		const struct bench_case &c = suite->cases[i];

		printf("%s/%s\t", suite->name, c.name);
		for (int bit = 0; bit < 4; bit++)
			if (c.flags & (1u << bit))
				printf("%s ", flag_names[bit]);
		printf("\t%s\n", suite->what);
	}
}

/* Which object answers for malloc: the proof that a preload is active. */
std::string malloc_object()
{
	Dl_info info;
	void *sym = dlsym(RTLD_DEFAULT, "malloc");
	char *path;
	std::string name = "?";

	if (!sym || !dladdr(sym, &info))
		return name;
	path = realpath(info.dli_fname, nullptr);
	if (path)
		name = path;
	free(path);
	return name;
}

} // namespace

int bench_main(const struct bench_suite *suite, int argc, char **argv)
{
	std::vector<char *> rest = {argv[0]};
	std::string prefix = std::string(suite->name) + "/";
	const char *only = nullptr;
	bool found = false;
	int nr_rest;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			list_cases(suite);
			return 0;
		}
		if (!strncmp(argv[i], "--case=", 7))
			only = argv[i] + 7;
		else if (!strncmp(argv[i], "--scale=", 8))
			scale = atof(argv[i] + 8);
		else
			rest.push_back(argv[i]);
	}
	for (size_t i = 0; i < suite->nr_cases; i++) {
		if (only && prefix + suite->cases[i].name != only)
			continue;
		register_case(suite, suite->cases[i]);
		found = true;
	}
	if (!found) {
		fprintf(stderr, "%s: no case %s\n", argv[0], only);
		return 2;
	}
	nr_rest = int(rest.size());
	benchmark::AddCustomContext("malloc", malloc_object());
	benchmark::Initialize(&nr_rest, rest.data());
	if (benchmark::ReportUnrecognizedArguments(nr_rest, rest.data()))
		return 2;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
