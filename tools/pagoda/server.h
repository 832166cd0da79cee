/* SPDX-License-Identifier: MIT */
/*
 * server.h - a web server for pages that are made when somebody asks for them.
 */
#ifndef PAGODA_TOOL_SERVER_H
#define PAGODA_TOOL_SERVER_H

#include "tool.h"

struct web_page {
	const char *type; /* its Content-Type */
	char *text; /* allocated; the server frees it */
	size_t len;
};

/*
 * Makes the page at @path for a client with this header Accept (or NULL). `text`
 * stays NULL if memory ran out. Return: false if there is no such page.
 */
typedef bool web_page_fn(const char *path, const char *accept,
			 struct web_page *ret, void *arg);

/*
 * serve() - answer requests at the listening socket @fd until SIGINT or SIGTERM
 * comes. @ready is called when it begins.
 */
enum tool_status serve(int fd, web_page_fn *make_page,
		       void (*ready)(const void *arg), void *arg);

#endif
