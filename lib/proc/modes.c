/* SPDX-License-Identifier: MIT */
/*
 * modes.c - which modes are active, and why: "name: value (reason)".
 */
#include <string.h>

#include "proc/proc.h"

static const char *const mode_names[NR_CONTROL_MODES] = {
#define CONTROL_MODE(id, name, doc) [id] = name,
#include "base/modes.def"
#undef CONTROL_MODE
};

/* @text is "value" NUL "reason" NUL in MODE_LEN bytes. */
static void show_mode(struct seq_file *m, const char *name, const char *text)
{
	size_t value_len = strnlen(text, MODE_LEN);
	size_t used = min_size(value_len + 1, MODE_LEN);
	const char *reason = text + used;
	size_t reason_len = strnlen(reason, MODE_LEN - used);

	seq_printf(m, "%s: ", name);
	if (value_len)
		seq_write(m, text, value_len);
	else
		seq_puts(m, "undecided");
	if (reason_len)
		seq_printf(m, " (%.*s)", (int)reason_len, reason);
	seq_puts(m, "\n");
}

void modes_show(struct seq_file *m, const struct proc_snapshot *s)
{
	seq_printf(m, "version: %s\n", s->control->version_string);
	for (int mode = 0; mode < NR_CONTROL_MODES; mode++)
		show_mode(m, mode_names[mode], s->control->modes[mode]);
}
