/* SPDX-License-Identifier: MIT */
/*
 * diff.c - "pagoda diff": what grew during a recording, or from one to another.
 */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "json.h"
#include "things.h"

/* Version of the members of the JSON: only grows when they change. */
enum { JSON_VERSION = 1 };

struct row {
	const struct thing *thing; /* of the newer recording */
	double first; /* bytes */
	double last;
	double first_objects;
	double last_objects;
};

/* What is compared: the recordings, or the ends of one. */
struct comparison {
	const char *paths[2];
	struct recording recordings[2];
	struct things things[2];
	int nr; /* recordings */
	struct row *rows;
	size_t nr_rows;
};

static double grown(const struct row *row)
{
	return row->last - row->first;
}

static struct row make_row(const struct comparison *c,
			   const struct thing *thing)
{
	size_t last = c->recordings[c->nr - 1].nr_samples - 1;
	struct row row = {
		.thing = thing,
		.last = thing->bytes[last],
		.last_objects = thing->objects[last],
	};
	const struct thing *before = thing;
	size_t first = 0;

	if (c->nr == 2) {
		first = c->recordings[0].nr_samples - 1;
		before = things_named(&c->things[0], thing->name,
				      thing->object_bytes);
	}
	if (before) {
		row.first = before->bytes[first];
		row.first_objects = before->objects[first];
	}
	return row;
}

/* What grows steadily by how fast it does, then the rest by amount. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	double l, r;

	if (left->thing->growth.steady != right->thing->growth.steady)
		return left->thing->growth.steady ? -1 : 1;
	if (left->thing->growth.steady) {
		l = left->thing->growth.per_second;
		r = right->thing->growth.per_second;
	} else {
		l = grown(left);
		r = grown(right);
	}
	return l < r ? 1 : l > r ? -1 : strcmp(left->thing->name,
					       right->thing->name);
}

static bool find_rows(struct comparison *c)
{
	const struct things *things = &c->things[c->nr - 1];

	c->rows = calloc(things->nr, sizeof(*c->rows));
	if (!c->rows)
		return false;
	for (size_t i = 0; i < things->nr; i++) {
		struct row row = make_row(c, &things->list[i]);

		if (grown(&row) > 0 || row.thing->growth.steady)
			c->rows[c->nr_rows++] = row;
	}
	qsort(c->rows, c->nr_rows, sizeof(*c->rows), compare_rows);
	return true;
}

static bool any_steady(const struct comparison *c)
{
	return c->nr_rows && c->rows[0].thing->growth.steady;
}

/* --- text --- */

static struct human signed_bytes(double bytes)
{
	struct human h = human_bytes(fabs(bytes)), ret;

	snprintf(ret.text, sizeof(ret.text), "%c%.20s", bytes < 0 ? '-' : '+',
		 h.text);
	return ret;
}

static void print_change(const char *what, uint64_t first, uint64_t last)
{
	printf("%-8s%10s -> %10s   %s\n", what,
	       human_bytes((double)first).text, human_bytes((double)last).text,
	       signed_bytes((double)last - (double)first).text);
}

static void print_head(const struct comparison *c)
{
	const struct recording *first = &c->recordings[0];
	const struct recording *last = &c->recordings[c->nr - 1];
	const struct recording_sample *from = &first->samples[0];
	const struct recording_sample *to =
		&last->samples[last->nr_samples - 1];

	if (c->nr == 2)
		from = &first->samples[first->nr_samples - 1];
	for (int i = 0; i < c->nr; i++) {
		const struct recording *r = &c->recordings[i];

		printf("%s: process %" PRIu64 ", %s; %zu samples in %s\n",
		       c->paths[i], r->pid, r->command, r->nr_samples,
		       human_time(r->samples[r->nr_samples - 1].ms).text);
	}
	print_change("RSS", from->use.rss, to->use.rss);
	print_change("in use", from->totals.live, to->totals.live);
}

static void print_row(const struct row *row)
{
	const struct growth *g = &row->thing->growth;
	char rises[32] = "-";

	if (g->parts)
		snprintf(rises, sizeof(rises), "%u of %u", g->rises,
			 g->parts - 1);
	printf("%11s %11s/s  %-7s %10s  %s", signed_bytes(grown(row)).text,
	       signed_bytes(g->per_second).text, rises,
	       human_bytes(row->last).text, row->thing->name);
	if (row->last_objects > 0 || row->first_objects > 0)
		printf(" (%+.0f)", row->last_objects - row->first_objects);
	putchar('\n');
}

static void print_rows(const struct comparison *c, bool steady,
		       const char *title)
{
	bool any = false;

	for (size_t i = 0; i < c->nr_rows; i++) {
		if (c->rows[i].thing->growth.steady != steady)
			continue;
		if (!any)
			printf("\n%s\n%11s %13s  %-7s %10s  %s\n", title,
			       "GROWN", "SLOPE", "RISES", "NOW", "WHAT");
		any = true;
		print_row(&c->rows[i]);
	}
}

static void print_text(const struct comparison *c)
{
	print_head(c);
	print_rows(c, true, "Grows steadily:");
	print_rows(c, false, "Grew, but not steadily:");
	if (!c->nr_rows)
		puts("\nNothing grew.");
}

/* --- JSON --- */

static void print_json_row(struct json *j, const struct row *row)
{
	const struct growth *g = &row->thing->growth;

	json_open(j, NULL, '{');
	json_string(j, "name", row->thing->name);
	json_number(j, "object_bytes", row->thing->object_bytes);
	json_bool(j, "steady", g->steady);
	json_real(j, "grown_bytes", grown(row));
	json_real(j, "bytes_per_second", g->per_second);
	json_number(j, "rises", g->rises);
	json_number(j, "parts", g->parts);
	json_real(j, "first_bytes", row->first);
	json_real(j, "last_bytes", row->last);
	json_real(j, "first_objects", row->first_objects);
	json_real(j, "last_objects", row->last_objects);
	json_close(j, '}');
}

static void print_json(const struct comparison *c)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_number(&j, "version", JSON_VERSION);
	json_open(&j, "recordings", '[');
	for (int i = 0; i < c->nr; i++) {
		const struct recording *r = &c->recordings[i];

		json_open(&j, NULL, '{');
		json_string(&j, "file", c->paths[i]);
		json_number(&j, "pid", r->pid);
		json_string(&j, "command", r->command);
		json_number(&j, "samples", r->nr_samples);
		json_number(&j, "ms", r->samples[r->nr_samples - 1].ms);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "grown", '[');
	for (size_t i = 0; i < c->nr_rows; i++)
		print_json_row(&j, &c->rows[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

/* --- the command --- */

static enum tool_status compare(struct comparison *c, bool as_json)
{
	for (int i = 0; i < c->nr; i++)
		if (!things_find(&c->things[i], &c->recordings[i])) {
			complain("out of memory");
			return TOOL_FAILED;
		}
	if (!find_rows(c)) {
		complain("out of memory");
		return TOOL_FAILED;
	}
	if (as_json)
		print_json(c);
	else
		print_text(c);
	return any_steady(c) ? TOOL_GROWS : TOOL_OK;
}

static enum tool_status diff(char **paths, int nr, bool as_json)
{
	struct comparison c = { 0 };
	enum tool_status status = TOOL_OK;

	while (c.nr < nr && status == TOOL_OK) {
		c.paths[c.nr] = paths[c.nr];
		status = recording_load(&c.recordings[c.nr], paths[c.nr]);
		if (status == TOOL_OK)
			c.nr++;
	}
	if (status == TOOL_OK)
		status = compare(&c, as_json);
	for (int i = 0; i < c.nr; i++) {
		things_free(&c.things[i]);
		recording_free(&c.recordings[i]);
	}
	free(c.rows);
	return status;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool as_json = false;
	int option;

	while ((option = next_option(self, argc, argv, ":jh", options)) != -1) {
		if (option != 'j')
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
		as_json = true;
	}
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return usage_error(self, "diff: which recording?");
	if (argc > 2)
		return usage_error(self, "diff: too many arguments");
	return diff(argv, argc, as_json);
}

static void help(void)
{
	puts("  -j, --json  print JSON\n"
	     "  -h, --help  this text\n");
	print_wrapped("The status is 10 if something grows steadily, 0 if "
		      "nothing does.", 0);
}

const struct command diff_command = {
	.name = "diff",
	.synopsis = "[--json] RECORDING [RECORDING]",
	.summary = "Says what grew during a recording, or from the end of one "
		   "to the end of another; first what grows steadily, as leaks "
		   "do.",
	.run = run,
	.help = help,
};
