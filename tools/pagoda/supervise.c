/* SPDX-License-Identifier: MIT */
/*
 * supervise.c - waits for a program, and records or sums up its memory.
 *
 * For the sum the library writes its numbers into a file in a folder of ours when
 * the program exits; the kernel says how large the program was.
 */
#include "supervise.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "recording.h"

static volatile sig_atomic_t child;

static void forward(int sig)
{
	if (child > 0)
		kill((pid_t)child, sig);
}

/* What ends programs is for the program; the terminal's keys reach it anyway. */
static void arrange_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction pass = { .sa_handler = forward,
				  .sa_flags = SA_RESTART };

	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGTERM, &pass, NULL);
	sigaction(SIGHUP, &pass, NULL);
}

/* --- the summary --- */

/* Of meminfo and vmstat the lines that say something. */
static void print_stats_line(const char *file, const char *line)
{
	static const char *const keys[] = { "MemTotal:", "Committed_AS:",
					    "FreeResident:" };
	static const char *const texts[] = { "ready for use at exit",
					     "handed out at exit",
					     "free and resident at exit" };
	char name[64];
	uint64_t value;

	if (sscanf(line, "%63s %" SCNu64, name, &value) != 2)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(file, "meminfo") && !strcmp(name, keys[i]))
			fprintf(stderr, "  %-28s%12" PRIu64 " KiB\n", texts[i],
				value);
	if (!strcmp(file, "vmstat") && strncmp(name, "nr_", 3) && value)
		fprintf(stderr, "  %-28s%12" PRIu64 "\n", name, value);
}

static bool print_stats_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], file[64] = "";

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "==> %63s <==", file) != 1)
			print_stats_line(file, line);
	fclose(f);
	return true;
}

static void print_summary(const char *folder, int status, double seconds,
			  const struct rusage *usage)
{
	char path[PATH_MAX];

	if (WIFSIGNALED(status))
		complain("the program ended by signal %d (%s) after %.2f s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)),
			 seconds);
	else
		complain("the program ended with status %d after %.2f s",
			 WEXITSTATUS(status), seconds);
	fprintf(stderr, "  %-28s%12ld KiB\n", "peak RSS", usage->ru_maxrss);
	fprintf(stderr, "  %-28s%12ld\n", "page faults",
		usage->ru_minflt + usage->ru_majflt);
	snprintf(path, sizeof(path), "%s/%d", folder, (int)child);
	if (!print_stats_file(path))
		fputs("  no numbers of the library: the program did not exit "
		      "by itself, or did not use it\n",
		      stderr);
}

/* --- the folder; the program's children write there as well --- */

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

/* Has the library write into @folder. */
static bool ask_for_stats(const char *folder)
{
	char option[PATH_MAX];

	snprintf(option, sizeof(option), "stats=%s/%%p", folder);
	return extend_env("PAGODA_OPTIONS", option, ',', false);
}

static bool make_folder(char *buf, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	/* A comma would end the option, a percent sign means something. */
	if (!tmp || tmp[0] != '/' || strpbrk(tmp, ",%") || strlen(tmp) > 400)
		tmp = "/tmp";
	snprintf(buf, size, "%s/pagoda-run.XXXXXX", tmp);
	return mkdtemp(buf) != NULL;
}

static enum tool_status wait_for_child(const struct supervision *what,
				       const char *folder)
{
	double start = now();
	struct rusage usage;
	int status;
	pid_t pid;

	/* What goes wrong with the recording is said, and not the program's. */
	if (what->record.path)
		record_process((pid_t)child, &what->record, NULL);
	do
		pid = wait4((pid_t)child, &status, 0, &usage);
	while (pid < 0 && errno == EINTR);
	if (pid < 0) {
		complain("cannot wait for the program: %s", strerror(errno));
		return TOOL_FAILED;
	}
	if (what->stats)
		print_summary(folder, status, now() - start, &usage);
	if (!WIFSIGNALED(status))
		return (enum tool_status)WEXITSTATUS(status);
	if (what->stats)
		remove_folder(folder);
	/* End as it did, but leave no core file: it would be ours. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return (enum tool_status)(128 + WTERMSIG(status));
}

/*
 * fork() with signals held back until they are the child's: one that came in
 * between would end this process alone.
 */
static pid_t fork_child(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid > 0) {
		child = pid;
		arrange_signals();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

enum tool_status supervise(enum tool_status (*start)(void *arg), void *arg,
			   const struct supervision *what)
{
	enum tool_status status = TOOL_FAILED;
	char folder[512];
	pid_t pid = -1;

	if (what->record.path && !recording_try_path(what->record.path))
		return TOOL_FAILED;
	if (what->stats && !make_folder(folder, sizeof(folder))) {
		complain("cannot make a folder for the numbers: %s",
			 strerror(errno));
		return TOOL_FAILED;
	}
	if (!what->stats || ask_for_stats(folder))
		pid = fork_child();
	if (!pid)
		return start(arg);
	if (pid > 0)
		status = wait_for_child(what, folder);
	else
		complain("cannot start the program: %s", strerror(errno));
	if (what->stats)
		remove_folder(folder);
	return status;
}
