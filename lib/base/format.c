/* SPDX-License-Identifier: MIT */
/*
 * format.c - printf-like formatting and number parsing without libc.
 */
#include "base/format.h"

#include <string.h>

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void out_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void out_pad(struct out *o, char c, size_t n)
{
	while (n--)
		out_char(o, c);
}

struct spec {
	bool left, zero, alt;
	size_t width;
	size_t precision;
};

static void out_text(struct out *o, const struct spec *s, const char *text,
		     size_t len)
{
	size_t pad = s->width > len ? s->width - len : 0;

	if (!s->left)
		out_pad(o, ' ', pad);
	for (size_t i = 0; i < len; i++)
		out_char(o, text[i]);
	if (s->left)
		out_pad(o, ' ', pad);
}

static void out_number(struct out *o, const struct spec *s, uint64_t v,
		       unsigned int base, const char *prefix)
{
	char digits[24];
	size_t n = sizeof(digits);
	size_t prefix_len = strlen(prefix);

	do {
		digits[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);

	size_t len = sizeof(digits) - n;
	size_t pad = s->width > len + prefix_len ?
			     s->width - len - prefix_len : 0;

	if (!s->left && !s->zero)
		out_pad(o, ' ', pad);
	while (*prefix)
		out_char(o, *prefix++);
	if (!s->left && s->zero)
		out_pad(o, '0', pad);
	for (size_t i = 0; i < len; i++)
		out_char(o, digits[n + i]);
	if (s->left)
		out_pad(o, ' ', pad);
}

static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '#')
			s->alt = true;
		else
			break;
	}
	if (*f == '*') {
		int width = va_arg(*args, int);

		s->left |= width < 0;
		s->width = (size_t)(width < 0 ? -(long)width : width);
		f++;
	}
	while (*f >= '0' && *f <= '9')
		s->width = s->width * 10 + (size_t)(*f++ - '0');
	s->precision = SIZE_MAX;
	if (*f == '.') {
		f++;
		s->precision = 0;
		if (*f == '*') {
			s->precision = (size_t)va_arg(*args, int);
			f++;
		}
		while (*f >= '0' && *f <= '9')
			s->precision = s->precision * 10 + (size_t)(*f++ - '0');
	}
	return f;
}

static void out_conversion(struct out *o, char conv, const struct spec *s,
			   bool wide, va_list *args)
{
	const char *text;
	int64_t sv;
	uint64_t uv;
	char c;

	switch (conv) {
	case 'c':
		c = (char)va_arg(*args, int);
		out_text(o, s, &c, 1);
		break;
	case 's':
		text = va_arg(*args, const char *);
		if (!text)
			text = "(null)";
		out_text(o, s, text, strnlen(text, s->precision));
		break;
	case 'd':
	case 'i':
		sv = wide ? va_arg(*args, long) : va_arg(*args, int);
		uv = sv < 0 ? -(uint64_t)sv : (uint64_t)sv;
		out_number(o, s, uv, 10, sv < 0 ? "-" : "");
		break;
	case 'u':
	case 'x':
		uv = wide ? va_arg(*args, unsigned long) :
			    va_arg(*args, unsigned int);
		out_number(o, s, uv, conv == 'u' ? 10 : 16,
			   s->alt && conv == 'x' && uv ? "0x" : "");
		break;
	case 'p':
		out_number(o, s, (uintptr_t)va_arg(*args, void *), 16, "0x");
		break;
	default:
		out_char(o, conv);
		break;
	}
}

size_t fmt_vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct out o = { .buf = buf, .size = size };
	va_list ap;

	va_copy(ap, args);
	for (const char *f = format; *f; f++) {
		struct spec s = { 0 };
		bool wide = false;

		if (*f != '%') {
			out_char(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &s, &ap);
		for (; *f == 'l' || *f == 'z'; f++)
			wide = true;
		if (!*f)
			break;
		out_conversion(&o, *f, &s, wide, &ap);
	}
	va_end(ap);
	if (size)
		buf[min_size(o.len, size - 1)] = '\0';
	return o.len;
}

size_t fmt_snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static unsigned int unit_shift(char c)
{
	switch (c | 0x20) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	case 't':
		return 40;
	default:
		return 0;
	}
}

bool fmt_parse_size(const char *text, size_t len, uint64_t *ret_value)
{
	uint64_t v = 0;
	uint64_t base = 10;
	size_t i = 0;

	if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		i = 2;
	}
	if (i == len)
		return false;

	size_t first = i;

	for (; i < len; i++) {
		uint64_t d = (uint64_t)digit_value(text[i]);

		if (d >= base)
			break;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	if (i == first)
		return false;
	if (i < len) {
		unsigned int shift = unit_shift(text[i]);

		if (!shift || i + 1 != len || (v << shift) >> shift != v)
			return false;
		v <<= shift;
	}
	*ret_value = v;
	return true;
}

void seq_write(struct seq_file *m, const char *text, size_t len)
{
	while (len) {
		size_t room = m->size - m->len;
		size_t n = min_size(room, len);

		memcpy(m->buf + m->len, text, n);
		m->len += n;
		text += n;
		len -= n;
		if (!len)
			return;
		if (!m->flush) {
			m->lost += len;
			return;
		}
		m->flush(m);
		m->len = 0;
	}
}

void seq_puts(struct seq_file *m, const char *text)
{
	seq_write(m, text, strlen(text));
}

void seq_printf(struct seq_file *m, const char *format, ...)
{
	char line[256];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	seq_write(m, line, min_size(len, sizeof(line) - 1));
}
