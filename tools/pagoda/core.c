/* SPDX-License-Identifier: MIT */
/*
 * core.c - reads core files.
 *
 * A core file has a PT_LOAD segment for each mapping of the process, with as
 * much of its memory as was saved, and a note (NT_FILE) that says which file
 * each mapping was of. All numbers in it are checked before they are used: a
 * core may be cut off by a full disk or made up.
 */
#include "core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_AT_MOST MiB(64)

struct file_range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
};

struct core {
	int fd;
	uint64_t size;
	Elf64_Phdr *segments; /* PT_LOAD, by address */
	size_t nr_segments;
	char *notes; /* of one segment; the ranges and names are in it */
	const char *ranges; /* struct file_range, not aligned */
	const char *names; /* one behind the other */
	size_t nr_ranges;
};

/* Is the piece of the file there? */
static bool is_inside(const struct core *core, uint64_t offset, uint64_t len)
{
	return len <= core->size && offset <= core->size - len;
}

static int read_file(const struct core *core, uint64_t offset, void *buf,
		     size_t len)
{
	char *to = buf;

	if (!is_inside(core, offset, len))
		return -ENODATA;
	while (len) {
		ssize_t n = pread(core->fd, to, len, (off_t)offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -ENODATA;
		if (n > 0) {
			to += n;
			offset += (uint64_t)n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* --- tables --- */

static int read_header(const struct core *core, Elf64_Ehdr *ret)
{
	int err = read_file(core, 0, ret, sizeof(*ret));

	if (err == -ENODATA)
		return -ENOEXEC;
	if (err)
		return err;
	if (memcmp(ret->e_ident, ELFMAG, SELFMAG) ||
	    ret->e_ident[EI_CLASS] != ELFCLASS64 ||
	    ret->e_ident[EI_DATA] != ELFDATA2LSB || ret->e_type != ET_CORE)
		return -ENOEXEC;
	return ret->e_phentsize == sizeof(Elf64_Phdr) ? 0 : -EBADMSG;
}

/* More segments than fit into the header are counted in section 0. */
static int count_segments(const struct core *core, const Elf64_Ehdr *header,
			  size_t *ret_nr)
{
	Elf64_Shdr section;
	int err;

	*ret_nr = header->e_phnum;
	if (header->e_phnum != PN_XNUM)
		return 0;
	if (header->e_shentsize != sizeof(section))
		return -EBADMSG;
	err = read_file(core, header->e_shoff, &section, sizeof(section));
	*ret_nr = section.sh_info;
	return err;
}

static int compare_segments(const void *a, const void *b)
{
	const Elf64_Phdr *left = a, *right = b;

	if (left->p_vaddr != right->p_vaddr)
		return left->p_vaddr < right->p_vaddr ? -1 : 1;
	return 0;
}

/* NT_FILE: a head, the ranges, their names. Return: does it make sense? */
static bool parse_files(struct core *core, const char *desc, size_t len)
{
	uint64_t head[2]; /* how many, and a page size */
	size_t names, room;

	if (len < sizeof(head))
		return false;
	memcpy(head, desc, sizeof(head));
	room = (len - sizeof(head)) / sizeof(struct file_range);
	if (head[0] > room || desc[len - 1])
		return false;
	names = sizeof(head) + head[0] * sizeof(struct file_range);
	/* Each has at least the NUL at its end. */
	for (size_t at = names, nr = 0; nr < head[0]; nr++) {
		if (at >= len)
			return false;
		at += strlen(desc + at) + 1;
	}
	core->ranges = desc + sizeof(head);
	core->names = desc + names;
	core->nr_ranges = head[0];
	return true;
}

static bool parse_notes(struct core *core, const char *notes, size_t len)
{
	for (size_t at = 0; len - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr note;
		size_t desc, next;

		memcpy(&note, notes + at, sizeof(note));
		desc = at + sizeof(note) + align_up(note.n_namesz, 4);
		next = desc + align_up(note.n_descsz, 4);
		if (next > len)
			return false;
		if (note.n_type == NT_FILE)
			return parse_files(core, notes + desc, note.n_descsz);
		at = next;
	}
	return true;
}

static int read_notes(struct core *core, const Elf64_Phdr *segment)
{
	int err;

	if (core->ranges)
		return 0;
	if (segment->p_filesz > NOTES_AT_MOST)
		return -EBADMSG;
	free(core->notes);
	core->notes = malloc(segment->p_filesz + 1);
	if (!core->notes)
		return -ENOMEM;
	err = read_file(core, segment->p_offset, core->notes,
			segment->p_filesz);
	if (err)
		return err;
	return parse_notes(core, core->notes, segment->p_filesz) ? 0 :
								   -EBADMSG;
}

static int sort_segments(struct core *core, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const Elf64_Phdr segment = core->segments[i];
		int err;

		if (segment.p_type == PT_NOTE) {
			err = read_notes(core, &segment);
			if (err)
				return err;
		}
		if (segment.p_type != PT_LOAD)
			continue;
		if (!is_inside(core, segment.p_offset, segment.p_filesz))
			return -ENODATA;
		if (segment.p_filesz > segment.p_memsz ||
		    segment.p_memsz > UINT64_MAX - segment.p_vaddr)
			return -EBADMSG;
		core->segments[core->nr_segments++] = segment;
	}
	if (!core->nr_segments)
		return -EBADMSG;
	qsort(core->segments, core->nr_segments, sizeof(core->segments[0]),
	      compare_segments);
	return 0;
}

static int read_tables(struct core *core)
{
	Elf64_Ehdr header;
	size_t nr = 0;
	int err = read_header(core, &header);

	if (!err)
		err = count_segments(core, &header, &nr);
	if (err)
		return err;
	if (!is_inside(core, header.e_phoff, nr * sizeof(Elf64_Phdr)))
		return -ENODATA;
	core->segments = calloc(nr + 1, sizeof(Elf64_Phdr));
	if (!core->segments)
		return -ENOMEM;
	err = read_file(core, header.e_phoff, core->segments,
			nr * sizeof(Elf64_Phdr));
	return err ? err : sort_segments(core, nr);
}

static int open_file(struct core *core, const char *path)
{
	struct stat st;

	core->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (core->fd < 0 || fstat(core->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	core->size = (uint64_t)st.st_size;
	return 0;
}

int core_open(struct core **ret_core, const char *path)
{
	struct core *core = calloc(1, sizeof(*core));
	int err;

	if (!core)
		return -ENOMEM;
	err = open_file(core, path);
	if (!err)
		err = read_tables(core);
	if (err) {
		core_close(core);
		return err;
	}
	*ret_core = core;
	return 0;
}

void core_close(struct core *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	free(core->segments);
	free(core->notes);
	free(core);
}

/* --- contents --- */

/* The segment with @addr, or NULL. */
static const Elf64_Phdr *find_segment(const struct core *core, uint64_t addr)
{
	size_t low = 0, high = core->nr_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->segments[middle].p_vaddr > addr)
			high = middle;
		else
			low = middle + 1;
	}
	if (!low || addr - core->segments[low - 1].p_vaddr >=
			    core->segments[low - 1].p_memsz)
		return NULL;
	return &core->segments[low - 1];
}

int core_read(const struct core *core, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		const Elf64_Phdr *segment = find_segment(core, addr);
		uint64_t offset, n;
		int err;

		if (!segment)
			return -EFAULT;
		offset = addr - segment->p_vaddr;
		if (offset >= segment->p_filesz)
			return -EFAULT;
		n = min_size(len, segment->p_filesz - offset);
		err = read_file(core, segment->p_offset + offset, to, n);
		if (err)
			return err;
		addr += n;
		to += n;
		len -= n;
	}
	return 0;
}

/* The file at @addr, or NULL. */
static const char *find_path(const struct core *core, uint64_t addr)
{
	const char *name = core->names;

	for (size_t i = 0; i < core->nr_ranges; i++) {
		struct file_range range;

		memcpy(&range, core->ranges + i * sizeof(range), sizeof(range));
		if (addr >= range.start && addr < range.end)
			return name;
		name += strlen(name) + 1;
	}
	return NULL;
}

int core_for_each_mapping(const struct core *core,
			  bool (*fn)(const struct mapping *m, void *arg),
			  void *arg)
{
	for (size_t i = 0; i < core->nr_segments; i++) {
		const Elf64_Phdr *segment = &core->segments[i];
		const char *path = find_path(core, segment->p_vaddr);
		struct mapping m = {
			.start = segment->p_vaddr,
			.end = segment->p_vaddr + segment->p_memsz,
			.has_file = path != NULL,
			.writable = segment->p_flags & PF_W,
			.path = path ? path : "",
		};

		if (!fn(&m, arg))
			break;
	}
	return 0;
}
