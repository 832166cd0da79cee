/* SPDX-License-Identifier: MIT */
/*
 * output.c - see output.h.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_begin(struct output *o)
{
	memset(o, 0, sizeof(*o));
	o->to = open_memstream(&o->data, &o->len);
	return o->to != NULL;
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

enum tool_status output_end(struct output *o, const char *path, bool complete)
{
	bool written = o->to && !ferror(o->to);
	int err = ENOMEM;

	if (o->to && fclose(o->to))
		written = false;
	if (complete && written)
		err = write_file(path, o->data, o->len);
	free(o->data);
	if (err)
		complain("cannot write %s: %s", path, strerror(err));
	return err ? TOOL_FAILED : TOOL_OK;
}
