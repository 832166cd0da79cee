/* SPDX-License-Identifier: MIT */
/*
 * server_missing.c - takes the place of server.c in builds without its library.
 */
#include <unistd.h>

#include "server.h"

enum tool_status serve(int fd, web_page_fn *make_page,
		       void (*ready)(const void *arg), void *arg)
{
	(void)make_page;
	(void)ready;
	(void)arg;
	close(fd);
	complain("built without libmicrohttpd "
		 "(libmicrohttpd-dev), it cannot serve");
	return TOOL_FAILED;
}
