/* SPDX-License-Identifier: MIT */
/* api.c - the functions of include/pagoda/stats.h. */
#include <pagoda/stats.h>

#include "base/version.h"
#include "malloc/internal.h"
#include "proc/proc.h"

EXPORT const char *pagoda_version(void)
{
	return PAGODA_VERSION;
}

EXPORT long pagoda_proc_read(const char *file, char *buf, size_t size)
{
	const struct proc_file *f = proc_find(file);
	struct seq_file m = { .buf = buf, .size = size ? size - 1 : 0 };
	struct proc_snapshot s;

	if (!f || !malloc_is_up()) {
		errno = f ? EAGAIN : ENOENT;
		return -1;
	}
	proc_snapshot_self(&s);
	f->show(&m, &s);
	if (size)
		buf[m.len] = '\0';
	return (long)(m.len + m.lost);
}
