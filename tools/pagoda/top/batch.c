/* SPDX-License-Identifier: MIT */
/*
 * batch.c - "pagoda top" as text, sample by sample, for files and pipes.
 */
#include "clock.h"
#include "top/run.h"

static void print_line(const struct line *line, void *arg)
{
	int len = line->len;

	(void)arg;
	while (len && line->text[len - 1] == ' ')
		len--;
	fwrite(line->text, 1, (size_t)len, stdout);
	putchar('\n');
}

static void wait_for(double seconds)
{
	struct timespec ts = to_timespec(seconds);

	/* A signal ends the tool, or was for its stopping and going on. */
	while (nanosleep(&ts, &ts) < 0)
		;
}

enum tool_status run_batch(struct top *t, uint64_t count, int view)
{
	struct output o = { .emit = print_line, .width = MAX_WIDTH };

	for (uint64_t i = 0; !count || i < count; i++) {
		if (i) {
			wait_for(t->delay);
			if (top_take(t) != TARGET_OK)
				break;
			putchar('\n');
		}
		top_print(t, &o, view);
		/* Somebody may be reading; and who does not read any more? */
		if (fflush(stdout))
			return TOOL_FAILED;
	}
	if (t->trouble && t->pid)
		complain("process %d %s", (int)t->pid, t->trouble);
	return TOOL_OK;
}
