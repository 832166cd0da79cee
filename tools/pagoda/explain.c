/* SPDX-License-Identifier: MIT */
/*
 * explain.c - what the commands that look at a process say when they cannot.
 */
#include <limits.h>
#include <string.h>

#include "target.h"

/* Yama, a security module, lets only parents look at their children. */
static bool yama_is_strict(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!f)
		return false;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	return scope > 0;
}

static enum tool_status explain_refusal(int pid)
{
	complain("process %d: no permission to read its memory: %s", pid,
		 yama_is_strict() ?
			 "kernel.yama.ptrace_scope is set, only root may" :
			 "it must be yours and not privileged, or you root; "
			 "in a container CAP_SYS_PTRACE may be missing");
	return TOOL_NO_PERMISSION;
}

/* What @t is, in words: "process 12" or "core file x". */
static const char *describe(const struct target *t, const char *core)
{
	static char text[PATH_MAX + 16];

	if (core)
		snprintf(text, sizeof(text), "core file %s", core);
	else
		snprintf(text, sizeof(text), "process %d", (int)t->memory.pid);
	return text;
}

enum tool_status explain_target(const struct target *t, const char *core,
				enum target_status status)
{
	const char *what = describe(t, core);

	switch (status) {
	case TARGET_OK:
		return TOOL_OK;
	case TARGET_NO_PROCESS:
		complain("there is no %s", what);
		return TOOL_NO_PROCESS;
	case TARGET_NO_PERMISSION:
		return explain_refusal((int)t->memory.pid);
	case TARGET_NO_LIBRARY:
		complain("%s %s Pagoda: it has no libpagoda.so", what,
			 core ? "is of a program that did not run on" :
				"does not run on");
		return TOOL_NOT_PAGODA;
	case TARGET_NOT_STARTED:
		complain("%s has libpagoda.so, but it has not started", what);
		return TOOL_NOT_PAGODA;
	case TARGET_OTHER_VERSION:
		if (t->version == CONTROL_VERSION) {
			complain("%s runs Pagoda %s, but this command knows "
				 "the tables of " PAGODA_VERSION " only",
				 what, t->control.version_string);
			return TOOL_OTHER_VERSION;
		}
		complain("%s runs another version of Pagoda: control block "
			 "%u, this tool reads %d (pagoda " PAGODA_VERSION ")",
			 what, t->version, CONTROL_VERSION);
		return TOOL_OTHER_VERSION;
	case TARGET_DAMAGED:
		complain("%s: %s", what,
			 core ? "it is damaged" :
				"its control block is damaged");
		return core ? TOOL_BAD_FILE : TOOL_FAILED;
	case TARGET_NO_CORE:
		complain("%s: it is not a 64-bit ELF core file", what);
		return TOOL_BAD_FILE;
	case TARGET_TRUNCATED:
		complain("%s: it is truncated, or made without the memory of "
			 "the library",
			 what);
		return TOOL_BAD_FILE;
	case TARGET_FAILED:
		break;
	}
	complain("cannot read %s: %s", what, strerror(t->error));
	return TOOL_FAILED;
}
