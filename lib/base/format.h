/* SPDX-License-Identifier: MIT */
/*
 * format.h - formatting without libc: libc's may allocate, take locks and read
 * the locale. Safe in any context; never changes errno.
 */
#ifndef PAGODA_BASE_FORMAT_H
#define PAGODA_BASE_FORMAT_H

#include <stdarg.h>

#include "base/compiler.h"

/*
 * fmt_vsnprintf() - vsnprintf() for %c %s %d %i %u %x %p %%.
 * Length modifiers l, ll, z; flags '-', '0' and '#'; width and precision as
 * digits or '*' (precision for %s only). A null %s is written as "(null)".
 *
 * Return: the length the whole text would have, without the NUL.
 */
size_t fmt_vsnprintf(char *buf, size_t size, const char *format, va_list args)
	PRINTF(3, 0);
size_t fmt_snprintf(char *buf, size_t size, const char *format, ...)
	PRINTF(3, 4);

/*
 * fmt_parse_size() - read "123", "64k", "2M", "1g", "0x10" (units of 1,024).
 * Return: whether all of @text was one number that fits.
 */
bool fmt_parse_size(const char *text, size_t len, uint64_t *ret_value);

/* A text that grows in a buffer and is handed on when the buffer is full. */
struct seq_file {
	char *buf;
	size_t size;
	size_t len;
	/* Takes the text so far; NULL: what does not fit is counted only. */
	void (*flush)(struct seq_file *m);
	void *private;
	size_t lost;
};

void seq_write(struct seq_file *m, const char *text, size_t len);
void seq_puts(struct seq_file *m, const char *text);
void seq_printf(struct seq_file *m, const char *format, ...) PRINTF(2, 3);

#endif
