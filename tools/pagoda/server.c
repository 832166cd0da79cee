/* SPDX-License-Identifier: MIT */
/*
 * server.c - see server.h. HTTP is libmicrohttpd's, in one thread: it reads and
 * writes what it can without waiting, so clients wait for nobody but the maker
 * of pages.
 *
 * A connection is good for one request and for CLIENT_SECONDS. When too many are
 * open the oldest is cut, so that a client that holds many of them cannot keep
 * others out.
 *
 * The library brings TLS and ten more libraries along, so it is loaded when it
 * is needed: other commands start faster, and work where it is not installed.
 */
#include "server.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define LIBRARY "libmicrohttpd.so.12"

enum {
	CLIENT_SECONDS = 30,
	MOST_CLIENTS = 64,
	/* Beyond them none is accepted until those that were cut are gone. */
	CONNECTION_LIMIT = MOST_CLIENTS + 32,
};

/* --- the library --- */

#define FUNCTIONS(X)                   \
	X(start_daemon)                \
	X(stop_daemon)                 \
	X(run)                         \
	X(get_timeout)                 \
	X(get_daemon_info)             \
	X(get_connection_info)         \
	X(lookup_connection_value)     \
	X(create_response_from_buffer) \
	X(add_response_header)         \
	X(queue_response)              \
	X(destroy_response)

static struct {
#define FUNCTION(name) __typeof__(MHD_##name) *name;
	FUNCTIONS(FUNCTION)
#undef FUNCTION
} mhd;

static bool load_function(void *library, const char *name, void *ret)
{
	void *found = dlsym(library, name);

	memcpy(ret, &found, sizeof(found));
	return found != NULL;
}

static bool load_library(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool complete = library != NULL;

#define FUNCTION(name) \
	complete = complete && \
		   load_function(library, "MHD_" #name, &mhd.name);
	FUNCTIONS(FUNCTION)
#undef FUNCTION
	if (!complete)
		complain("serving needs libmicrohttpd (the package "
			 "libmicrohttpd12): %s", dlerror());
	return complete;
}

/* --- clients --- */

struct client {
	int fd;
	uint64_t since; /* ms; 0: this place is free */
	bool cut;
};

struct server {
	struct MHD_Daemon *daemon;
	web_page_fn *make_page;
	void *arg;
	struct client clients[CONNECTION_LIMIT];
	unsigned int nr_clients; /* that are not cut */
};

static struct client *oldest_client(struct server *s)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(s->clients); i++) {
		struct client *c = &s->clients[i];

		if (c->since && !c->cut &&
		    (!oldest || c->since < oldest->since))
			oldest = c;
	}
	return oldest;
}

/* The library notices that there is no more to read, and forgets it. */
static void cut(struct server *s, struct client *c)
{
	shutdown(c->fd, SHUT_RDWR);
	c->cut = true;
	s->nr_clients--;
}

static void add_client(struct server *s, int fd, void **ret_client)
{
	struct client *c = s->clients;

	if (s->nr_clients == MOST_CLIENTS)
		cut(s, oldest_client(s));
	while (c->since)
		c++;
	*c = (struct client){ .fd = fd, .since = now_ms() };
	*ret_client = c;
	s->nr_clients++;
}

static void on_connection(void *arg, struct MHD_Connection *connection,
			  void **client, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = arg;
	struct client *c = *client;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = mhd.get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		add_client(s, info->connect_fd, client);
	} else if (c) {
		s->nr_clients -= !c->cut;
		c->since = 0;
	}
}

/* Return: ms until the next one's time is over, or -1. */
static int cut_late_clients(struct server *s)
{
	uint64_t now = now_ms();
	struct client *c;

	while ((c = oldest_client(s)) &&
	       now - c->since >= CLIENT_SECONDS * 1000)
		cut(s, c);
	return c ? (int)(c->since + CLIENT_SECONDS * 1000 - now) : -1;
}

/* --- requests --- */

static enum MHD_Result reply(struct MHD_Connection *connection,
			     unsigned int status, const struct web_page *page,
			     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = mhd.create_response_from_buffer(
		page->len, page->text, mode);
	enum MHD_Result done;

	if (!r)
		return MHD_NO;
	mhd.add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
	mhd.add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		mhd.add_response_header(r, MHD_HTTP_HEADER_ALLOW,
					MHD_HTTP_METHOD_GET
					", " MHD_HTTP_METHOD_HEAD);
	done = mhd.queue_response(connection, status, r);
	mhd.destroy_response(r);
	return done;
}

static enum MHD_Result refuse(struct MHD_Connection *connection,
			      unsigned int status)
{
	static char texts[][32] = { "no such page\n", "GET or HEAD\n",
				    "out of memory\n" };
	char *text = status == MHD_HTTP_NOT_FOUND	   ? texts[0] :
		     status == MHD_HTTP_METHOD_NOT_ALLOWED ? texts[1] :
							     texts[2];
	struct web_page page = {
		.type = "text/plain; charset=utf-8",
		.text = text,
		.len = strlen(text),
	};

	return reply(connection, status, &page, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	struct server *s = arg;
	struct web_page page = { 0 };
	const char *accept;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
	accept = mhd.lookup_connection_value(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_ACCEPT);
	if (!s->make_page(path, accept, &page, s->arg))
		return refuse(connection, MHD_HTTP_NOT_FOUND);
	if (!page.text)
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR);
	return reply(connection, MHD_HTTP_OK, &page, MHD_RESPMEM_MUST_FREE);
}

/* --- the loop --- */

/* Return: a descriptor that is readable when the command should end. */
static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int poll_timeout(struct server *s)
{
	int timeout = cut_late_clients(s);
	MHD_UNSIGNED_LONG_LONG library_ms;

	if (mhd.get_timeout(s->daemon, &library_ms) == MHD_YES &&
	    (timeout < 0 || library_ms < (unsigned int)timeout))
		timeout = (int)library_ms;
	return timeout;
}

static enum tool_status loop(struct server *s, int signals)
{
	const union MHD_DaemonInfo *info = mhd.get_daemon_info(
		s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {
		{ .fd = info->epoll_fd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (poll(fds, ARRAY_SIZE(fds), poll_timeout(s)) >= 0) {
		if (fds[1].revents)
			return TOOL_OK;
		if (mhd.run(s->daemon) != MHD_YES)
			break;
	}
	complain("cannot serve any longer: %s", strerror(errno));
	return TOOL_FAILED;
}

static enum tool_status serve_with(struct server *s, int fd, int signals,
				   void (*ready)(const void *arg))
{
	enum tool_status status;

	s->daemon = mhd.start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTION_LIMIT,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_END);
	if (!s->daemon) {
		complain("cannot start libmicrohttpd");
		close(fd);
		return TOOL_FAILED;
	}
	ready(s->arg);
	status = loop(s, signals);
	mhd.stop_daemon(s->daemon); /* closes the socket */
	return status;
}

enum tool_status serve(int fd, web_page_fn *make_page,
		       void (*ready)(const void *arg), void *arg)
{
	static struct server server;
	enum tool_status status = TOOL_FAILED;
	int signals = catch_signals();

	server = (struct server){ .make_page = make_page, .arg = arg };
	if (signals < 0) {
		complain("cannot wait for signals: %s", strerror(errno));
		close(fd);
		return TOOL_FAILED;
	}
	if (load_library())
		status = serve_with(&server, fd, signals, ready);
	else
		close(fd);
	close(signals);
	return status;
}
