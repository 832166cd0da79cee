/* SPDX-License-Identifier: MIT */
/*
 * run.c - "pagoda run": starts a program on the library.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "supervise.h"
#include "tool.h"

#define LIBRARY "libpagoda.so"

/*
 * Where the library is, seen from the folder of this program: in a build tree
 * and in the usual prefix, and where this build installs it.
 */
static const char *const library_folders[] = {
	"../lib",
	"../" PAGODA_LIBDIR,
};

/* Return: @path without links, allocated; NULL if it cannot be read. */
static char *resolve(const char *path)
{
	char *full = realpath(path, NULL);

	if (full && access(full, R_OK)) {
		free(full);
		full = NULL;
	}
	return full;
}

/* Return: allocated, or NULL after a complaint. */
static char *find_library(void)
{
	char self[PATH_MAX];
	char path[2 * PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *full;

	if (len > 0) {
		self[len] = '\0';
		dirname(self);
		for (size_t i = 0; i < ARRAY_SIZE(library_folders); i++) {
			snprintf(path, sizeof(path), "%s/%s/%s", self,
				 library_folders[i], LIBRARY);
			full = resolve(path);
			if (full)
				return full;
		}
	}
	full = resolve(PAGODA_PREFIX "/" PAGODA_LIBDIR "/" LIBRARY);
	if (!full)
		complain("cannot find " LIBRARY ", use --lib PATH");
	return full;
}

bool extend_env(const char *name, const char *text, char separator,
		       bool in_front)
{
	const char *old = getenv(name);
	char *value = NULL;
	bool done;

	if (!old || !*old)
		return !setenv(name, text, 1);
	if (asprintf(&value, "%s%c%s", in_front ? text : old, separator,
		     in_front ? old : text) < 0)
		return false;
	done = !setenv(name, value, 1);
	free(value);
	return done;
}

static bool is_preloaded(const char *library)
{
	const char *list = getenv("LD_PRELOAD");
	size_t len = strlen(library);

	while (list && *list) {
		size_t n = strcspn(list, " :");

		if (n == len && !memcmp(list, library, n))
			return true;
		list += n;
		list += strspn(list, " :");
	}
	return false;
}

static bool preload(const char *library)
{
	if (strpbrk(library, " :")) {
		complain("%s: the dynamic linker cannot preload a path with "
			 "blanks or colons",
			 library);
		return false;
	}
	/* First, so that the allocator is ours whatever else is there. */
	if (!is_preloaded(library) &&
	    !extend_env("LD_PRELOAD", library, ':', true)) {
		complain("cannot set LD_PRELOAD: %s", strerror(errno));
		return false;
	}
	return true;
}

static enum tool_status add_option(const struct command *self, const char *text)
{
	const char *eq = strchr(text, '=');

	if (!eq)
		return usage_error(self, "run: '%s' is not NAME=VALUE", text);
	if (!is_library_option(text, (size_t)(eq - text)))
		return usage_error(self, "run: there is no option '%.*s', see "
					 "'pagoda options'",
				   (int)(eq - text), text);
	if (strchr(eq, ','))
		return usage_error(self, "run: a value must not contain a "
					 "comma: '%s'",
				   text);
	if (!extend_env("PAGODA_OPTIONS", text, ',', false)) {
		complain("cannot set PAGODA_OPTIONS: %s", strerror(errno));
		return TOOL_FAILED;
	}
	return TOOL_OK;
}

static enum tool_status execute(void *arg)
{
	char **argv = arg;
	int err;

	execvp(argv[0], argv);
	err = errno;
	complain("cannot run %s: %s", argv[0], strerror(err));
	return err == ENOENT ? TOOL_NOT_FOUND : TOOL_CANNOT_EXEC;
}

static enum tool_status run_program(const char *lib,
				    const struct supervision *what, char **argv)
{
	char *library = lib ? resolve(lib) : find_library();
	enum tool_status status = TOOL_FAILED;

	if (lib && !library)
		complain("cannot read %s: %s", lib, strerror(errno));
	if (library && preload(library))
		status = what->stats || what->record.path ?
				 supervise(execute, argv, what) :
				 execute(argv);
	free(library);
	return status;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "option", required_argument, NULL, 'o' },
		{ "stats", no_argument, NULL, 's' },
		{ "record", required_argument, NULL, 'r' },
		{ "interval", required_argument, NULL, 'i' },
		{ "lib", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct supervision what = {
		.record = { .interval_ms = RECORD_INTERVAL_MS,
			    .starting = true },
	};
	enum tool_status status;
	const char *lib = NULL;
	int option;

	while ((option = next_option(self, argc, argv, "+:o:sr:i:l:h",
				     options)) != -1) {
		switch (option) {
		case 'o':
			status = add_option(self, optarg);
			if (status != TOOL_OK)
				return status;
			break;
		case 's':
			what.stats = true;
			break;
		case 'r':
			what.record.path = optarg;
			break;
		case 'i':
			status = seconds_option(self, optarg,
						RECORD_LEAST_SECONDS,
						&what.record.interval_ms);
			if (status != TOOL_OK)
				return status;
			break;
		case 'l':
			lib = optarg;
			break;
		default:
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		}
	}
	if (optind == argc)
		return usage_error(self, "run: which program?");
	return run_program(lib, &what, argv + optind);
}

static void help(void)
{
	puts("  -o, --option NAME=VALUE  an option of the library, see "
	     "'pagoda options'\n"
	     "  -s, --stats              at the end print a summary of the "
	     "program's memory\n"
	     "  -r, --record FILE        record the program's memory, see "
	     "'pagoda record'\n"
	     "  -i, --interval SECONDS   between two samples of the recording; "
	     "1\n"
	     "  -l, --lib PATH           the library to preload\n"
	     "  -h, --help               this text\n");
	print_wrapped("LD_PRELOAD and PAGODA_OPTIONS of the environment are "
		      "kept and extended.",
		      0);
}

const struct command run_command = {
	.name = "run",
	.synopsis = "[--option NAME=VALUE]... [--stats] [--record FILE] "
		    "[--lib PATH] [--] PROGRAM [ARGUMENT...]",
	.summary = "Runs a program on the library, with LD_PRELOAD.",
	.run = run,
	.help = help,
};
