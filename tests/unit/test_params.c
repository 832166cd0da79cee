/* SPDX-License-Identifier: MIT */
/*
 * test_params.c - PAGODA_OPTIONS: every option of the table has its default,
 * takes what its kind allows, keeps its value when it is given nonsense, and
 * says so once on standard error; "help" shows them all.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/params.h"
#include "os_fake.h"

/* What the library wrote while it parsed @text. */
static const char *parse(const char *text)
{
	os_fake_keep_stderr(true);
	params_parse(text);
	return os_fake_stderr();
}

static const struct param_info *info_of(const char *name)
{
	for (size_t i = 0; i < nr_params; i++)
		if (!strcmp(param_infos[i].name, name))
			return &param_infos[i];
	fail_msg("no option %s", name);
	return NULL;
}

static uint64_t size_value(const struct param_info *p)
{
	uint64_t v;

	memcpy(&v, (const char *)&params + p->offset, sizeof(v));
	return v;
}

static unsigned int enum_value(const struct param_info *p)
{
	unsigned int v;

	memcpy(&v, (const char *)&params + p->offset, sizeof(v));
	return v;
}

static const char *text_value(const struct param_info *p)
{
	return (const char *)&params + p->offset;
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Every option is what the table says, before and after an empty text. */
static void check_defaults(void)
{
	for (size_t i = 0; i < nr_params; i++) {
		const struct param_info *p = &param_infos[i];
		uint64_t def;

		switch (p->kind) {
		case PARAM_KIND_ENUM:
			assert_int_equal(enum_value(p), 0);
			/* Zero is the first of the choices. */
			assert_memory_equal(p->choices, p->def, strlen(p->def));
			break;
		case PARAM_KIND_SIZE:
			assert_true(fmt_parse_size(p->def, strlen(p->def),
						   &def));
			assert_int_equal(size_value(p), def);
			assert_true(def >= p->min && def <= p->max);
			break;
		case PARAM_KIND_TEXT:
			assert_string_equal(text_value(p), p->def);
			break;
		}
	}
}

static void test_defaults(void **state)
{
	(void)state;
	check_defaults();
	assert_string_equal(parse(NULL), "");
	assert_string_equal(parse(""), "");
	assert_string_equal(parse(",,,"), "");
	check_defaults();
}

static void test_names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_params; i++) {
		assert_true(strlen(param_infos[i].name) > 0);
		assert_true(strlen(param_infos[i].doc) > 10);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(param_infos[i].name,
						param_infos[j].name);
	}
}

static void check_enum(const struct param_info *p)
{
	unsigned int index = 0;
	char item[512];

	for (const char *c = p->choices; *c; index++) {
		size_t len = strcspn(c, "|");

		snprintf(item, sizeof(item), "%s=%.*s", p->name, (int)len, c);
		assert_string_equal(parse(item), "");
		assert_int_equal(enum_value(p), index);
		c += len + (c[len] == '|');
	}
	assert_true(index > 1);
	/* A prefix of a choice is none. */
	snprintf(item, sizeof(item), "%s=%.*s", p->name,
		 (int)strcspn(p->choices, "|") - 1, p->choices);
	assert_int_equal(count_lines(parse(item)), 1);
	assert_int_equal(enum_value(p), index - 1);
}

static void check_size(const struct param_info *p)
{
	uint64_t values[] = { p->min, p->max, (p->min + p->max) / 2 };
	char item[128];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(item, sizeof(item), "%s=%lu", p->name,
			 (unsigned long)values[i]);
		assert_string_equal(parse(item), "");
		assert_int_equal(size_value(p), values[i]);
	}
	snprintf(item, sizeof(item), "%s=%lu", p->name,
		 (unsigned long)p->max + 1);
	assert_int_equal(count_lines(parse(item)), 1);
	if (p->min) {
		snprintf(item, sizeof(item), "%s=%lu", p->name,
			 (unsigned long)p->min - 1);
		assert_int_equal(count_lines(parse(item)), 1);
	}
	assert_int_equal(size_value(p), values[2]);
}

static void check_text(const struct param_info *p)
{
	char item[2 * PARAM_TEXT_LEN], value[PARAM_TEXT_LEN];

	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	snprintf(item, sizeof(item), "%s=%s", p->name, value);
	assert_string_equal(parse(item), "");
	assert_string_equal(text_value(p), value);
	/* One more does not fit. */
	snprintf(item, sizeof(item), "%s=%sx", p->name, value);
	assert_int_equal(count_lines(parse(item)), 1);
	assert_string_equal(text_value(p), value);
	/* A value may hold what separates a key from it. */
	snprintf(item, sizeof(item), "%s=a=b", p->name);
	assert_string_equal(parse(item), "");
	assert_string_equal(text_value(p), "a=b");
	snprintf(item, sizeof(item), "%s=", p->name);
	assert_string_equal(parse(item), "");
	assert_string_equal(text_value(p), "");
}

static void test_every_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_params; i++) {
		const struct param_info *p = &param_infos[i];

		if (p->kind == PARAM_KIND_ENUM)
			check_enum(p);
		else if (p->kind == PARAM_KIND_SIZE)
			check_size(p);
		else
			check_text(p);
	}
}

static void test_units(void **state)
{
	const struct param_info *kib = info_of("percpu_budget");
	const struct param_info *mib = info_of("span");
	const struct param_info *ms = info_of("decay_ms");

	(void)state;
	assert_string_equal(parse("percpu_budget=64"), "");
	assert_int_equal(size_value(kib), 64);
	assert_string_equal(parse("percpu_budget=128k"), "");
	assert_int_equal(size_value(kib), 128);
	assert_string_equal(parse("percpu_budget=2M"), "");
	assert_int_equal(size_value(kib), 2048);
	assert_string_equal(parse("percpu_budget=0x20"), "");
	assert_int_equal(size_value(kib), 32);
	assert_string_equal(parse("span=3g"), "");
	assert_int_equal(size_value(mib), 3072);
	/* Milliseconds have no k. */
	assert_int_equal(count_lines(parse("decay_ms=1k")), 1);
	assert_int_equal(size_value(ms), 2000);
}

static void test_nonsense(void **state)
{
	static const char *const bad[] = {
		"nosuch=1",    "nosuch",	 "percpu",
		"percpu=",     "percpu=Lock",	 "percpu=lock ",
		"decay_ms",    "decay_ms=",	 "decay_ms=x",
		"decay_ms=-1", "decay_ms=1e3",	 "=lock",
		"percpu =lock", "help=1",	 "decay_ms=99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *said = parse(bad[i]);

		if (count_lines(said) != 1)
			fail_msg("'%s': said '%s'", bad[i], said);
		assert_memory_equal(said, "pagoda: PAGODA_OPTIONS: ", 24);
		check_defaults();
	}
	/* One line each, and the good ones count all the same. */
	assert_int_equal(count_lines(parse("x=1,percpu=lock,y=2,decay_ms=z")),
			 3);
	assert_int_equal(params.percpu, PERCPU_LOCK);
	assert_int_equal(params.decay_ms, 2000);
}

static void test_last_one_counts(void **state)
{
	(void)state;
	assert_string_equal(parse("percpu=lock,decay_ms=5,percpu=rseq,"), "");
	assert_int_equal(params.percpu, PERCPU_RSEQ);
	assert_int_equal(params.decay_ms, 5);
}

static void test_help(void **state)
{
	static char text[65536];

	(void)state;
	snprintf(text, sizeof(text), "%s", parse("help"));
	for (size_t i = 0; i < nr_params; i++) {
		const struct param_info *p = &param_infos[i];
		char line[512];

		snprintf(line, sizeof(line), "%s=%s", p->name, p->def);
		assert_non_null(strstr(text, line));
		assert_non_null(strstr(text, p->doc));
	}
	check_defaults();
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_last_one_counts),
		cmocka_unit_test(test_help),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
