/* SPDX-License-Identifier: MIT */
/*
 * show_text.c - the files as the kernel writes them.
 */
#include "show.h"

static void flush_to_stream(struct seq_file *m)
{
	fwrite(m->buf, 1, m->len, m->private);
}

void show_proc_file(const struct proc_snapshot *s, const struct proc_file *file,
		    FILE *out)
{
	char buf[4096];
	struct seq_file m = {
		.buf = buf,
		.size = sizeof(buf),
		.flush = flush_to_stream,
		.private = out,
	};

	file->show(&m, s);
	flush_to_stream(&m);
}

static void print_titled(const struct proc_snapshot *s,
			 const struct proc_file *file)
{
	printf("==> %s <==\n", file->name);
	show_proc_file(s, file, stdout);
	printf("\n");
}

void show_text(const struct proc_snapshot *s, char **names, int nr_names)
{
	if (nr_names == 1) {
		show_proc_file(s, proc_find(names[0]), stdout);
		return;
	}
	for (int i = 0; i < nr_names; i++)
		print_titled(s, proc_find(names[i]));
	for (size_t i = 0; !nr_names && i < nr_proc_files; i++)
		print_titled(s, &proc_files[i]);
}
