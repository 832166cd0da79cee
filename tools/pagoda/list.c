/* SPDX-License-Identifier: MIT */
/*
 * list.c - all processes that run on the library, one line each.
 */
#include "list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

static FILE *open_of_process(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

static uint64_t resident_kb(pid_t pid)
{
	FILE *f = open_of_process(pid, "statm");
	uint64_t pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 10;
}

/* The arguments with blanks between them, cut to the buffer. */
static void read_command(pid_t pid, char *buf, size_t size)
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

static void print_process(const struct target *t)
{
	char command[256];
	struct proc_totals totals;

	proc_sum(&t->snapshot, &totals);
	read_command(t->pid, command, sizeof(command));
	printf("%7d %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %s\n",
	       (int)t->pid, resident_kb(t->pid), totals.online >> 10,
	       totals.live >> 10, command);
}

static pid_t pid_of(const char *name)
{
	return isdigit((unsigned char)name[0]) ? (pid_t)atoi(name) : 0;
}

static enum tool_status list_folder(DIR *folder, struct target *t)
{
	unsigned int refused = 0;
	struct dirent *entry;

	printf("%7s %10s %10s %10s %s\n", "PID", "RSS_KB", "ONLINE_KB",
	       "INUSE_KB", "COMMAND");
	while ((entry = readdir(folder))) {
		pid_t pid = pid_of(entry->d_name);
		enum target_status status;

		if (!pid)
			continue;
		status = target_read(t, pid);
		if (status == TARGET_OK)
			print_process(t);
		else if (status == TARGET_OTHER_VERSION)
			complain("process %d runs another version of Pagoda",
				 (int)pid);
		refused += status == TARGET_NO_PERMISSION;
	}
	if (refused)
		complain("no permission to look at %u other processes",
			 refused);
	return TOOL_OK;
}

enum tool_status list_processes(void)
{
	DIR *folder = opendir("/proc");
	struct target *t = aligned_alloc(_Alignof(struct target), sizeof(*t));
	enum tool_status status = TOOL_FAILED;

	if (folder && t)
		status = list_folder(folder, t);
	else
		complain("cannot list the processes: %s", strerror(errno));
	free(t);
	if (folder)
		closedir(folder);
	return status;
}
