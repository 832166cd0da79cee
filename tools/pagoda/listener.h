/* SPDX-License-Identifier: MIT */
/*
 * listener.h - addresses like 127.0.0.1:80 and [::1]:80, and sockets that listen
 * there.
 */
#ifndef PAGODA_TOOL_LISTENER_H
#define PAGODA_TOOL_LISTENER_H

#include <netinet/in.h>

#include "base/compiler.h"

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Longest: "[" IPv6 address "]:65535" */
enum { ENDPOINT_LEN = INET6_ADDRSTRLEN + 9 };

/* Numbers only; a port alone is one of 127.0.0.1. */
bool parse_endpoint(const char *text, union endpoint *ret);

/* Can only this machine reach it? */
bool is_loopback(const union endpoint *e);

/*
 * listen_at() - @e becomes what the socket is bound to: port 0 asks for any that
 * is free. Return: the socket, which does not block, or -errno.
 */
int listen_at(union endpoint *e);

void endpoint_text(const union endpoint *e, char buf[ENDPOINT_LEN]);

#endif
