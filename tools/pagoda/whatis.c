/* SPDX-License-Identifier: MIT */
/*
 * whatis.c - "pagoda whatis": what addresses of a process are.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

static const char *const kind_names[] = {
	[PLACE_OUTSIDE] = "not of the library",
	[PLACE_BOOT] = "boot arena",
	[PLACE_RESERVED] = "reserved, not ready for use",
	[PLACE_FREE] = "free pages",
	[PLACE_PCP] = "free pages kept by a CPU",
	[PLACE_OBJECT] = "object",
	[PLACE_GAP] = "gap in a slab",
	[PLACE_LARGE] = "large block",
	[PLACE_CACHED] = "freed large block kept by a CPU",
	[PLACE_AREA] = "vmalloc area",
	[PLACE_AREA_ROOM] = "room of a vmalloc area",
	[PLACE_AREA_FREE] = "free vmalloc space",
	[PLACE_CHANGING] = "changing",
};

static void print_line(const char *key, const char *value)
{
	printf("%-9s%s\n", key, value);
}

static void print_address(const char *key, uint64_t addr)
{
	printf("%-9s0x%" PRIx64 "\n", key, addr);
}

static void print_number(const char *key, uint64_t value)
{
	printf("%-9s%" PRIu64 "\n", key, value);
}

static void print_state(const struct place *p)
{
	switch (p->state) {
	case OBJECT_ALLOCATED:
		print_line("state:", "allocated");
		break;
	case OBJECT_MAYBE:
		print_line("state:", "allocated, or free in the barn");
		break;
	case OBJECT_IN_SHEAF:
		printf("%-9sfree, in the cache of CPU slot %" PRIu32 "\n",
		       "state:", p->cpu);
		break;
	case OBJECT_IN_SLAB:
		print_line("state:", "free, in its slab");
		break;
	}
}

static void print_slab(const struct place *p)
{
	printf("%-9s%.*s\n", "cache:", CACHE_NAME_LEN, p->cache->name);
	printf("%-9s0x%" PRIx64 ", %u objects, %" PRIu32 " free in it\n",
	       "slab:", p->slab, p->cache->objs_per_slab, p->slab_free);
	if (p->kind == PLACE_OBJECT)
		print_number("number:", p->index);
}

static void print_place(uint64_t addr, const struct place *p)
{
	print_address("address:", addr);
	print_line("is:", kind_names[p->kind]);
	if (p->zone)
		printf("%-9snode %u, %.*s\n", "zone:", p->zone->node,
		       (int)sizeof(p->zone->name), p->zone->name);
	if (p->cache)
		print_slab(p);
	if (p->size) {
		print_address("start:", p->start);
		print_number("offset:", addr - p->start);
		print_number("size:", p->size);
	}
	if (p->kind == PLACE_OBJECT)
		print_state(p);
}

static bool parse_address(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 16);
	return !errno && !*end && end != text && text[0] != '-' &&
	       text[0] != ' ';
}

static enum tool_status show_addresses(struct target *t, char **texts, int nr)
{
	struct layout layout;
	enum target_status found = layout_find(t, &layout);

	for (int i = 0; i < nr && found == TARGET_OK; i++) {
		struct place place;
		uint64_t addr = 0;
		int err;

		parse_address(texts[i], &addr);
		err = place_find(t, &layout, addr, &place);
		if (err) {
			found = target_status_of(t, -err);
		} else {
			if (i)
				putchar('\n');
			print_place(addr, &place);
		}
	}
	return explain_target(t, NULL, found);
}

static enum tool_status look_up(pid_t pid, char **texts, int nr)
{
	struct target *t = target_new();
	enum target_status found;
	enum tool_status status;

	if (!t)
		return TOOL_FAILED;
	found = target_read(t, pid);
	status = found == TARGET_OK ? show_addresses(t, texts, nr) :
				      explain_target(t, NULL, found);
	free(t);
	return status;
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option = next_option(self, argc, argv, "+:h", options);
	uint64_t addr;
	pid_t pid;

	if (option != -1)
		return option == 'h' ? TOOL_OK : TOOL_USAGE;
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return usage_error(self, "whatis: which process?");
	if (!parse_pid(argv[0], &pid))
		return usage_error(self, "whatis: '%s' is not a process id",
				   argv[0]);
	if (argc < 2)
		return usage_error(self, "whatis: which address?");
	for (int i = 1; i < argc; i++)
		if (!parse_address(argv[i], &addr))
			return usage_error(self,
					   "whatis: '%s' is not an address",
					   argv[i]);
	return look_up(pid, argv + 1, argc - 1);
}

const struct command whatis_command = {
	.name = "whatis",
	.synopsis = "PID ADDRESS...",
	.summary = "Says what addresses (hexadecimal) of a process are: the "
		   "object or block around each, and whether it is allocated.",
	.run = run,
};
