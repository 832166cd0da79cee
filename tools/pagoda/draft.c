/* SPDX-License-Identifier: MIT */
/*
 * draft.c - see draft.h.
 */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool draft_begin(struct draft *d)
{
	memset(d, 0, sizeof(*d));
	d->to = open_memstream(&d->data, &d->len);
	return d->to != NULL;
}

bool write_all(int fd, const void *data, size_t len)
{
	const char *from = data;

	while (len) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			from += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* Return: 0 or errno. */
static int write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return errno;
	if (!write_all(fd, data, len))
		err = errno;
	if (err && !fstat(fd, &st) && S_ISREG(st.st_mode))
		unlink(path);
	if (close(fd) && !err)
		err = errno;
	return err;
}

enum tool_status draft_save(struct draft *d, const char *path, bool complete)
{
	bool written = d->to && !ferror(d->to);
	int err = ENOMEM;

	if (d->to && fclose(d->to))
		written = false;
	if (complete && written)
		err = write_file(path, d->data, d->len);
	free(d->data);
	if (err)
		complain("cannot write %s: %s", path, strerror(err));
	return err ? TOOL_FAILED : TOOL_OK;
}
