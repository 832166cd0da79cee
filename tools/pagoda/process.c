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

static FILE *open_of_process(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

uint64_t process_rss(pid_t pid)
{
	FILE *f = open_of_process(pid, "statm");
	uint64_t pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What stands behind the name, which may hold anything; or "". */
static const char *read_stat(pid_t pid, char *line, int size)
{
	FILE *f = open_of_process(pid, "stat");
	const char *behind = NULL;

	if (f && fgets(line, size, f))
		behind = strrchr(line, ')');
	if (f)
		fclose(f);
	return behind ? behind : "";
}

bool process_has_ended(pid_t pid)
{
	char line[1024], state;

	return sscanf(read_stat(pid, line, sizeof(line)), ") %c", &state) !=
		       1 || state == 'Z' || state == 'X';
}

void process_read_use(pid_t pid, struct process_use *ret)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t user, system;
	char line[1024];
	const char *behind = read_stat(pid, line, sizeof(line));

	memset(ret, 0, sizeof(*ret));
	ret->rss = process_rss(pid);
	if (sscanf(behind,
		   ") %*c %*d %*d %*d %*d %*d %*u %" SCNu64 " %*u %" SCNu64
		   " %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %" SCNu64,
		   &ret->minor_faults, &ret->major_faults, &user, &system,
		   &ret->threads) == 5)
		ret->cpu_ms = (user + system) * 1000 / hz;
}

void process_command(pid_t pid, char *buf, size_t size)
{
	FILE *f = open_of_process(pid, "cmdline");
	size_t len = 0;

	if (f) {
		len = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	while (len && !buf[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)buf[i]))
			buf[i] = buf[i] ? '?' : ' ';
	buf[len] = '\0';
}

const char *command_name(const char *command)
{
	const char *end = command + strcspn(command, " ");

	while (end > command && end[-1] != '/')
		end--;
	return end;
}
