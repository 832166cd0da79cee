/* SPDX-License-Identifier: MIT */
/*
 * params.c - the option table and its parser. No allocation, no libc beyond
 * string functions: it runs inside the first malloc of the process.
 */
#include "base/params.h"

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/format.h"
#include "base/host.h"

struct params params = {
#define PARAM_ENUM(name, def, choices, doc) .name = 0,
#define PARAM_SIZE(name, def, lo, hi, unit, doc) .name = def,
#define PARAM_LIVE PARAM_SIZE
#define PARAM_TEXT(name, def, doc) .name = def,
#include "base/params.def"
#undef PARAM_ENUM
#undef PARAM_SIZE
#undef PARAM_LIVE
#undef PARAM_TEXT
};

const struct param_info param_infos[] = {
#define PARAM_ENUM(n, d, c, text)                                      \
	{ .name = #n, .kind = PARAM_KIND_ENUM, .def = d, .choices = c, \
	  .doc = text, .offset = offsetof(struct params, n) },
#define PARAM_NUMBER(n, d, lo, hi, u, text, l)                      \
	{ .name = #n, .kind = PARAM_KIND_SIZE, .def = #d, .unit = u, \
	  .min = lo, .max = hi, .doc = text, .live = l,             \
	  .offset = offsetof(struct params, n) },
#define PARAM_SIZE(n, d, lo, hi, u, text) \
	PARAM_NUMBER(n, d, lo, hi, u, text, false)
#define PARAM_LIVE(n, d, lo, hi, u, text) \
	PARAM_NUMBER(n, d, lo, hi, u, text, true)
#define PARAM_TEXT(n, d, text)                                    \
	{ .name = #n, .kind = PARAM_KIND_TEXT, .def = d, .doc = text, \
	  .offset = offsetof(struct params, n) },
#include "base/params.def"
#undef PARAM_ENUM
#undef PARAM_SIZE
#undef PARAM_LIVE
#undef PARAM_NUMBER
#undef PARAM_TEXT
};

const size_t nr_params = ARRAY_SIZE(param_infos);

static void *field_of(const struct param_info *info)
{
	return (char *)&params + info->offset;
}

/* Does the NUL-terminated @word stand at @text with exactly @len bytes? */
static bool word_is(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && !memcmp(word, text, len);
}

static bool set_enum(const struct param_info *info, const char *value,
		     size_t len)
{
	unsigned int index = 0;

	for (const char *c = info->choices; c; index++) {
		const char *end = strchr(c, '|');
		size_t n = end ? (size_t)(end - c) : strlen(c);

		if (n == len && !memcmp(c, value, len)) {
			memcpy(field_of(info), &index, sizeof(index));
			return true;
		}
		c = end ? end + 1 : NULL;
	}
	return false;
}

/* A plain number counts units; with a suffix it counts bytes. */
static bool set_size(const struct param_info *info, const char *value,
		     size_t len)
{
	uint64_t v;

	if (!fmt_parse_size(value, len, &v))
		return false;
	if ((value[len - 1] | 0x20) >= 'g') {
		if (!strcmp(info->unit, "KiB"))
			v >>= 10;
		else if (!strcmp(info->unit, "MiB"))
			v >>= 20;
		else
			return false;
	}
	if (v < info->min || v > info->max)
		return false;
	store_relaxed((uint64_t *)field_of(info), v);
	return true;
}

static bool set_text(const struct param_info *info, const char *value,
		     size_t len)
{
	char *field = field_of(info);

	if (len >= PARAM_TEXT_LEN)
		return false;
	memcpy(field, value, len);
	field[len] = '\0';
	return true;
}

static bool set_param(const struct param_info *info, const char *value,
		      size_t len)
{
	switch (info->kind) {
	case PARAM_KIND_ENUM:
		return set_enum(info, value, len);
	case PARAM_KIND_SIZE:
		return len && set_size(info, value, len);
	case PARAM_KIND_TEXT:
		return set_text(info, value, len);
	}
	return false;
}

static const struct param_info *find_param(const char *key, size_t len)
{
	for (size_t i = 0; i < nr_params; i++)
		if (word_is(param_infos[i].name, key, len))
			return &param_infos[i];
	return NULL;
}

static void parse_one(const char *item, size_t len)
{
	const char *eq = memchr(item, '=', len);
	size_t key_len = eq ? (size_t)(eq - item) : len;
	const struct param_info *info = find_param(item, key_len);

	if (word_is("help", item, len))
		params_help();
	else if (!info)
		warn("PAGODA_OPTIONS: unknown option '%.*s' (try help)",
		     (int)key_len, item);
	else if (!eq || !set_param(info, eq + 1, len - key_len - 1))
		warn("PAGODA_OPTIONS: bad value in '%.*s' (try help)",
		     (int)len, item);
}

void params_parse(const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, ",");

		if (len)
			parse_one(text, len);
		text += len;
		text += *text == ',';
	}
}

/* --- at run time --- */

static size_t print_choice(const struct param_info *info, char *buf,
			   size_t size)
{
	const char *c = info->choices;

	for (unsigned int i = *(unsigned int *)field_of(info); i; i--)
		c = strchr(c, '|') + 1;
	return fmt_snprintf(buf, size, "%.*s", (int)strcspn(c, "|"), c);
}

int params_get(const char *name, char *buf, size_t size, size_t *ret_len)
{
	const struct param_info *info = find_param(name, strlen(name));

	if (!info)
		return -ENOENT;
	switch (info->kind) {
	case PARAM_KIND_ENUM:
		*ret_len = print_choice(info, buf, size);
		break;
	case PARAM_KIND_SIZE:
		*ret_len = fmt_snprintf(buf, size, "%lu",
					load_relaxed((uint64_t *)field_of(info)));
		break;
	case PARAM_KIND_TEXT:
		*ret_len = fmt_snprintf(buf, size, "%s",
					(const char *)field_of(info));
		break;
	}
	return 0;
}

int params_set(const char *name, const char *value)
{
	const struct param_info *info = find_param(name, strlen(name));

	if (!info)
		return -ENOENT;
	if (!info->live)
		return -EPERM;
	return set_param(info, value, strlen(value)) ? 0 : -EINVAL;
}

void params_help(void)
{
	char line[512];

	for (size_t i = 0; i < nr_params; i++) {
		const struct param_info *p = &param_infos[i];
		size_t len;

		if (p->kind == PARAM_KIND_SIZE)
			len = fmt_snprintf(line, sizeof(line),
					   "%s=%s (%lu..%lu %s)\n    %s\n",
					   p->name, p->def, p->min, p->max,
					   p->unit, p->doc);
		else
			len = fmt_snprintf(line, sizeof(line),
					   "%s=%s%s%s%s\n    %s\n", p->name,
					   p->def, p->choices ? " (" : "",
					   p->choices ? p->choices : "",
					   p->choices ? ")" : "", p->doc);
		host_write_stderr(line, min_size(len, sizeof(line) - 1));
	}
}
