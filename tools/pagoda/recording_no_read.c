/* SPDX-License-Identifier: MIT */
/*
 * recording_no_read.c - in place of recording_read.c where jansson is missing.
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
