/* SPDX-License-Identifier: MIT */
/*
 * chart.c - see chart.h. Colours are left to the page: series number n is of the
 * class s<n>.
 */
#include "chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "human.h"
#include "json.h"

/* In the units of the SVG; the plot lies between the edges. */
enum {
	WIDTH = 460,
	HEIGHT = 220,
	LEFT = 62,
	RIGHT = WIDTH - 10,
	TOP = 10,
	BOTTOM = HEIGHT - 24,
	SPARK_WIDTH = 100,
	SPARK_HEIGHT = 22,
};

struct scale {
	double low;
	double high;
	double step; /* between two lines */
};

double *chart_add(struct chart *c, const char *name)
{
	double *values = NULL;

	if (c->nr_series < MAX_SERIES)
		values = calloc(c->nr, sizeof(*values));
	if (values) {
		struct series *s = &c->series[c->nr_series++];

		snprintf(s->name, sizeof(s->name), "%s", name);
		s->values = values;
	}
	return values;
}

void chart_drop_zeros(struct chart *c)
{
	size_t kept = 1;

	for (size_t i = 1; i < c->nr_series; i++) {
		struct series *s = &c->series[i];
		size_t at = 0;

		while (at < c->nr && s->values[at] == 0)
			at++;
		if (at < c->nr)
			c->series[kept++] = *s;
		else
			free(s->values);
	}
	c->nr_series = min_size(c->nr_series, kept);
}

void chart_free(struct chart *c)
{
	for (size_t i = 0; i < c->nr_series; i++)
		free(c->series[i].values);
	c->nr_series = 0;
}

static struct human in_unit(enum chart_unit unit, double value)
{
	struct human h = unit == UNIT_BYTES ? human_bytes(value) :
					      human_count(value);

	if (unit == UNIT_PER_SECOND)
		strncat(h.text, "/s", sizeof(h.text) - strlen(h.text) - 1);
	return h;
}

/* Of round numbers: "64 MiB" instead of "64.0 MiB". */
static struct human without_zeros(struct human h)
{
	char *dot = strchr(h.text, '.');
	size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
	size_t zeros = digits;

	while (zeros && dot[zeros] == '0')
		zeros--;
	if (zeros < digits)
		memmove(dot + (zeros ? zeros + 1 : 0), dot + 1 + digits,
			strlen(dot + 1 + digits) + 1);
	return h;
}

/* --- scales --- */

/* The sum of the first @nr series. */
static double stack_at(const struct chart *c, size_t nr, size_t at)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += c->series[i].values[at];
	return sum;
}

/* A round number, so that there are about four steps in @range. */
static double round_step(enum chart_unit unit, double range)
{
	double base = unit == UNIT_BYTES ? 2 : 10;
	double least = range / 5;
	double step = pow(base, floor(log(least) / log(base)));

	if (unit == UNIT_BYTES)
		return step < least ? 2 * step : step;
	if (step < least)
		step *= 2;
	if (step < least)
		step *= 2.5;
	return step < least ? 2 * step : step;
}

static struct scale find_scale(const struct chart *c)
{
	struct scale s = { 0, 0, 1 };

	for (size_t at = 0; at < c->nr; at++) {
		if (c->stacked)
			s.high = fmax(s.high, stack_at(c, c->nr_series, at));
		for (size_t i = 0; i < c->nr_series && !c->stacked; i++) {
			s.high = fmax(s.high, c->series[i].values[at]);
			s.low = fmin(s.low, c->series[i].values[at]);
		}
	}
	if (s.high - s.low <= 0)
		s.high = c->unit == UNIT_BYTES ? 4096 : 1;
	s.step = round_step(c->unit, s.high - s.low);
	s.high = ceil(s.high / s.step) * s.step;
	s.low = floor(s.low / s.step) * s.step;
	return s;
}

static double y_of(const struct scale *s, double value)
{
	return BOTTOM - (value - s->low) / (s->high - s->low) * (BOTTOM - TOP);
}

static double x_of(const struct chart *c, size_t at)
{
	uint64_t length = c->ms[c->nr - 1] - c->ms[0];

	if (!length)
		return (LEFT + RIGHT) / 2.0;
	return LEFT + (double)(c->ms[at] - c->ms[0]) / (double)length *
			      (RIGHT - LEFT);
}

/* --- axes --- */

static void write_y_axis(FILE *out, const struct chart *c,
			 const struct scale *s)
{
	int lines = (int)((s->high - s->low) / s->step + 0.5);

	for (int i = 0; i <= lines; i++) {
		double value = s->low + i * s->step;
		double y = y_of(s, value);

		/* What is almost zero is it. */
		if (fabs(value) < s->step / 2)
			value = 0;
		fprintf(out, "<path class=\"%s\" d=\"M%d %.1fH%d\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s"
			"</text>", value == 0 ? "axis" : "grid", LEFT, y, RIGHT,
			LEFT - 6, y + 3.5,
			value == 0 ? "0" :
				     without_zeros(in_unit(c->unit, value)).text);
	}
}

/* "90 s", "15 min", "2.5 h": of a step that divides it. */
static void write_time(FILE *out, uint64_t ms, uint64_t step)
{
	if (!ms)
		fputs("0", out);
	else if (step < 1000)
		fprintf(out, "%.4g s", (double)ms / 1e3);
	else if (step < 60000)
		fprintf(out, "%" PRIu64 " s", ms / 1000);
	else if (step < 3600000)
		fprintf(out, "%" PRIu64 " min", ms / 60000);
	else
		fprintf(out, "%" PRIu64 " h", ms / 3600000);
}

static void write_x_axis(FILE *out, const struct chart *c)
{
	static const uint64_t steps[] = {
		1,	2,	5,	10,	 20,	  50,	   100,
		200,	500,	1000,	2000,	 5000,	  10000,   15000,
		30000,	60000,	120000, 300000,	 600000,  900000,  1800000,
		3600000, 7200000, 10800000, 21600000, 43200000, 86400000,
	};
	uint64_t length = c->ms[c->nr - 1] - c->ms[0];
	uint64_t step = steps[0];

	for (size_t i = 0; i < ARRAY_SIZE(steps) && length / step >= 6; i++)
		step = steps[i];
	while (length / step >= 6)
		step *= 2;
	for (uint64_t ms = 0; ms <= length && length; ms += step) {
		double x = LEFT + (double)ms / (double)length * (RIGHT - LEFT);

		fprintf(out, "<path class=\"grid\" d=\"M%.1f %dv4\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x,
			BOTTOM, x, BOTTOM + 16,
			x > RIGHT - 12 ? "end" : "middle");
		write_time(out, ms, step);
		fputs("</text>", out);
	}
}

/* --- lines --- */

static void write_line(FILE *out, const struct chart *c,
		       const struct scale *s, size_t i)
{
	if (c->nr == 1) {
		fprintf(out, "<circle class=\"s%zu\" cx=\"%.1f\" cy=\"%.1f\" "
			"r=\"3\"/>", i, x_of(c, 0),
			y_of(s, c->series[i].values[0]));
		return;
	}
	fprintf(out, "<path class=\"line s%zu\" d=\"", i);
	for (size_t at = 0; at < c->nr; at++)
		fprintf(out, "%c%.1f %.1f", at ? 'L' : 'M', x_of(c, at),
			y_of(s, c->series[i].values[at]));
	fputs("\"/>", out);
}

static void write_area(FILE *out, const struct chart *c,
		       const struct scale *s, size_t i)
{
	/* A single sample is as wide as the plot. */
	double left = c->nr == 1 ? LEFT : x_of(c, 0);

	fprintf(out, "<path class=\"area s%zu\" d=\"M%.1f %.1f", i, left,
		y_of(s, stack_at(c, i + 1, 0)));
	for (size_t at = 1; at < c->nr; at++)
		fprintf(out, "L%.1f %.1f", x_of(c, at),
			y_of(s, stack_at(c, i + 1, at)));
	if (c->nr == 1)
		fprintf(out, "H%dV%.1f", RIGHT, y_of(s, stack_at(c, i, 0)));
	for (size_t at = c->nr; at-- > 0;)
		fprintf(out, "L%.1f %.1f", c->nr == 1 ? left : x_of(c, at),
			y_of(s, stack_at(c, i, at)));
	fputs("z\"/>", out);
}

/* --- all of it --- */

static void write_legend(FILE *out, const struct chart *c)
{
	fputs("<ul class=\"legend\">", out);
	for (size_t i = 0; i < c->nr_series; i++) {
		/* From the top of a stack down. */
		size_t n = c->stacked ? c->nr_series - 1 - i : i;
		const struct series *s = &c->series[n];
		double peak = s->values[0];

		for (size_t at = 0; at < c->nr; at++)
			peak = fmax(peak, s->values[at]);
		fprintf(out, "<li><i class=\"s%zu\"></i>", n);
		write_escaped(out, s->name);
		fprintf(out, " <b>%s</b> <span>peak %s</span></li>",
			in_unit(c->unit, s->values[c->nr - 1]).text,
			in_unit(c->unit, peak).text);
	}
	fputs("</ul>", out);
}

/* Bytes are whole. */
static void write_values(FILE *out, const struct chart *c)
{
	struct json j = { .to = out, .compact = true };

	fputs("<script type=\"application/json\">", out);
	json_open(&j, NULL, '{');
	json_string(&j, "unit", c->unit == UNIT_BYTES ? "bytes" : "per second");
	json_number(&j, "left", LEFT);
	json_number(&j, "right", RIGHT);
	json_number(&j, "width", WIDTH);
	json_open(&j, "series", '[');
	for (size_t i = 0; i < c->nr_series; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "name", c->series[i].name);
		json_open(&j, "values", '[');
		for (size_t at = 0; at < c->nr; at++)
			json_real(&j, NULL, c->series[i].values[at]);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	fputs("</script>", out);
}

void chart_write(FILE *out, const struct chart *c)
{
	struct scale scale = find_scale(c);

	fprintf(out, "<figure class=\"card chart\" id=\"%s\"><figcaption>"
		"<h3>%s</h3><p class=\"faint\">%s</p></figcaption>\n"
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
		c->id, c->title, c->doc, WIDTH, HEIGHT, c->title);
	if (c->stacked)
		for (size_t i = 0; i < c->nr_series; i++)
			write_area(out, c, &scale, i);
	write_y_axis(out, c, &scale);
	write_x_axis(out, c);
	/* The first ones are the most important. */
	for (size_t i = c->nr_series; i-- > 0 && !c->stacked;)
		write_line(out, c, &scale, i);
	fprintf(out, "<path class=\"cursor\" d=\"M0 %dV%d\"/></svg>\n", TOP,
		BOTTOM);
	write_legend(out, c);
	write_values(out, c);
	fputs("</figure>\n", out);
}

void chart_write_spark(FILE *out, const double *values, size_t nr)
{
	double low = values[0], high = values[0];

	for (size_t i = 0; i < nr; i++) {
		low = fmin(low, values[i]);
		high = fmax(high, values[i]);
	}
	fprintf(out, "<svg class=\"spark\" viewBox=\"0 0 %d %d\" "
		"preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"",
		SPARK_WIDTH, SPARK_HEIGHT);
	for (size_t i = 0; i < nr; i++) {
		double x = nr > 1 ? (double)i / (double)(nr - 1) : 0;
		double y = high > low ? (values[i] - low) / (high - low) : 0;

		fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', x * SPARK_WIDTH,
			1 + (1 - y) * (SPARK_HEIGHT - 2));
	}
	fputs("\"/></svg>", out);
}
