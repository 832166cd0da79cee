/* SPDX-License-Identifier: MIT */
/*
 * record.c - "pagoda record", and the recorder that "pagoda run" uses as well.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "human.h"
#include "parse.h"
#include "record.h"
#include "recording.h"

enum {
	/* How often a program that is starting is looked at. */
	START_INTERVAL_MS = 2,
	STARTS_FOR_MS = 1000,
	FAILURES_AT_MOST = 5,
	/*
	 * Maps are large. The next one is taken when the recording is longer by
	 * this part, at least so many samples: that makes about 70 in a day.
	 */
	MAP_EVERY = 8,
	MAP_SAMPLES = 4,
	RUNS_OF_MAP_AT_MOST = 1 << 20,
};

struct recorder {
	const struct record_request *request;
	const sigset_t *wait_mask;
	struct target *target;
	struct recording_writer file;
	char command[256];
	int pidfd; /* -1: the kernel has none */
	bool ended; /* the process */
	bool unreadable; /* it has become so */
	unsigned int failures; /* looks in a row */
	bool shows_progress;
	uint64_t start_ms; /* of the monotonic clock */
	uint64_t samples;
	uint64_t map_ms; /* when the last map was taken, since the start */
	uint64_t maps;
};

static volatile sig_atomic_t stopped;

void record_stop(int sig)
{
	stopped = sig;
}

/* Wait for the end of the process or a signal until @until. */
static void wait_until(struct recorder *r, uint64_t until)
{
	struct pollfd fd = { .fd = r->pidfd, .events = POLLIN };
	struct timespec timeout = to_timespec((double)until / 1e3 - now());

	if (ppoll(&fd, 1, &timeout, r->wait_mask) > 0)
		r->ended = true;
}

static uint64_t since_start(const struct recorder *r)
{
	return now_ms() - r->start_ms;
}

/* --- what is seen --- */

static void show_progress(const struct recorder *r, uint64_t rss)
{
	struct proc_totals sums;

	if (!r->shows_progress)
		return;
	proc_sum(&r->target->snapshot, &sums);
	fprintf(stderr, "\r%s: %" PRIu64 " samples, RSS %s, in use %s, file %s"
		"\033[K", human_time(since_start(r)).text, r->samples,
		human_bytes((double)rss).text,
		human_bytes((double)sums.live).text,
		human_bytes((double)r->file.bytes).text);
}

static size_t count_runs(const struct page_states *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_regions; i++)
		nr += s->regions[i].nr_runs;
	return nr;
}

/* A process whose tables cannot be read is recorded without maps. */
static bool add_map(struct recorder *r)
{
	struct page_states states;
	uint64_t ms = since_start(r);
	bool added = true;

	if (page_states_read(r->target, &states) == TARGET_OK &&
	    count_runs(&states) <= RUNS_OF_MAP_AT_MOST)
		added = recording_add_map(&r->file, &states, ms);
	page_states_free(&states);
	r->map_ms = ms;
	r->maps++;
	return added;
}

static bool is_map_due(const struct recorder *r, uint64_t ms)
{
	uint64_t least = MAP_SAMPLES * r->request->interval_ms;

	return !r->maps || ms - r->map_ms >= max_size(ms / MAP_EVERY, least);
}

/* Return: false after a complaint. */
static bool add_sample(struct recorder *r)
{
	struct process_use use;
	uint64_t ms;

	/* Has it ended between the two looks? */
	if (!process_read_use(r->target->memory.pid, &use) || !use.rss)
		return true;
	if (!r->samples) {
		struct recording_start start = {
			.command = r->command,
			.interval_ms = r->request->interval_ms,
		};

		r->start_ms = now_ms();
		process_command(r->target->memory.pid, r->command,
				sizeof(r->command));
		if (!recording_create(&r->file, r->request->path, r->target,
				      &start))
			return false;
	}
	ms = since_start(r);
	if (!recording_add_sample(&r->file, r->target, &use, ms)) {
		if (!r->samples)
			recording_discard(&r->file);
		return false;
	}
	r->samples++;
	if (is_map_due(r, ms) && !add_map(r))
		return false;
	show_progress(r, use.rss);
	return true;
}

/*
 * May it be readable at the next look? A process that executes another program has
 * no library for a moment, or from then on; and one that does so just now, or is
 * about to end, may give any error.
 */
static bool may_pass(struct recorder *r, enum target_status found)
{
	if (!r->samples && !r->request->starting)
		return false;
	if (found == TARGET_NO_LIBRARY || found == TARGET_NOT_STARTED)
		return true;
	return ++r->failures < FAILURES_AT_MOST;
}

/* --- how it goes on --- */

static bool is_done(const struct recorder *r)
{
	const struct record_request *rq = r->request;

	return r->ended || stopped || (rq->count && r->samples >= rq->count) ||
	       (rq->duration_ms && r->samples &&
		since_start(r) >= rq->duration_ms);
}

static uint64_t next_look(const struct recorder *r)
{
	const struct record_request *rq = r->request;
	uint64_t next;

	/* Often at first, for a program may be short. */
	if (!r->samples)
		return now_ms() + (since_start(r) < STARTS_FOR_MS ?
					   START_INTERVAL_MS :
					   rq->interval_ms);
	/* In time with the first one, whatever looking takes. */
	next = since_start(r) / rq->interval_ms * rq->interval_ms +
	       rq->interval_ms;
	if (rq->duration_ms)
		next = min_size(next, rq->duration_ms);
	return r->start_ms + next;
}

static const char *end_reason(const struct recorder *r)
{
	if (r->ended)
		return "the process ended";
	if (r->unreadable)
		return "it could not be read any more";
	return stopped ? "it was interrupted" : "its time was over";
}

/* The last map is that of the end, unless the process has taken it along. */
static bool end_recording(struct recorder *r)
{
	uint64_t ms = since_start(r);

	if (!r->ended && !r->unreadable &&
	    ms - r->map_ms > r->request->interval_ms / 2 && !add_map(r))
		return false;
	if (!recording_add_end(&r->file, ms, end_reason(r)))
		return false;
	if (r->shows_progress)
		fprintf(stderr, "\r%s: %" PRIu64 " samples of %s in %s (%s)"
			"\033[K\n", r->file.path, r->samples,
			human_time(ms).text,
			human_bytes((double)r->file.bytes).text,
			end_reason(r));
	return true;
}

/* Return: TOOL_OK when there is nothing more to see. */
static enum tool_status watch(struct recorder *r, pid_t pid)
{
	while (!is_done(r)) {
		enum target_status found = target_read(r->target, pid);

		if (found == TARGET_OK) {
			r->failures = 0;
			if (!add_sample(r))
				return TOOL_FAILED;
		} else if (may_pass(r, found)) {
			r->ended = process_has_ended(pid);
		} else {
			if (r->shows_progress && r->samples)
				fputc('\n', stderr);
			r->unreadable = true;
			return explain_target(r->target, NULL, found);
		}
		if (!is_done(r))
			wait_until(r, next_look(r));
	}
	return TOOL_OK;
}

static enum tool_status record_target(struct recorder *r, pid_t pid)
{
	enum tool_status status = watch(r, pid);

	if (r->samples) {
		if ((status == TOOL_OK || r->unreadable) && !end_recording(r))
			status = TOOL_FAILED;
		recording_close(&r->file);
	} else if (status == TOOL_OK) {
		complain("process %d ended before there was anything to "
			 "record", (int)pid);
		status = TOOL_NO_PROCESS;
	}
	return status;
}

enum tool_status record_process(pid_t pid, const struct record_request *rq,
				const sigset_t *wait_mask)
{
	struct recorder r = {
		.request = rq,
		.wait_mask = wait_mask,
		.target = target_new(),
		.start_ms = now_ms(),
		.shows_progress = isatty(STDERR_FILENO),
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
	};
	enum tool_status status = TOOL_FAILED;

	if (r.target)
		status = record_target(&r, pid);
	if (r.pidfd >= 0)
		close(r.pidfd);
	free(r.target);
	return status;
}

/* --- the command --- */

static enum tool_status record(pid_t pid, const struct record_request *rq)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction stop = { .sa_handler = record_stop };
	sigset_t blocked, before;

	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaction(ends[i], &stop, NULL);
		sigaddset(&blocked, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &before);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigdelset(&before, ends[i]);
	return record_process(pid, rq, &before);
}

static enum tool_status take_option(const struct command *self, int option,
				    struct record_request *rq)
{
	switch (option) {
	case 'o':
		rq->path = optarg;
		return TOOL_OK;
	case 'i':
		return seconds_option(self, optarg, RECORD_LEAST_SECONDS,
				      &rq->interval_ms);
	case 'd':
		return seconds_option(self, optarg, RECORD_LEAST_SECONDS,
				      &rq->duration_ms);
	case 'n':
		return samples_option(self, optarg, &rq->count);
	default:
		return TOOL_USAGE;
	}
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "interval", required_argument, NULL, 'i' },
		{ "duration", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct record_request rq = { .interval_ms = RECORD_INTERVAL_MS };
	enum tool_status status;
	int option;
	pid_t pid;

	while ((option = next_option(self, argc, argv, ":o:i:d:n:h",
				     options)) != -1) {
		if (option == 'h')
			return TOOL_OK;
		status = take_option(self, option, &rq);
		if (status != TOOL_OK)
			return status;
	}
	argc -= optind;
	argv += optind;
	status = first_pid(self, argc, argv, &pid);
	if (status != TOOL_OK)
		return status;
	if (argc > 1)
		return usage_error(self, "record: too many arguments");
	if (!rq.path)
		return usage_error(self, "record: where to? Use --output FILE");
	return record(pid, &rq);
}

static void help(void)
{
	puts("  -o, --output FILE       the recording\n"
	     "  -i, --interval SECONDS  between two samples; 1\n"
	     "  -d, --duration SECONDS  end after this time\n"
	     "  -n, --count N           end after N samples\n"
	     "  -h, --help              this text\n");
	print_wrapped("It ends when the process does, at the latest, or when "
		      "it is interrupted. 'pagoda report' makes a page of "
		      "charts of the file, 'pagoda diff' says what grew.",
		      0);
}

const struct command record_command = {
	.name = "record",
	.synopsis = "PID -o FILE [--interval SECONDS] [--duration SECONDS | "
		    "--count N]",
	.summary = "Looks at a process again and again, and writes what it "
		   "sees to a file.",
	.run = run,
	.help = help,
};
