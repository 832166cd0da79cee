/* SPDX-License-Identifier: MIT */
/*
 * Two processes that must not differ: a test program runs itself twice, with
 * and without the preloaded library. Each run writes what it sees as lines of
 * text, its transcript, and the program that started them compares the lines
 * as they come. Transcripts live in pipes only; those who write them allocate
 * nothing. What may differ, addresses above all, must not be in the lines.
 *
 * A line that begins with '#' opens a section; a difference is reported with
 * the section it is in.
 */
#ifndef PRELOAD_TRANSCRIPT_H
#define PRELOAD_TRANSCRIPT_H

#include "test.h"

enum { LONGEST_LINE = 4096, CONTEXT_LINES = 8 };

/* ---- who writes -------------------------------------------------------- */

static char said[32 * 1024];
static size_t said_length;

static inline void say_flush(void)
{
	size_t done = 0;
	ssize_t n;

	while (done < said_length) {
		n = write(STDOUT_FILENO, said + done, said_length - done);
		CHECK(n > 0 || errno == EINTR);
		done += n > 0 ? (size_t)n : 0;
	}
	said_length = 0;
}

/* Add to the transcript. errno stays. */
__attribute__((format(printf, 1, 2), unused)) static void say(const char *text,
							      ...)
{
	int saved = errno;
	va_list args;

	if (said_length > sizeof(said) - LONGEST_LINE)
		say_flush();
	va_start(args, text);
	said_length +=
		(size_t)vsnprintf(said + said_length, LONGEST_LINE, text, args);
	va_end(args);
	errno = saved;
}

/* " = 0", or " = -1 ENOMEM", which ends the line of a call. */
__attribute__((unused)) static void say_result(long result)
{
	if (result == -1)
		say(" = -1 %s\n", strerrorname_np(errno));
	else
		say(" = %ld\n", result);
}

/* To be called first: is this the run it claims to be? */
__attribute__((unused)) static void transcript_begin(unsigned int seconds)
{
	static char maps[256 * 1024];
	bool mapped;

	watchdog(seconds);
	CHECK(read_text("/proc/self/maps", maps, sizeof(maps)) > 0);
	mapped = strstr(maps, "/libpagoda.so");
	CHECK_MSG(mapped == preloaded(), "LD_PRELOAD is %s, libpagoda.so %s",
		  preloaded() ? getenv("LD_PRELOAD") : "not set",
		  mapped ? "is mapped" : "is not mapped");
}

/* ---- who compares ------------------------------------------------------ */

struct side {
	const char *name;
	pid_t pid;
	int fd;
	size_t begin, end; /* what was read and not yet taken */
	char buffer[64 * 1024];
};

struct line {
	const char *text; /* not terminated; NULL at the end of a transcript */
	size_t length;
};

struct comparison {
	struct side side[2];
	size_t lines;
	char section[LONGEST_LINE];
	/* The last ones, which are the same on both sides. */
	char context[CONTEXT_LINES][LONGEST_LINE];
};

static inline void side_start(struct side *side, const char *const *args,
			      bool plain)
{
	char *argv[8];
	int fds[2];
	size_t i;

	argv[0] = program_invocation_name;
	for (i = 1; i < ARRAY_SIZE(argv) - 1 && args[i - 1]; i++)
		argv[i] = (char *)(uintptr_t)args[i - 1];
	argv[i] = NULL;
	side->name = plain ? "plain" : "preloaded";
	CHECK(!pipe2(fds, O_CLOEXEC));
	side->pid = fork();
	CHECK(side->pid >= 0);
	if (!side->pid) {
		CHECK(dup2(fds[1], STDOUT_FILENO) >= 0);
		if (plain)
			unsetenv("LD_PRELOAD");
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(fds[1]);
	side->fd = fds[0];
}

/* The line is there until the next one of this side is asked for. */
static inline struct line side_line(struct side *side)
{
	struct line line = {NULL, 0};
	char *newline = NULL;
	size_t seen = 0;
	ssize_t n = 1;

	while (n > 0) {
		line.text = side->buffer + side->begin;
		line.length = side->end - side->begin;
		newline = (char *)memchr(line.text + seen, '\n',
					 line.length - seen);
		if (newline)
			break;
		seen = line.length;
		memmove(side->buffer, line.text, seen);
		side->begin = 0;
		side->end = seen;
		CHECK(seen < sizeof(side->buffer));
		do
			n = read(side->fd, side->buffer + seen,
				 sizeof(side->buffer) - seen);
		while (n < 0 && errno == EINTR);
		side->end += n > 0 ? (size_t)n : 0;
	}
	if (newline)
		line.length = (size_t)(newline - line.text);
	else if (!line.length)
		line.text = NULL;
	side->begin += line.length + !!newline;
	return line;
}

static inline void report_side(struct side *side, struct line line)
{
	int i, status;

	fprintf(stderr, "%s goes on:\n", side->name);
	for (i = 0; i < CONTEXT_LINES && line.text; i++) {
		fprintf(stderr, "%c %.*s\n", i ? ' ' : '>', (int)line.length,
			line.text);
		line = side_line(side);
	}
	if (line.text) {
		kill(side->pid, SIGKILL);
		wait_for(side->pid);
		return;
	}
	status = wait_for(side->pid);
	fprintf(stderr, "  (the end; %s %d)\n",
		WIFSIGNALED(status) ? "signal" : "exit status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

__attribute__((noreturn)) static inline void
report_difference(struct comparison *c, const struct line *line)
{
	size_t i, n = c->lines < CONTEXT_LINES ? c->lines : CONTEXT_LINES;

	fprintf(stderr, "the transcripts differ in line %zu, in\n%s\n",
		c->lines + 1, c->section);
	fprintf(stderr, "both said:\n");
	for (i = c->lines - n; i < c->lines; i++)
		fprintf(stderr, "  %s\n", c->context[i % CONTEXT_LINES]);
	report_side(&c->side[0], line[0]);
	report_side(&c->side[1], line[1]);
	_exit(1);
}

static inline void comparison_note(struct comparison *c, struct line line)
{
	char *copy = c->context[c->lines++ % CONTEXT_LINES];
	size_t n = line.length;

	n = n < LONGEST_LINE - 1 ? n : LONGEST_LINE - 1;
	memcpy(copy, line.text, n);
	copy[n] = '\0';
	if (*copy == '#')
		memcpy(c->section, copy, n + 1);
}

/*
 * Run this program twice with @args (NULL at the end, the name not included),
 * as it is and without LD_PRELOAD, and fail unless the transcripts are alike.
 * Prints one line, about @what.
 */
__attribute__((unused)) static void compare_runs(const char *const *args,
						 const char *what)
{
	static struct comparison c;
	struct line line[2];
	struct rusage usage;
	double cpu[2];
	int i, status;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < 2; i++)
		side_start(&c.side[i], args, i == 0);
	for (;;) {
		line[0] = side_line(&c.side[0]);
		line[1] = side_line(&c.side[1]);
		if (!line[0].text && !line[1].text)
			break;
		if (!line[0].text || !line[1].text ||
		    line[0].length != line[1].length ||
		    memcmp(line[0].text, line[1].text, line[0].length) != 0)
			report_difference(&c, line);
		comparison_note(&c, line[0]);
	}
	for (i = 0; i < 2; i++) {
		CHECK(wait4(c.side[i].pid, &status, 0, &usage) ==
		      c.side[i].pid);
		CHECK_STATUS(status, 0, c.side[i].name);
		close(c.side[i].fd);
		cpu[i] = (double)(usage.ru_utime.tv_sec +
				  usage.ru_stime.tv_sec) +
			 1e-6 * (double)(usage.ru_utime.tv_usec +
					 usage.ru_stime.tv_usec);
	}
	CHECK_MSG(c.lines, "the transcripts are empty");
	printf("%s: %zu lines alike; CPU seconds: plain %.1f, %s %.1f\n", what,
	       c.lines, cpu[0], preloaded() ? "preloaded" : "plain again",
	       cpu[1]);
	fflush(stdout);
}

#endif
