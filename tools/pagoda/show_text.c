/* SPDX-License-Identifier: MIT */
/*
 * show_text.c - the files as the kernel writes them.
 */
#include "show.h"

#include <stdio.h>

static void flush_to_stdout(struct seq_file *m)
{
	fwrite(m->buf, 1, m->len, stdout);
}

static void print_file(const struct proc_snapshot *s,
		       const struct proc_file *file)
{
	char buf[4096];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = flush_to_stdout,
	};

	file->show(&m, s);
	flush_to_stdout(&m);
}

static void print_titled(const struct proc_snapshot *s,
			 const struct proc_file *file)
{
	printf("==> %s <==\n", file->name);
	print_file(s, file);
	printf("\n");
}

void show_text(const struct proc_snapshot *s, char **names, int nr_names)
{
	if (nr_names == 1) {
		print_file(s, proc_find(names[0]));
		return;
	}
	for (int i = 0; i < nr_names; i++)
		print_titled(s, proc_find(names[i]));
	for (size_t i = 0; !nr_names && i < nr_proc_files; i++)
		print_titled(s, &proc_files[i]);
}
