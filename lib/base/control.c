/* SPDX-License-Identifier: MIT */
/* control.c - the control block itself; see control.h. */
#include "base/control.h"

#include <string.h>

#include "base/version.h"

/* In .bss, not in the file: only the pages in use cost memory. */
struct control_block control SPARSE_TABLE;

void control_init(void)
{
	control.version = CONTROL_VERSION;
	control.size = sizeof(control);
	memcpy(control.version_string, PAGODA_VERSION, sizeof(PAGODA_VERSION));
	memcpy(control.magic, CONTROL_MAGIC, sizeof(CONTROL_MAGIC));
}

void control_set_mode(enum control_mode mode, const char *value,
		      const char *reason)
{
	char text[MODE_LEN] = { 0 };
	size_t len = min_size(strlen(value), MODE_LEN - 2);
	size_t reason_len = min_size(strlen(reason), MODE_LEN - 2 - len);

	memcpy(text, value, len);
	memcpy(text + len + 1, reason, reason_len);
	memcpy(control.modes[mode], text, MODE_LEN);
}
