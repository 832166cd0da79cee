/* SPDX-License-Identifier: MIT */
/* counted.h - what the library and the kernel count, for tests that prove how it was done. */
#ifndef PRELOAD_COUNTED_H
#define PRELOAD_COUNTED_H

#include "test.h"

#include <sys/resource.h>

extern long pagoda_proc_read(const char *file, char *buf, size_t size)
	__attribute__((weak));

/* A line of vmstat. */
__attribute__((unused)) static size_t counted(const char *name)
{
	static char text[16384];
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	CHECK(pagoda_proc_read("vmstat", text, sizeof(text)) > 0);
	at = strstr(text, line);
	CHECK_MSG(at, "vmstat has no %s", name);
	return strtoul(at + strlen(line), NULL, 10);
}

/* Run again with @option added to those that the case is run with. */
__attribute__((unused)) static void need_option(const char *option, char **argv)
{
	const char *options = getenv("PAGODA_OPTIONS");
	char text[256];

	if (options && strstr(options, option))
		return;
	snprintf(text, sizeof(text), "%s,%s", options ? options : "", option);
	CHECK(!setenv("PAGODA_OPTIONS", options ? text : text + 1, 1));
	execv("/proc/self/exe", argv);
	CHECK(!"execv");
}

__attribute__((unused)) static size_t minor_faults(void)
{
	struct rusage usage;

	CHECK(!getrusage(RUSAGE_SELF, &usage));
	return (size_t)usage.ru_minflt;
}

#endif
