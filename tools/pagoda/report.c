/* SPDX-License-Identifier: MIT */
/*
 * report.c - "pagoda report": one HTML page of a recording. All that it needs is
 * in it, and it says everything without its script, which only shows the
 * numbers of a chart to who points at it.
 */
#include "report.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "draft.h"
#include "human.h"
#include "json.h"

enum { DRAWN_AT_MOST = 480 };

static const char style[] =
#include "report.css.inc"
	;
static const char script[] =
#include "report.js.inc"
	;

/* --- which samples --- */

/* The one with the largest RSS of @from .. @to - 1. */
static size_t largest(const struct recording *r, size_t from, size_t to)
{
	size_t best = from;

	for (size_t i = from; i < to; i++)
		if (r->samples[i].use.rss > r->samples[best].use.rss)
			best = i;
	return best;
}

static bool choose_samples(struct report *r)
{
	const struct recording *rec = r->recording;
	size_t nr = min_size(rec->nr_samples, DRAWN_AT_MOST);

	r->drawn = calloc(nr, sizeof(*r->drawn));
	r->ms = calloc(nr, sizeof(*r->ms));
	if (!r->drawn || !r->ms)
		return false;
	for (size_t i = 0; i < nr; i++)
		r->drawn[i] = largest(rec, rec->nr_samples * i / nr,
				      rec->nr_samples * (i + 1) / nr);
	r->drawn[0] = 0;
	r->drawn[nr - 1] = rec->nr_samples - 1;
	for (size_t i = 0; i < nr; i++)
		r->ms[i] = rec->samples[r->drawn[i]].ms;
	r->nr_drawn = nr;
	return true;
}

/* --- the top of the page --- */

static void write_title(FILE *out, const struct recording *r)
{
	char name[sizeof(r->command)];

	snprintf(name, sizeof(name), "%s", command_name(r->command));
	name[strcspn(name, " ")] = '\0';
	fputs("Memory of ", out);
	write_escaped(out, name);
}

static void write_head(FILE *out, const struct recording *r)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	      "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	      "content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	write_title(out, r);
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

static void write_warnings(FILE *out, const struct recording *r)
{
	if (r->truncated)
		fputs("<p class=\"warn\">The end of the recording is missing: "
		      "its last line was cut off.</p>\n", out);
	else if (!r->end[0])
		fputs("<p class=\"warn\">The recorder did not end the "
		      "recording: it is still running, or was killed.</p>\n",
		      out);
}

/* @iso: "2026-11-21T12:02:27Z" */
static void write_time(FILE *out, const char *iso)
{
	char text[32];

	snprintf(text, sizeof(text), "%s", iso);
	text[strcspn(text, "Z")] = '\0';
	for (char *c = text; *c; c++)
		if (*c == 'T')
			*c = ' ';
	write_escaped(out, text);
}

static void write_description(FILE *out, const struct recording *r)
{
	uint64_t ms = r->samples[r->nr_samples - 1].ms;

	fputs("<h1>", out);
	write_title(out, r);
	fputs("</h1>\n<p class=\"command\"><code>", out);
	write_escaped(out, r->command);
	fprintf(out, "</code></p>\n<p class=\"faint\">Process %" PRIu64
		" on Pagoda ", r->pid);
	write_escaped(out, r->pagoda);
	fputs(", recorded from ", out);
	write_time(out, r->started);
	fprintf(out, " UTC for %s: %zu samples, one every %s",
		human_time(ms).text, r->nr_samples,
		human_time(r->interval_ms).text);
	if (r->end[0]) {
		fputs("; ended because ", out);
		write_escaped(out, r->end);
	}
	fprintf(out, ".<br>Machine: %" PRIu64 " CPUs, %s, ", r->cpus,
		human_bytes((double)r->memory_bytes).text);
	write_escaped(out, r->kernel);
	fputs(", ", out);
	write_escaped(out, r->machine);
	fputs(".</p>\n", out);
	write_warnings(out, r);
}

/* --- the numbers that matter most --- */

static void write_card(FILE *out, const char *what, const char *value,
		       const char *more)
{
	fprintf(out, "<section class=\"card key\"><h3>%s</h3><p class=\"big\">"
		"%s</p><p class=\"faint\">", what, value);
	write_escaped(out, more);
	fputs("</p></section>\n", out);
}

static const struct thing *fastest(const struct things *t)
{
	const struct thing *best = NULL;

	for (size_t i = 0; i < t->nr; i++)
		if (t->list[i].growth.steady &&
		    (!best || t->list[i].growth.per_second >
				      best->growth.per_second))
			best = &t->list[i];
	return best;
}

static void write_growth_card(const struct report *r)
{
	const struct thing *t = fastest(&r->things);
	char more[96], value[32];

	if (!t) {
		write_card(r->out, "Grows steadily", "nothing",
			   "no cache, no other use of memory");
		return;
	}
	snprintf(value, sizeof(value), "+%s/s",
		 human_bytes(t->growth.per_second).text);
	snprintf(more, sizeof(more), "%s: +%s", t->name,
		 human_bytes(t->bytes[r->recording->nr_samples - 1] -
			     t->bytes[0]).text);
	write_card(r->out, "Grows steadily", value, more);
}

static void write_cards(const struct report *r)
{
	const struct recording *rec = r->recording;
	const struct recording_sample *first = &rec->samples[0];
	const struct recording_sample *last = first + rec->nr_samples - 1;
	uint64_t peak = rec->samples[largest(rec, 0, rec->nr_samples)].use.rss;
	uint64_t kept = kept_bytes(&last->totals);
	double held = (double)(last->totals.live + kept);
	char more[96];

	fputs("<div class=\"grid keys\">\n", r->out);
	snprintf(more, sizeof(more), "peak %s, at first %s",
		 human_bytes((double)peak).text,
		 human_bytes((double)first->use.rss).text);
	write_card(r->out, "RSS", human_bytes((double)last->use.rss).text, more);
	snprintf(more, sizeof(more), "at first %s",
		 human_bytes((double)first->totals.live).text);
	write_card(r->out, "In use",
		   human_bytes((double)last->totals.live).text, more);
	snprintf(more, sizeof(more), "%.1f %% of what the heap holds",
		 held > 0 ? 100 * (double)kept / held : 0);
	write_card(r->out, "Kept, not in use", human_bytes((double)kept).text,
		   more);
	snprintf(more, sizeof(more), "CPU time %s, threads: %" PRIu64,
		 human_time(last->use.cpu_ms).text, last->use.threads);
	write_card(r->out, "Page faults",
		   human_count((double)proc_less(
				       last->use.minor_faults +
					       last->use.major_faults,
				       first->use.minor_faults +
					       first->use.major_faults)).text,
		   more);
	write_growth_card(r);
	fputs("</div>\n", r->out);
}

static void write_end(const struct report *r)
{
	struct json j = { .to = r->out, .compact = true };

	fputs("<p class=\"faint\">Made by pagoda " PAGODA_VERSION
	      " report. RSS is read from the kernel, all else from the "
	      "allocator's own counters.</p>\n"
	      "<script type=\"application/json\" id=\"times\">", r->out);
	json_open(&j, NULL, '{');
	json_numbers(&j, "ms", r->ms, r->nr_drawn);
	json_close(&j, '}');
	fprintf(r->out, "</script>\n<script>\n%s</script>\n</body>\n</html>\n",
		script);
}

/* --- the command --- */

static bool write_page(struct report *r)
{
	bool complete;

	write_head(r->out, r->recording);
	write_description(r->out, r->recording);
	write_cards(r);
	complete = report_write_charts(r);
	report_write_maps(r);
	complete = complete && report_write_tables(r);
	write_end(r);
	return complete;
}

static enum tool_status report_recording(const struct recording *rec,
					 const char *path)
{
	struct report r = { .recording = rec };
	struct draft out = { 0 };
	enum tool_status status = TOOL_FAILED;

	if (choose_samples(&r) && things_find(&r.things, rec) &&
	    draft_begin(&out)) {
		r.out = out.to;
		status = draft_save(&out, path, write_page(&r));
	} else {
		complain("out of memory");
	}
	things_free(&r.things);
	free(r.drawn);
	free(r.ms);
	return status;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct recording recording;
	enum tool_status status;
	const char *path = NULL;
	int option;

	while ((option = next_option(self, argc, argv, ":o:h", options)) !=
	       -1) {
		if (option != 'o')
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		path = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return usage_error(self, "report: which recording?");
	if (argc > 1)
		return usage_error(self, "report: too many arguments");
	if (!path)
		return usage_error(self, "report: where to? Use --output FILE");
	status = recording_load(&recording, argv[0]);
	if (status != TOOL_OK)
		return status;
	status = report_recording(&recording, path);
	recording_free(&recording);
	return status;
}

static void help(void)
{
	puts("  -o, --output FILE  the page\n"
	     "  -h, --help         this text");
}

const struct command report_command = {
	.name = "report",
	.synopsis = "RECORDING -o FILE.html",
	.summary = "Makes a page of charts, memory maps and tables of a "
		   "recording. It is one HTML file that needs nothing else.",
	.run = run,
	.help = help,
};
