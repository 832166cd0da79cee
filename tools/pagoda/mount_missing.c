/* SPDX-License-Identifier: MIT */
/*
 * mount_missing.c - takes the place of mount.c in builds without libfuse.
 */
#include "tool.h"

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	complain("this pagoda was built without libfuse3 (libfuse3-dev) and "
		 "cannot mount");
	return TOOL_FAILED;
}

const struct command mount_command = {
	.name = "mount",
	.synopsis = "DIR",
	.summary = "Not in this build.",
	.run = run,
};
