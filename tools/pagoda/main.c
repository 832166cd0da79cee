/* SPDX-License-Identifier: MIT */
/*
 * main.c - the pagoda command: finds the subcommand, prints help.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const struct command *const commands[] = {
	&stat_command,
	&top_command,
	&whatis_command,
	&run_command,
	&record_command,
	&report_command,
	&diff_command,
	&map_command,
	&mount_command,
	&export_command,
	&options_command,
	&doctor_command,
};

static void say(const char *format, va_list args) PRINTF(1, 0);
static void say(const char *format, va_list args)
{
	/* What was printed so far comes first. */
	fflush(stdout);
	fputs("pagoda: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

enum tool_status usage_error(const struct command *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fprintf(stderr, "Try 'pagoda%s%s --help'.\n", c ? " " : "",
		c ? c->name : "");
	return TOOL_USAGE;
}

static void print_synopsis(const struct command *c)
{
	printf("Usage: pagoda %s %s\n", c->name, c->synopsis);
}

static void print_command_help(const struct command *c)
{
	print_synopsis(c);
	printf("\n");
	print_wrapped(c->summary, 0);
	if (c->help) {
		printf("\n");
		c->help();
	}
}

int next_option(const struct command *c, int argc, char **argv,
		const char *letters, const struct option *options)
{
	int option = getopt_long(argc, argv, letters, options, NULL);

	if (option == 'h') {
		print_command_help(c);
	} else if (option == ':') {
		usage_error(c, "%s: option '%s' needs a value", c->name,
			    argv[optind - 1]);
		option = '?';
	} else if (option == '?') {
		usage_error(c, "%s: unknown option '%s'", c->name,
			    argv[optind - 1]);
	}
	return option;
}

/* Length of the longest start of @text that ends at a blank within @width. */
static size_t line_length(const char *text, size_t width)
{
	size_t len = strlen(text);

	if (len <= width)
		return len;
	for (size_t i = width + 1; i-- > 0;)
		if (text[i] == ' ')
			return i;
	return len;
}

void print_wrapped(const char *text, int indent)
{
	while (*text) {
		size_t len = line_length(text, 78 - (size_t)indent);

		printf("%*s%.*s\n", indent, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

bool use_colour(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb");
}

static void print_help(void)
{
	puts("Usage: pagoda COMMAND [ARGUMENT...]\n");
	puts("Runs programs on the Pagoda allocator and shows their memory.\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		printf("  pagoda %s %s\n", commands[i]->name,
		       commands[i]->synopsis);
		print_wrapped(commands[i]->summary, 6);
	}
	puts("  pagoda --help | --version\n");
	puts("'pagoda COMMAND --help' says more about a command.");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static enum tool_status dispatch(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return usage_error(NULL, "which command?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return TOOL_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("pagoda " PAGODA_VERSION);
		return TOOL_OK;
	}
	c = find_command(argv[1]);
	if (!c)
		return usage_error(NULL, "unknown %s '%s'",
				   argv[1][0] == '-' ? "option" : "command",
				   argv[1]);
	opterr = 0;
	return c->run(c, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	enum tool_status status = dispatch(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the output: %s", strerror(errno));
		if (status == TOOL_OK)
			status = TOOL_FAILED;
	}
	return (int)status;
}
