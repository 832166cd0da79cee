/* SPDX-License-Identifier: MIT */
/*
 * A plugin as programs load them: it allocates in its constructor, frees in its
 * destructor, has thread-local data that the loader allocates, and exchanges
 * blocks with whoever loaded it (see dlopen.c).
 */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TLS_SIZE = 3000 };
static __thread char tls[TLS_SIZE];
static void *kept[8];

__attribute__((constructor)) static void start(void)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		kept[i] = malloc((size_t)10 << 2 * i);
		if (!kept[i])
			abort();
		memset(kept[i], 1, (size_t)10 << 2 * i);
	}
}

__attribute__((destructor)) static void end(void)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		free(kept[i]);
}

static char *print(int value)
{
	char *text = NULL;

	return asprintf(&text, "value %d", value) < 0 ? NULL : text;
}

static char *line(int fd)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fdopen(fd, "r");

	if (!file || getline(&text, &size, file) < 0)
		return NULL;
	fclose(file);
	return text;
}

static int use_tls(void)
{
	memset(tls, 1, sizeof(tls));
	return tls[TLS_SIZE - 1];
}

__attribute__((visibility("default"))) const struct plugin plugin = {
	.allocate = malloc,
	.resize = realloc,
	.release = free,
	.copy = strdup,
	.print = print,
	.line = line,
	.tls = use_tls,
};
