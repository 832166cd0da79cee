/* SPDX-License-Identifier: MIT */
/*
 * params.h - run-time options, from PAGODA_OPTIONS="key=value,key=value".
 * Written once by params_parse() while the allocator starts; constant after.
 */
#ifndef PAGODA_BASE_PARAMS_H
#define PAGODA_BASE_PARAMS_H

#include "base/compiler.h"

enum { PARAM_TEXT_LEN = 256 };

struct params {
#define PARAM_ENUM(name, def, choices, doc) unsigned int name;
#define PARAM_SIZE(name, def, lo, hi, unit, doc) uint64_t name;
#define PARAM_TEXT(name, def, doc) char name[PARAM_TEXT_LEN];
#include "base/params.def"
#undef PARAM_ENUM
#undef PARAM_SIZE
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
};

extern const struct param_info param_infos[];
extern const size_t nr_params;

/*
 * params_parse() - set @params from @text, "k=v,k=v"; NULL or "" is fine.
 * Unknown keys and bad values are reported once on standard error and leave
 * the default. "help" prints the table.
 */
void params_parse(const char *text);

/* Print all options with default, choices and meaning to standard error. */
void params_help(void);

#endif
