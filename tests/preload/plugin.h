/* SPDX-License-Identifier: MIT */
/* What plugin.c offers to dlopen.c, found by dlsym("plugin"). */
#ifndef PRELOAD_PLUGIN_H
#define PRELOAD_PLUGIN_H

#include <stddef.h>

struct plugin {
	void *(*allocate)(size_t n);	    /* malloc */
	void *(*resize)(void *p, size_t n); /* realloc */
	void (*release)(void *p);	    /* free */
	char *(*copy)(const char *text);    /* strdup: libc allocates */
	char *(*print)(int value);	    /* "value N", by asprintf */
	char *(*line)(int fd);		    /* the first line, by getline */
	int (*tls)(void); /* touches thread-local data of the plugin */
};

#endif
