/* SPDX-License-Identifier: MIT */
/* bug.c - see bug.h. */
#include "base/bug.h"

#include <stdarg.h>

#include "base/format.h"
#include "base/host.h"

static void say(const char *format, va_list args) PRINTF(1, 0);
static void say(const char *format, va_list args)
{
	static const char prefix[] = "pagoda: ";
	char line[512];
	size_t len = sizeof(prefix) - 1;

	__builtin_memcpy(line, prefix, len);
	len += fmt_vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	len = min_size(len, sizeof(line) - 2);
	line[len++] = '\n';
	host_write_stderr(line, len);
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void bug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	host_abort();
}
