/* SPDX-License-Identifier: MIT */
/*
 * params.h - run-time options, from PAGODA_OPTIONS="key=value,key=value".
 * Written by params_parse() while the allocator starts; constant after, but for
 * those that are PARAM_LIVE.
 */
#ifndef PAGODA_BASE_PARAMS_H
#define PAGODA_BASE_PARAMS_H

#include "base/compiler.h"

enum { PARAM_TEXT_LEN = 256 };

struct params {
#define PARAM_ENUM(name, def, choices, doc) unsigned int name;
#define PARAM_SIZE(name, def, lo, hi, unit, doc) uint64_t name;
#define PARAM_LIVE PARAM_SIZE
#define PARAM_TEXT(name, def, doc) char name[PARAM_TEXT_LEN];
#include "base/params.def"
#undef PARAM_ENUM
#undef PARAM_SIZE
#undef PARAM_LIVE
#undef PARAM_TEXT
};

/* Values of the PARAM_ENUMs: the index among their choices. */
enum { PERCPU_AUTO, PERCPU_RSEQ, PERCPU_LOCK };
enum { TRI_AUTO, TRI_ON, TRI_OFF };
enum { DEEPBIND_STRIP, DEEPBIND_KEEP };

extern struct params params INTERNAL;

enum param_kind { PARAM_KIND_ENUM, PARAM_KIND_SIZE, PARAM_KIND_TEXT };

struct param_info {
	const char *name;
	enum param_kind kind;
	const char *def;
	const char *choices; /* of an enum */
	const char *unit; /* of a size */
	const char *doc;
	uint64_t min, max; /* of a size, in units */
	uint16_t offset; /* in struct params */
	bool live; /* may change at run time */
};

extern const struct param_info param_infos[];
extern const size_t nr_params;

/*
 * params_parse() - set @params from @text, "k=v,k=v"; NULL or "" is fine.
 * Unknown keys and bad values are reported once on standard error and leave
 * the default. "help" prints the table.
 */
void params_parse(const char *text);

/*
 * params_get() - the value of an option as text that params_set() takes.
 * @ret_len: the length of the whole text; @buf gets what fits, and a NUL.
 * params_set() - change an option that may change at run time.
 * Return: 0; -ENOENT, -EPERM (it may not), -EINVAL (no such value).
 */
MUST_CHECK int params_get(const char *name, char *buf, size_t size,
			  size_t *ret_len);
MUST_CHECK int params_set(const char *name, const char *value);

/* Print all options with default, choices and meaning to standard error. */
void params_help(void);

#endif
