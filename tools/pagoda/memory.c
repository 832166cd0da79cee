/* SPDX-License-Identifier: MIT */
/*
 * memory.c - reads a live process; hands on what is about a core file.
 */
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "core.h"

int memory_read(const struct memory *m, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)addr, .iov_len = len };
	ssize_t n;

	if (m->core)
		return core_read(m->core, addr, buf, len);
	n = process_vm_readv(m->pid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

static int read_pieces_of_core(const struct core *core, uint64_t addr,
			       uint64_t stride, size_t len, size_t count,
			       char *buf)
{
	for (size_t i = 0; i < count; i++) {
		int err = core_read(core, addr + i * stride, buf + i * len,
				    len);

		if (err && err != -EFAULT)
			return err;
	}
	return 0;
}

int memory_read_pieces(const struct memory *m, uint64_t addr, uint64_t stride,
		       size_t len, size_t count, void *buf)
{
	struct iovec remote[IOV_MAX];
	size_t done = 0;

	if (m->core)
		return read_pieces_of_core(m->core, addr, stride, len, count,
					   buf);
	while (done < count) {
		size_t batch = min_size(count - done, ARRAY_SIZE(remote));
		struct iovec local = {
			.iov_base = (char *)buf + done * len,
			.iov_len = batch * len,
		};
		ssize_t n;

		for (size_t i = 0; i < batch; i++) {
			remote[i].iov_base =
				(void *)(addr + (done + i) * stride);
			remote[i].iov_len = len;
		}
		n = process_vm_readv(m->pid, &local, 1, remote, batch, 0);
		if (n < 0 && errno != EFAULT)
			return -errno;
		/* It stops at the first one that cannot be read: skip that. */
		done += n < 0 ? 1 : (size_t)n / len;
		done += n >= 0 && (size_t)n < batch * len;
	}
	return 0;
}

static bool parse_mapping(char *line, struct mapping *ret)
{
	uint64_t inode;
	char perms[5];
	int path_at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64 " %n",
		   &ret->start, &ret->end, perms, &inode, &path_at) < 4)
		return false;
	ret->has_file = inode != 0;
	ret->writable = perms[1] == 'w';
	ret->path = path_at ? line + path_at : "";
	return true;
}

int memory_for_each_mapping(const struct memory *m,
			    bool (*fn)(const struct mapping *m, void *arg),
			    void *arg)
{
	char path[64];
	char *line = NULL;
	size_t size = 0;
	FILE *maps;
	int err;

	if (m->core)
		return core_for_each_mapping(m->core, fn, arg);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)m->pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	errno = 0;
	while (getline(&line, &size, maps) > 0) {
		struct mapping mapping;

		if (parse_mapping(line, &mapping) && !fn(&mapping, arg))
			break;
	}
	err = ferror(maps) ? -errno : 0;
	free(line);
	fclose(maps);
	return err;
}
