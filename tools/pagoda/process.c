/* SPDX-License-Identifier: MIT */
/*
 * process.c - see process.h.
 */
#include "process.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* At most @size - 1 bytes of a file of the process, and a NUL. */
static size_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	f = fopen(path, "re");
	if (f) {
		len = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[len] = '\0';
	return len;
}

bool process_parse_use(const char *stat, struct process_use *ret)
{
	/* The name in front may contain anything, also parentheses. */
	const char *rest = strrchr(stat, ')');
	uint64_t user, system, rss;

	memset(ret, 0, sizeof(*ret));
	if (!rest || sscanf(rest + 1,
			    " %1s %*d %*d %*d %*d %*d %*u %" SCNu64
			    " %*u %" SCNu64 " %*u %" SCNu64 " %" SCNu64
			    " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64
			    " %*u %" SCNu64,
			    ret->state, &ret->minor_faults, &ret->major_faults,
			    &user, &system, &ret->threads, &ret->started,
			    &rss) != 8) {
		memset(ret, 0, sizeof(*ret));
		return false;
	}
	ret->cpu_ms = (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	ret->rss = rss * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

bool process_read_use(pid_t pid, struct process_use *ret)
{
	char stat[1024];

	read_file(pid, "stat", stat, sizeof(stat));
	return process_parse_use(stat, ret);
}

bool process_has_ended(pid_t pid)
{
	struct process_use use;

	return !process_read_use(pid, &use) || strchr("ZXx", use.state[0]);
}

static void make_printable(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = '?';
}

void process_command(pid_t pid, char *buf, size_t size)
{
	size_t len = read_file(pid, "cmdline", buf, size);

	while (len && !buf[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!buf[i])
			buf[i] = ' ';
	make_printable(buf, len);
}

void process_comm(pid_t pid, char buf[COMM_LEN])
{
	char line[COMM_LEN + 1]; /* with its newline */
	size_t len = read_file(pid, "comm", line, sizeof(line));

	if (len && line[len - 1] == '\n')
		line[--len] = '\0';
	make_printable(line, len);
	memcpy(buf, line, COMM_LEN);
}

const char *command_name(const char *command)
{
	const char *end = command + strcspn(command, " ");

	while (end > command && end[-1] != '/')
		end--;
	return end;
}
