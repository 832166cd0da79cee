/* SPDX-License-Identifier: MIT */
/*
 * mount.c - "pagoda mount": the life of a mounted tree. What it shows is in
 * tree.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tool.h"
#include "tree.h"

#define TREE_TYPE "pagoda"
#define TREE_OPTIONS "ro,noexec,fsname=" TREE_TYPE ",subtype=" TREE_TYPE

/* --- the folder to mount on --- */

static enum tool_status explain(const char *folder, const char *why)
{
	complain("cannot mount on %s: %s", folder, why);
	return TOOL_FAILED;
}

static bool is_tree(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	if (!mounts)
		return false;
	while (!found && (m = getmntent(mounts)))
		found = !strcmp(m->mnt_dir, path) &&
			!strcmp(m->mnt_type, "fuse." TREE_TYPE);
	endmntent(mounts);
	return found;
}

static bool is_empty(DIR *folder)
{
	struct dirent *entry;

	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return true;
}

/* NULL: nothing is wrong with it. @path is absolute and has no links. */
static const char *find_fault(const char *path)
{
	DIR *folder = opendir(path);
	const char *fault = NULL;

	if (!folder && errno == ENOTCONN)
		return "the one mounted there was killed, 'fusermount3 -u' "
		       "takes it away";
	if (!folder)
		return strerror(errno);
	if (is_tree(path))
		fault = "it is mounted there already";
	else if (!is_empty(folder))
		fault = "the folder is not empty";
	closedir(folder);
	return fault;
}

/* --- messages of libfuse --- */

/* Standard error goes to `file` meanwhile, unless one of them is -1. */
struct capture {
	int file;
	int saved;
};

static struct capture begin_capture(void)
{
	struct capture c = {
		.file = memfd_create("messages", MFD_CLOEXEC),
		.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0),
	};

	if (c.file >= 0 && c.saved >= 0)
		dup2(c.file, STDERR_FILENO);
	return c;
}

/* The first line of what was printed, without its program's name. */
static void end_capture(const struct capture *c, char *buf, size_t size)
{
	ssize_t len = -1;
	char *name_end;

	if (c->file >= 0 && c->saved >= 0) {
		dup2(c->saved, STDERR_FILENO);
		len = pread(c->file, buf, size - 1, 0);
	}
	close(c->saved);
	close(c->file);
	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	name_end = strstr(buf, ": ");
	if (name_end && !strncmp(buf, "fuse", strlen("fuse")))
		memmove(buf, name_end + 2, strlen(name_end + 2) + 1);
}

/* --- mounting --- */

/*
 * Signals end the loop, whenever they come: nothing stays mounted.
 * Return: NULL after a complaint.
 */
static struct fuse *mount_tree(struct fuse_args *args, const char *folder)
{
	struct capture c = begin_capture();
	struct fuse *fuse =
		fuse_new(args, &tree_operations, sizeof(tree_operations), NULL);
	char message[256];
	bool mounted;

	mounted = fuse &&
		  !fuse_set_signal_handlers(fuse_get_session(fuse)) &&
		  !fuse_mount(fuse, folder);
	end_capture(&c, message, sizeof(message));
	if (mounted)
		return fuse;
	explain(folder, message[0] ? message : "libfuse does not say why");
	if (fuse)
		fuse_destroy(fuse);
	return NULL;
}

/* Until it is unmounted, or a signal comes. */
static enum tool_status serve(struct fuse *fuse)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result = config ? fuse_loop_mt(fuse, config) : -ENOMEM;

	if (config)
		fuse_loop_cfg_destroy(config);
	if (result >= 0) /* or a signal's number */
		return TOOL_OK;
	complain("cannot answer the kernel: %s", strerror(-result));
	return TOOL_FAILED;
}

static enum tool_status run_tree(struct fuse_args *args, const char *folder,
				 bool foreground)
{
	struct fuse *fuse = mount_tree(args, folder);
	enum tool_status status = TOOL_FAILED;

	if (!fuse)
		return TOOL_FAILED;
	if (fuse_daemonize(foreground))
		complain("cannot go to the background: %s", strerror(errno));
	else
		status = serve(fuse);
	fuse_remove_signal_handlers(fuse_get_session(fuse));
	fuse_unmount(fuse);
	fuse_destroy(fuse);
	return status;
}

static enum tool_status mount_on(struct fuse_args *args, const char *path,
				 bool foreground)
{
	char *folder = realpath(path, NULL);
	const char *fault = folder ? find_fault(folder) : strerror(errno);
	enum tool_status status = fault ? explain(path, fault) :
					  run_tree(args, folder, foreground);

	free(folder);
	return status;
}

static enum tool_status parse(const struct command *self,
			      struct fuse_args *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "option", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool foreground = false;
	int option;

	while ((option = next_option(self, argc, argv, "+:fo:h", options)) !=
	       -1) {
		switch (option) {
		case 'f':
			foreground = true;
			break;
		case 'o':
			fuse_opt_add_arg(args, "-o");
			fuse_opt_add_arg(args, optarg);
			break;
		default:
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		}
	}
	if (argc - optind != 1)
		return usage_error(self, "mount: %s",
				   argc == optind ? "on which folder?" :
						    "too many arguments");
	return mount_on(args, argv[optind], foreground);
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	enum tool_status status = TOOL_FAILED;

	if (fuse_opt_add_arg(&args, "pagoda") ||
	    fuse_opt_add_arg(&args, "-o" TREE_OPTIONS))
		complain("out of memory");
	else
		status = parse(self, &args, argc, argv);
	fuse_opt_free_args(&args);
	return status;
}

static void help(void)
{
	puts("  -f, --foreground      stay in the foreground; Ctrl-C unmounts\n"
	     "  -o, --option OPTIONS  mount options, like allow_other\n"
	     "  -h, --help            this text\n\n"
	     "To unmount: fusermount3 -u DIR");
}

const struct command mount_command = {
	.name = "mount",
	.synopsis = "[--foreground] [-o OPTIONS] DIR",
	.summary = "Shows all processes that run on the library as a folder "
		   "for each, like /proc, with the files of 'pagoda stat' as "
		   "they are when read.",
	.run = run,
	.help = help,
};
