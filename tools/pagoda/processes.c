/* SPDX-License-Identifier: MIT */
/*
 * processes.c - see processes.h. Reads /proc.
 */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_of_process(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

static pid_t pid_of(const char *name)
{
	return isdigit((unsigned char)name[0]) ? (pid_t)atoi(name) : 0;
}

int for_each_process(bool (*fn)(pid_t pid, void *arg), void *arg)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool goes_on = true;

	if (!folder)
		return -errno;
	while (goes_on && (entry = readdir(folder))) {
		pid_t pid = pid_of(entry->d_name);

		if (pid)
			goes_on = fn(pid, arg);
	}
	closedir(folder);
	return 0;
}

void count_unread(struct unread *unread, enum target_status status)
{
	switch (status) {
	case TARGET_OTHER_VERSION:
		unread->other_version++;
		break;
	case TARGET_NO_PERMISSION:
		unread->refused++;
		break;
	case TARGET_DAMAGED:
	case TARGET_FAILED:
		unread->failed++;
		break;
	case TARGET_OK:
	case TARGET_NO_PROCESS: /* it ended meanwhile */
	case TARGET_NO_LIBRARY:
	case TARGET_NOT_STARTED:
	case TARGET_NO_CORE:
	case TARGET_TRUNCATED:
		break;
	}
}

uint64_t process_resident_bytes(pid_t pid)
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

/* Return: the length. */
static size_t read_text(pid_t pid, const char *name, char *buf, size_t size)
{
	FILE *f = open_of_process(pid, name);
	size_t len = 0;

	if (f) {
		len = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[len] = '\0';
	return len;
}

static void make_printable(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = '?';
}

void process_command(pid_t pid, char *buf, size_t size)
{
	size_t len = read_text(pid, "cmdline", buf, size);

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
	size_t len = read_text(pid, "comm", line, sizeof(line));

	if (len && line[len - 1] == '\n')
		line[--len] = '\0';
	make_printable(line, len);
	memcpy(buf, line, COMM_LEN);
}
