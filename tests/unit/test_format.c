/* SPDX-License-Identifier: MIT */
/*
 * test_format.c - base/format.c says what libc's snprintf says, for every
 * conversion, flag, width, precision and buffer size the two have in common;
 * fmt_parse_size() takes whole numbers that fit, and nothing else; a seq_file
 * neither loses nor repeats a byte whatever the size of its buffer.
 */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/format.h"

enum { GUARD = 0x5a };

/* Both buffers, at every size: same length, same text, nothing behind it. */
static void compare(const char *format, const char *want, size_t want_len,
		    size_t (*print)(char *buf, size_t size, const char *format,
				    const void *arg),
		    const void *arg)
{
	char got[256];

	for (size_t size = 0; size < want_len + 3; size++) {
		size_t len;

		memset(got, GUARD, sizeof(got));
		len = print(got, size, format, arg);
		if (len != want_len)
			fail_msg("'%s': length %zu, not %zu", format, len,
				 want_len);
		if (size) {
			size_t n = min_size(size - 1, want_len);

			if (memcmp(got, want, n) || got[n])
				fail_msg("'%s' in %zu bytes: '%s', not '%s'",
					 format, size, got, want);
			size = max_size(size, n + 1);
		}
		for (size_t i = size; i < sizeof(got); i++)
			assert_int_equal(got[i], GUARD);
	}
}

#define DEFINE_PRINT(name, type)                                           \
	static size_t print_##name(char *buf, size_t size,                 \
				   const char *format, const void *arg)    \
	{                                                                  \
		return fmt_snprintf(buf, size, format, *(const type *)arg); \
	}
DEFINE_PRINT(int, int)
DEFINE_PRINT(long, long)
DEFINE_PRINT(text, char *const)
DEFINE_PRINT(pointer, void *const)

static const char *const widths[] = { "", "1", "2", "5", "12", "30" };

/* Formats are put together at run time. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void test_integers(void **state)
{
	static const long values[] = {
		0,	1,	  -1,	      9,	-10,
		12345,	-98765,	  INT_MAX,    INT_MIN,	LONG_MAX,
		LONG_MIN, 0xabcdef, 0x80000000, 0xffffffff,
	};
	static const char *const flags[] = { "",   "-",  "0",	"-0",
					     "0-", "#", "#0", "-#" };
	static const char *const kinds[] = { "d",  "i",	 "u",  "x",  "ld", "li",
					     "lu", "lx", "zu", "zx", "llu", "lld" };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
			for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
				for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
					bool wide = kinds[k][1];
					int narrow = (int)values[v];
					char format[32], want[128];
					int len;

					/* '#' means something for x only. */
					if (strchr(flags[f], '#') &&
					    !strchr(kinds[k], 'x'))
						continue;
					snprintf(format, sizeof(format),
						 "<%%%s%s%s>", flags[f],
						 widths[w], kinds[k]);
					len = wide ? snprintf(want, sizeof(want),
							      format, values[v]) :
						     snprintf(want, sizeof(want),
							      format, narrow);
					if (wide)
						compare(format, want, (size_t)len,
							print_long, &values[v]);
					else
						compare(format, want, (size_t)len,
							print_int, &narrow);
				}
}

static void test_texts(void **state)
{
	static const char *const texts[] = { "", "a", "pagoda",
					     "a text longer than the width" };
	static const char *const precisions[] = { "", ".", ".0", ".1", ".6",
						  ".100" };

	(void)state;
	for (int left = 0; left < 2; left++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
					char format[32], want[128];
					int len;

					snprintf(format, sizeof(format),
						 "[%%%s%s%ss]", left ? "-" : "",
						 widths[w], precisions[p]);
					len = snprintf(want, sizeof(want), format,
						       texts[t]);
					compare(format, want, (size_t)len,
						print_text, &texts[t]);
				}
}

static void test_chars_and_pointers(void **state)
{
	static void *const pointers[] = { (void *)1, (void *)0x7fff12345678,
					  (void *)UINTPTR_MAX };

	(void)state;
	for (int left = 0; left < 2; left++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
			char format[32], want[128];
			int c = 'x', len;

			snprintf(format, sizeof(format), "%%%s%sc",
				 left ? "-" : "", widths[w]);
			len = snprintf(want, sizeof(want), format, c);
			compare(format, want, (size_t)len, print_int, &c);
			for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
				snprintf(format, sizeof(format), "%%%s%sp",
					 left ? "-" : "", widths[w]);
				len = snprintf(want, sizeof(want), format,
					       pointers[i]);
				compare(format, want, (size_t)len,
					print_pointer, &pointers[i]);
			}
		}
}

static void test_stars_and_the_rest(void **state)
{
	/* Volatile: the compiler knows that printf does not take null. */
	const char *volatile null = NULL;
	char got[64], want[64];

	(void)state;
	fmt_snprintf(got, sizeof(got), "%*d|%-*d|%*s|%.*s|%.*s", 6, 42, 6, 42,
		     -6, "ab", 3, "abcdef", -1, "abcdef");
	snprintf(want, sizeof(want), "%*d|%-*d|%*s|%.*s|%.*s", 6, 42, 6, 42, -6,
		 "ab", 3, "abcdef", -1, "abcdef");
	assert_string_equal(got, want);
	fmt_snprintf(got, sizeof(got), "100%% %s %u", "of", 7u);
	assert_string_equal(got, "100% of 7");
	fmt_snprintf(got, sizeof(got), "%s", null);
	assert_string_equal(got, "(null)");
	fmt_snprintf(got, sizeof(got), "%p", NULL);
	assert_string_equal(got, "0x0");
	/* An unfinished conversion ends the text. */
	memcpy(want, "abc%", 5);
	fmt_snprintf(got, sizeof(got), want, 0);
	assert_string_equal(got, "abc");
	assert_int_equal(fmt_snprintf(NULL, 0, "%d", 12345), 5);
	/* A text without its NUL, as far as the precision goes. */
	memcpy(want, "xyz", 3);
	fmt_snprintf(got, sizeof(got), "%.*s", 3, want);
	assert_string_equal(got, "xyz");
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "007", 7 },
		{ "4096", 4096 },
		{ "64k", 65536 },
		{ "64K", 65536 },
		{ "2m", 2 << 20 },
		{ "2M", 2 << 20 },
		{ "1g", 1 << 30 },
		{ "3G", 3ull << 30 },
		{ "1t", 1ull << 40 },
		{ "1T", 1ull << 40 },
		{ "0x10", 16 },
		{ "0XfF", 255 },
		{ "0x10k", 16384 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "16777215T", 16777215ull << 40 },
	};
	static const char *const bad[] = {
		"",	"k",   "x",    "0x",   "0xg",	"-1",
		"+1",	" 1",  "1 ",   "1kk",  "1b",	"1k1",
		"12ab", "1.5", "0x1p", "18446744073709551616",
		"0x10000000000000000", "16777216T", "18014398509481984k",
		"99999999999999999999999",
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		v = ~good[i].value;
		assert_true(fmt_parse_size(good[i].text, strlen(good[i].text),
					   &v));
		assert_int_equal(v, good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		v = 4711;
		if (fmt_parse_size(bad[i], strlen(bad[i]), &v))
			fail_msg("'%s' was taken for %lu", bad[i],
				 (unsigned long)v);
		assert_int_equal(v, 4711);
	}
	/* Only the given length counts. */
	assert_true(fmt_parse_size("123,456", 3, &v));
	assert_int_equal(v, 123);
}

/* --- seq_file --- */

static char collected[65536];
static size_t collected_len;

static void collect(struct seq_file *m)
{
	assert_true(m->len <= m->size);
	assert_true(collected_len + m->len <= sizeof(collected));
	memcpy(collected + collected_len, m->buf, m->len);
	collected_len += m->len;
}

static void write_lines(struct seq_file *m)
{
	for (int i = 0; i < 100; i++) {
		seq_printf(m, "%-10s %5d", "line", i);
		seq_puts(m, i % 2 ? " odd\n" : " even\n");
	}
	seq_write(m, "end", 3);
}

static void test_seq_file(void **state)
{
	static char whole[65536], buf[4096];
	struct seq_file all = { .buf = whole, .size = sizeof(whole) };

	(void)state;
	write_lines(&all);
	assert_int_equal(all.lost, 0);
	for (size_t size = 1; size <= sizeof(buf); size += size / 3 + 1) {
		struct seq_file m = {
			.buf = buf,
			.size = size,
			.flush = collect,
		};

		collected_len = 0;
		write_lines(&m);
		collect(&m);
		assert_int_equal(collected_len, all.len);
		assert_memory_equal(collected, whole, all.len);

		/* Nobody takes it: the beginning stays, the rest is counted. */
		m = (struct seq_file){ .buf = buf, .size = size };
		write_lines(&m);
		assert_int_equal(m.len + m.lost, all.len);
		assert_memory_equal(buf, whole, m.len);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_chars_and_pointers),
		cmocka_unit_test(test_stars_and_the_rest),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_seq_file),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
