/* SPDX-License-Identifier: MIT */
/*
 * listener.c - see listener.h.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool parse_port(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	*ret = htons((uint16_t)port);
	return text[0] >= '0' && text[0] <= '9' && !*end && port <= UINT16_MAX;
}

static bool parse_host(const char *host, union endpoint *ret)
{
	size_t len = strlen(host);
	char inner[INET6_ADDRSTRLEN];

	memset(ret, 0, sizeof(*ret));
	if (host[0] != '[') {
		ret->v4.sin_family = AF_INET;
		return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
	}
	if (len < 2 || len > sizeof(inner) || host[len - 1] != ']')
		return false;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	ret->v6.sin6_family = AF_INET6;
	return inet_pton(AF_INET6, inner, &ret->v6.sin6_addr) == 1;
}

bool parse_endpoint(const char *text, union endpoint *ret)
{
	const char *colon = strrchr(text, ':');
	char host[ENDPOINT_LEN] = "127.0.0.1";
	in_port_t port;

	if (colon) {
		size_t len = (size_t)(colon - text);

		if (len >= sizeof(host))
			return false;
		memcpy(host, text, len);
		host[len] = '\0';
	}
	if (!parse_port(colon ? colon + 1 : text, &port) ||
	    !parse_host(host, ret))
		return false;
	if (ret->any.sa_family == AF_INET)
		ret->v4.sin_port = port;
	else
		ret->v6.sin6_port = port;
	return true;
}

bool is_loopback(const union endpoint *e)
{
	if (e->any.sa_family == AF_INET)
		return ntohl(e->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&e->v6.sin6_addr);
}

static socklen_t endpoint_size(const union endpoint *e)
{
	return e->any.sa_family == AF_INET ? sizeof(e->v4) : sizeof(e->v6);
}

int listen_at(union endpoint *e)
{
	socklen_t len = sizeof(*e);
	int yes = 1;
	int fd = socket(e->any.sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	/* Connections of an exporter that has ended are not in the way. */
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) &&
	    !bind(fd, &e->any, endpoint_size(e)) && !listen(fd, SOMAXCONN) &&
	    !getsockname(fd, &e->any, &len))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

void endpoint_text(const union endpoint *e, char buf[ENDPOINT_LEN])
{
	char host[INET6_ADDRSTRLEN];
	bool v4 = e->any.sa_family == AF_INET;

	if (v4)
		inet_ntop(AF_INET, &e->v4.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &e->v6.sin6_addr, host, sizeof(host));
	snprintf(buf, ENDPOINT_LEN, v4 ? "%s:%u" : "[%s]:%u", host,
		 ntohs(v4 ? e->v4.sin_port : e->v6.sin6_port));
}
