/* SPDX-License-Identifier: MIT */
/*
 * recording_read_missing.c - takes the place of recording_read.c in builds
 * without jansson.
 */
#include "recording.h"

enum tool_status recording_load(struct recording *r, const char *path)
{
	(void)r;
	complain("cannot read %s: this pagoda was built without "
		 "libjansson-dev, which recordings need", path);
	return TOOL_FAILED;
}

void recording_free(struct recording *r)
{
	(void)r;
}
