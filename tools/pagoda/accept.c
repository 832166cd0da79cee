/* SPDX-License-Identifier: MIT */
/*
 * accept.c - see accept.h. The header is a list of ranges of media types,
 *
 *	application/openmetrics-text;version=1.0.0;q=0.8, text/plain;q=0.5
 *
 * each with parameters and how welcome it is (1 if it does not say). The most
 * exact range that holds a format decides about it.
 */
#include "accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t len;
};

/* What is before @separator in @rest, without blanks around it. */
static struct text cut_part(struct text *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct text part = { rest->at,
			     end ? (size_t)(end - rest->at) : rest->len };
	size_t used = part.len + (end != NULL);

	rest->at += used;
	rest->len -= used;
	while (part.len && strchr(" \t", part.at[0])) {
		part.at++;
		part.len--;
	}
	while (part.len && strchr(" \t", part.at[part.len - 1]))
		part.len--;
	return part;
}

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && !strncasecmp(t.at, word, t.len);
}

static struct text unquote(struct text t)
{
	if (t.len >= 2 && t.at[0] == '"' && t.at[t.len - 1] == '"') {
		t.at++;
		t.len -= 2;
	}
	return t;
}

/* A number from 0 to 1; what is none counts as 0. */
static double weight_of(struct text t)
{
	char buf[8] = "";
	double weight;

	memcpy(buf, t.at, min_size(t.len, sizeof(buf) - 1));
	weight = strtod(buf, NULL);
	return weight > 0 && weight <= 1 ? weight : 0;
}

/* A format, and what the ranges that hold it say. */
struct format {
	const char *type;
	const char *wider; /* the range of all types of its kind */
	const char *version;
	double weight;
	int exactness; /* of the range that decided */
};

static int exactness(const struct format *f, struct text type)
{
	return is(type, f->type) ? 3 : is(type, f->wider) ? 2 : is(type, "*/*");
}

static void read_range(struct format *f, struct text range)
{
	int exact = exactness(f, cut_part(&range, ';'));
	double weight = 1;

	while (range.len) {
		struct text value = cut_part(&range, ';');
		struct text name = cut_part(&value, '=');

		value = unquote(value);
		if (is(name, "q"))
			weight = weight_of(value);
		else if (is(name, "version") && !is(value, f->version))
			return;
	}
	if (!exact || exact < f->exactness ||
	    (exact == f->exactness && weight <= f->weight))
		return;
	f->exactness = exact;
	f->weight = weight;
}

bool accepts_openmetrics(const char *accept)
{
	struct format modern = { .type = "application/openmetrics-text",
				 .wider = "application/*",
				 .version = "1.0.0" };
	struct format plain = { .type = "text/plain",
				.wider = "text/*",
				.version = "0.0.4" };
	struct text rest = { accept, accept ? strlen(accept) : 0 };

	while (rest.len) {
		struct text range = cut_part(&rest, ',');

		read_range(&modern, range);
		read_range(&plain, range);
	}
	return modern.exactness > 1 && modern.weight > 0 &&
	       modern.weight >= plain.weight;
}
