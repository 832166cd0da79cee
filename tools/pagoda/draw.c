/* SPDX-License-Identifier: MIT */
/*
 * draw.c - "pagoda map": a picture of all pages of a process.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "draft.h"
#include "parse.h"
#include "picture.h"
#include "process.h"

struct request {
	const struct canvas_ops *canvas;
	const char *path;
	const char *core; /* NULL: a process */
	pid_t pid;
};

static const char *cache_name(const void *arg, uint32_t id)
{
	const struct control_cache *caches = arg;

	return caches[id].name[0] ? caches[id].name : NULL;
}

/* The picture's first lines. */
static void write_lines(const struct target *t, const struct request *r,
			char title[256], char more[256])
{
	char command[256], name[48];
	time_t now = time(NULL);
	struct tm tm;
	size_t len;

	if (r->core) {
		snprintf(title, 256, "Memory map of core file %.200s", r->core);
		snprintf(more, 256, "Pagoda %s", t->control.version_string);
		return;
	}
	process_command(r->pid, command, sizeof(command));
	snprintf(name, sizeof(name), "%s", command_name(command));
	/* The picture's width. */
	if (strlen(command_name(command)) >= sizeof(name))
		strcpy(name + sizeof(name) - 4, "...");
	snprintf(title, 256, "Memory map of %s, process %d", name,
		 (int)r->pid);
	snprintf(more, 256, "Pagoda %s, ", t->control.version_string);
	len = strlen(more);
	strftime(more + len, 256 - len, "%Y-%m-%d %H:%M:%S",
		 localtime_r(&now, &tm));
}

static enum tool_status draw_states(const struct target *t,
				    const struct page_states *states,
				    const struct request *r)
{
	uint64_t counts[NR_STATES] = { 0 };
	char title[256], more[256];
	const char *lines[] = { title, more, NULL };
	struct palette palette;
	struct canvas canvas = { .ops = r->canvas, .palette = &palette };
	struct draft out;
	bool drawn;

	page_states_count(states, counts);
	palette_choose(&palette, counts, cache_name, t->control.caches);
	write_lines(t, r, title, more);
	if (!draft_begin(&out)) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	canvas.out = out.to;
	drawn = picture_draw(&canvas, states, lines);
	return draft_save(&out, r->path, drawn);
}

static enum tool_status draw_target(struct target *t, const struct request *r)
{
	struct page_states states = { 0 };
	enum target_status found = r->core ? target_read_core(t, r->core) :
					     target_read(t, r->pid);
	enum tool_status status;

	if (found == TARGET_OK)
		found = page_states_read(t, &states);
	status = explain_target(t, r->core, found);
	if (status == TOOL_OK)
		status = draw_states(t, &states, r);
	page_states_free(&states);
	target_close(t);
	return status;
}

static enum tool_status draw(const struct request *r)
{
	struct target *t = target_new();
	enum tool_status status;

	if (!t)
		return TOOL_FAILED;
	status = draw_target(t, r);
	free(t);
	return status;
}

/* The form of the picture is that of the file's name. */
static enum tool_status choose_form(const struct command *self,
				    struct request *r)
{
	const char *dot = r->path ? strrchr(r->path, '.') : NULL;

	if (!r->path)
		return usage_error(self, "map: where to? Use --output FILE");
	if (dot && dot > r->path && !strcmp(dot, ".svg")) {
		r->canvas = &svg_canvas;
	} else if (!dot || dot == r->path || strcmp(dot, ".png")) {
		return usage_error(self,
				   "map: the name must end in .svg or "
				   ".png: '%s'",
				   r->path);
	} else if (!have_png) {
		complain("this pagoda was built without libpng-dev, which PNG "
			 "files need; .svg works");
		return TOOL_FAILED;
	} else {
		r->canvas = &png_canvas;
	}
	return TOOL_OK;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "core", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct request r = { 0 };
	enum tool_status status;
	int option;

	while ((option = next_option(self, argc, argv, ":o:c:h", options)) !=
	       -1) {
		switch (option) {
		case 'o':
			r.path = optarg;
			break;
		case 'c':
			r.core = optarg;
			break;
		default:
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (!r.core) {
		status = first_pid(self, argc, argv, &r.pid);
		if (status != TOOL_OK)
			return status;
	}
	if (argc > !r.core)
		return usage_error(self, "map: too many arguments");
	status = choose_form(self, &r);
	return status == TOOL_OK ? draw(&r) : status;
}

static void help(void)
{
	puts("  -o, --output FILE  the picture: FILE.svg or FILE.png\n"
	     "  -c, --core CORE    read a core file instead of a process\n"
	     "  -h, --help         this text");
}

const struct command map_command = {
	.name = "map",
	.synopsis = "PID -o FILE | --core CORE -o FILE",
	.summary = "Draws every page of a process in the colour of what it is: "
		   "slabs of each cache, large blocks, free pages with and "
		   "without memory behind them. Fragmentation can be seen.",
	.run = run,
	.help = help,
};
