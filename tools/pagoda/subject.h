/* SPDX-License-Identifier: MIT */
/*
 * subject.h - a process on the library that a reader looks at.
 */
#ifndef PAGODA_TOOL_SUBJECT_H
#define PAGODA_TOOL_SUBJECT_H

#include <stdio.h>
#include <sys/stat.h>

#include "proc/proc.h"
#include "reader.h"

struct subject {
	pid_t pid;
	int folder; /* in /proc: of this process, whoever has its id later */
};

/*
 * subject_open() - find process @pid for @r.
 * Return: 0; -ENOENT if there is none that runs on the library, -EACCES if @r
 * may not look at it; or another -errno.
 */
int subject_open(struct subject *s, pid_t pid, const struct reader *r);
void subject_close(const struct subject *s);

/* Set the owner of @st to that of the process, its times to the start. */
int subject_stat(const struct subject *s, struct stat *st);

/*
 * subject_print() - write @file, or the command line if it is NULL, as it is
 * now.
 * Return: 0; -ESRCH if the process has ended or runs another program, -EACCES,
 * -EPROTONOSUPPORT for another version of the library; or another -errno.
 */
int subject_print(const struct subject *s, const struct reader *r,
		  const struct proc_file *file, FILE *out);

#endif
