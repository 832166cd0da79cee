/* SPDX-License-Identifier: MIT */
/*
 * tree.c - see tree.h. As in /proc, files have no size and are made when they
 * are read: a read at the start takes a snapshot, what is read behind it is of
 * the same one.
 *
 * Nothing is remembered of a name, and the kernel is told not to: each look
 * finds the process anew and as the reader of that moment, who may be another
 * user.
 */
#include "tree.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parse.h"
#include "processes.h"
#include "subject.h"

/* --- names --- */

enum kind { KIND_ROOT, KIND_SELF, KIND_FOLDER, KIND_FILE };

struct node {
	enum kind kind;
	pid_t pid;
	size_t file; /* of proc_files[], or one more: cmdline */
};

static const char *file_name(size_t file)
{
	return file < nr_proc_files ? proc_files[file].name : "cmdline";
}

static bool find_file(const char *name, size_t *ret)
{
	for (*ret = 0; *ret <= nr_proc_files; (*ret)++)
		if (!strcmp(file_name(*ret), name))
			return true;
	return false;
}

/* There is one way to write a name: no signs, blanks or zeros in front. */
static bool pid_of(const char *name, pid_t *ret)
{
	return name[0] != '0' && isdigit((unsigned char)name[0]) &&
	       parse_pid(name, ret);
}

static bool parse_path(const char *path, struct node *ret)
{
	char name[16];
	size_t len;

	*ret = (struct node){ .kind = KIND_ROOT };
	path++;
	if (!*path)
		return true;
	if (!strcmp(path, "self")) {
		ret->kind = KIND_SELF;
		return true;
	}
	len = strcspn(path, "/");
	if (len >= sizeof(name))
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	if (!pid_of(name, &ret->pid))
		return false;
	ret->kind = path[len] ? KIND_FILE : KIND_FOLDER;
	return !path[len] || find_file(path + len + 1, &ret->file);
}

static ino_t inode_of(const struct node *n)
{
	switch (n->kind) {
	case KIND_ROOT:
		return 1;
	case KIND_SELF:
		return 2;
	case KIND_FOLDER:
		return (ino_t)n->pid << 8;
	case KIND_FILE:
		break;
	}
	return ((ino_t)n->pid << 8) + n->file + 1;
}

static mode_t mode_of(enum kind kind)
{
	static const mode_t modes[] = {
		[KIND_ROOT] = S_IFDIR | 0555,
		[KIND_SELF] = S_IFLNK | 0777,
		[KIND_FOLDER] = S_IFDIR | 0500,
		[KIND_FILE] = S_IFREG | 0400,
	};

	return modes[kind];
}

/* --- who asks --- */

static struct reader this_reader(void)
{
	const struct fuse_context *c = fuse_get_context();

	return (struct reader){ .uid = c->uid, .gid = c->gid };
}

/* What FUSE says is a thread. Return: the process, or 0. */
static pid_t process_of(pid_t thread)
{
	char path[32], *line = NULL;
	size_t size = 0;
	pid_t pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!pid && getline(&line, &size, f) > 0)
		if (sscanf(line, "Tgid: %d", &pid) != 1)
			pid = 0;
	free(line);
	fclose(f);
	return pid;
}

/* Return: 0 or -errno, as subject_open(). */
static int look_for(pid_t pid, const struct reader *r)
{
	struct subject s;
	int err = subject_open(&s, pid, r);

	if (!err)
		subject_close(&s);
	return err;
}

/* Return: the process that asks if it is on the library, else 0. */
static pid_t find_self(void)
{
	struct reader r = this_reader();
	pid_t pid = process_of(fuse_get_context()->pid);

	return pid && !look_for(pid, &r) ? pid : 0;
}

/* --- files and folders --- */

static struct timespec mounted_at;

static int stat_subject(pid_t pid, struct stat *st)
{
	struct reader r = this_reader();
	struct subject s;
	int err = subject_open(&s, pid, &r);

	if (err)
		return err;
	err = subject_stat(&s, st);
	subject_close(&s);
	return err;
}

static int tree_getattr(const char *path, struct stat *st,
			struct fuse_file_info *info)
{
	static const struct stat none;
	struct node n;

	(void)info;
	if (!parse_path(path, &n))
		return -ENOENT;
	*st = none;
	st->st_ino = inode_of(&n);
	st->st_mode = mode_of(n.kind);
	st->st_nlink = n.kind == KIND_FOLDER ? 2 : 1;
	st->st_uid = geteuid();
	st->st_gid = getegid();
	st->st_atim = mounted_at;
	st->st_mtim = mounted_at;
	st->st_ctim = mounted_at;
	if (n.kind == KIND_SELF)
		n.pid = find_self();
	if (n.kind == KIND_SELF && !n.pid)
		return -ENOENT;
	return n.kind == KIND_ROOT ? 0 : stat_subject(n.pid, st);
}

static int tree_readlink(const char *path, char *buf, size_t size)
{
	pid_t pid = find_self();

	(void)path;
	if (!pid)
		return -ENOENT;
	snprintf(buf, size, "%d", (int)pid);
	return 0;
}

static void list_node(void *buf, fuse_fill_dir_t fill, const char *name,
		      const struct node *n)
{
	struct stat st = {
		.st_ino = inode_of(n),
		.st_mode = mode_of(n->kind),
	};

	fill(buf, name, &st, 0, 0);
}

struct listing {
	void *buf;
	fuse_fill_dir_t fill;
	struct reader reader;
};

static bool list_process(pid_t pid, void *arg)
{
	struct node n = { .kind = KIND_FOLDER, .pid = pid };
	const struct listing *l = arg;
	char name[16];

	if (look_for(pid, &l->reader))
		return true;
	snprintf(name, sizeof(name), "%d", (int)pid);
	list_node(l->buf, l->fill, name, &n);
	return true;
}

static int list_root(void *buf, fuse_fill_dir_t fill)
{
	struct listing l = { buf, fill, this_reader() };

	if (find_self())
		list_node(buf, fill, "self",
			  &(struct node){ .kind = KIND_SELF });
	return for_each_process(list_process, &l);
}

static int list_files(void *buf, fuse_fill_dir_t fill, pid_t pid)
{
	struct reader r = this_reader();
	struct node n = { .kind = KIND_FILE, .pid = pid };
	int err = look_for(pid, &r);

	if (err)
		return err;
	for (n.file = 0; n.file <= nr_proc_files; n.file++)
		list_node(buf, fill, file_name(n.file), &n);
	return 0;
}

static int tree_readdir(const char *path, void *buf, fuse_fill_dir_t fill,
			off_t offset, struct fuse_file_info *info,
			enum fuse_readdir_flags flags)
{
	struct node n;

	(void)offset;
	(void)info;
	(void)flags;
	if (!parse_path(path, &n))
		return -ENOENT;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	return n.kind == KIND_ROOT ? list_root(buf, fill) :
				     list_files(buf, fill, n.pid);
}

/* --- open files --- */

struct opened {
	struct subject subject;
	const struct proc_file *file; /* NULL: cmdline */
	pthread_mutex_t lock; /* of what follows */
	char *text; /* NULL: not read yet */
	size_t len;
};

static struct opened *opened_of(const struct fuse_file_info *info)
{
	return (struct opened *)info->fh;
}

static int tree_open(const char *path, struct fuse_file_info *info)
{
	struct reader r = this_reader();
	struct opened *o;
	struct node n;
	int err;

	if (!parse_path(path, &n) || n.kind != KIND_FILE)
		return -ENOENT;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	err = subject_open(&o->subject, n.pid, &r);
	if (err) {
		free(o);
		return err;
	}
	if (n.file < nr_proc_files)
		o->file = &proc_files[n.file];
	pthread_mutex_init(&o->lock, NULL);
	info->fh = (uintptr_t)o;
	return 0;
}

static int tree_release(const char *path, struct fuse_file_info *info)
{
	struct opened *o = opened_of(info);

	(void)path;
	subject_close(&o->subject);
	pthread_mutex_destroy(&o->lock);
	free(o->text);
	free(o);
	return 0;
}

static int take_snapshot(struct opened *o)
{
	struct reader r = this_reader();
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return -errno;
	err = subject_print(&o->subject, &r, o->file, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err) {
		free(text);
		return err;
	}
	free(o->text);
	o->text = text;
	o->len = len;
	return 0;
}

static int copy_text(const struct opened *o, char *buf, size_t size,
		     off_t offset)
{
	size_t start = min_size((size_t)offset, o->len);
	size_t len = min_size(o->len - start, size);

	memcpy(buf, o->text + start, len);
	return (int)len;
}

static int tree_read(const char *path, char *buf, size_t size, off_t offset,
		     struct fuse_file_info *info)
{
	struct opened *o = opened_of(info);
	int done = 0;

	(void)path;
	pthread_mutex_lock(&o->lock);
	if (!offset || !o->text)
		done = take_snapshot(o);
	if (!done)
		done = copy_text(o, buf, size, offset);
	pthread_mutex_unlock(&o->lock);
	return done;
}

static void *tree_init(struct fuse_conn_info *connection,
		       struct fuse_config *config)
{
	(void)connection;
	clock_gettime(CLOCK_REALTIME, &mounted_at);
	config->direct_io = 1; /* else a file without a size has no content */
	config->use_ino = 1;
	config->attr_timeout = 0;
	config->entry_timeout = 0;
	config->negative_timeout = 0;
	return NULL;
}

const struct fuse_operations tree_operations = {
	.init = tree_init,
	.getattr = tree_getattr,
	.readlink = tree_readlink,
	.readdir = tree_readdir,
	.open = tree_open,
	.read = tree_read,
	.release = tree_release,
};
