/* SPDX-License-Identifier: MIT */
/*
 * whatis.c - "pagoda whatis": what addresses of a process are.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "parse.h"
#include "place.h"

struct request {
	bool json;
	pid_t pid;
	const char *core; /* NULL: a process */
	char **addresses;
	int nr;
};

static const char *const kind_names[] = {
	[PLACE_OUTSIDE] = "not of the library",
	[PLACE_OWN] = "the library's own data",
	[PLACE_BOOT] = "boot arena",
	[PLACE_MMAP] = "mapping that is looked after",
	[PLACE_PAGER] = "mapping with a pager",
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

static const char *const state_names[] = {
	[OBJECT_ALLOCATED] = "allocated",
	[OBJECT_MAYBE] = "allocated, or free in the barn",
	[OBJECT_IN_SHEAF] = "free, in the cache of CPU slot",
	[OBJECT_IN_BARN] = "free, in the barn",
	[OBJECT_IN_SLAB] = "free, in its slab",
};

/* --- as text --- */

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
	if (p->state == OBJECT_IN_SHEAF)
		printf("%-9s%s %" PRIu32 "\n", "state:",
		       state_names[p->state], p->cpu);
	else
		print_line("state:", state_names[p->state]);
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

/* --- as JSON --- */

/* Numbers in JSON may have 53 bits only. */
static void show_address(struct json *j, const char *name, uint64_t addr)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	json_string(j, name, text);
}

static void show_slab(struct json *j, const struct place *p)
{
	json_text(j, "cache", p->cache->name, CACHE_NAME_LEN);
	show_address(j, "slab", p->slab);
	json_number(j, "objects_per_slab", p->cache->objs_per_slab);
	json_number(j, "free_in_slab", p->slab_free);
	if (p->kind == PLACE_OBJECT)
		json_number(j, "number", p->index);
}

static void show_place(struct json *j, uint64_t addr, const struct place *p)
{
	json_open(j, NULL, '{');
	show_address(j, "address", addr);
	json_string(j, "is", kind_names[p->kind]);
	if (p->zone) {
		json_number(j, "node", p->zone->node);
		json_text(j, "zone", p->zone->name, sizeof(p->zone->name));
	}
	if (p->cache)
		show_slab(j, p);
	if (p->size) {
		show_address(j, "start", p->start);
		json_number(j, "offset", addr - p->start);
		json_number(j, "size", p->size);
	}
	if (p->kind == PLACE_OBJECT) {
		json_string(j, "state", state_names[p->state]);
		if (p->state == OBJECT_IN_SHEAF)
			json_number(j, "cpu", p->cpu);
	}
	json_close(j, '}');
}

/* --- the command --- */

static bool parse_address(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 16);
	return !errno && !*end && end != text && text[0] != '-' &&
	       text[0] != ' ';
}

static enum target_status show_places(struct target *t,
				      const struct layout *layout,
				      const struct request *r)
{
	struct json j = { 0 };

	if (r->json)
		json_open(&j, NULL, '[');
	for (int i = 0; i < r->nr; i++) {
		struct place place;
		uint64_t addr = 0;
		int err;

		parse_address(r->addresses[i], &addr);
		err = place_find(t, layout, addr, &place);
		if (err)
			return target_status_of(t, -err);
		if (r->json) {
			show_place(&j, addr, &place);
		} else {
			if (i)
				putchar('\n');
			print_place(addr, &place);
		}
	}
	if (r->json)
		json_close(&j, ']');
	return TARGET_OK;
}

static enum tool_status look_up(const struct request *r)
{
	struct target *t = target_new();
	struct layout layout;
	enum target_status found;
	enum tool_status status;

	if (!t)
		return TOOL_FAILED;
	found = r->core ? target_read_core(t, r->core) :
			  target_read(t, r->pid);
	if (found == TARGET_OK)
		found = layout_find(t, &layout);
	if (found == TARGET_OK)
		found = show_places(t, &layout, r);
	status = explain_target(t, r->core, found);
	target_close(t);
	free(t);
	return status;
}

/* [PID] ADDRESS... */
static enum tool_status parse_and_look(const struct command *self,
				       struct request *r, int argc,
				       char **argv)
{
	uint64_t addr;

	if (!r->core) {
		enum tool_status status = first_pid(self, argc, argv, &r->pid);

		if (status != TOOL_OK)
			return status;
		argc--;
		argv++;
	}
	if (argc < 1)
		return usage_error(self, "whatis: which address?");
	for (int i = 0; i < argc; i++)
		if (!parse_address(argv[i], &addr))
			return usage_error(self,
					   "whatis: '%s' is not an address",
					   argv[i]);
	r->addresses = argv;
	r->nr = argc;
	return look_up(r);
}

static enum tool_status run(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "core", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct request r = { 0 };
	int option;

	while ((option = next_option(self, argc, argv, "+:c:jh", options)) !=
	       -1) {
		if (option == 'c')
			r.core = optarg;
		else if (option == 'j')
			r.json = true;
		else
			return option == 'h' ? TOOL_OK : TOOL_USAGE;
	}
	return parse_and_look(self, &r, argc - optind, argv + optind);
}

static void help(void)
{
	puts("  -j, --json       print JSON\n"
	     "  -c, --core FILE  look into a core file instead of a process\n"
	     "  -h, --help       this text");
}

const struct command whatis_command = {
	.name = "whatis",
	.synopsis = "[--json] PID ADDRESS... | --core CORE ADDRESS...",
	.summary = "Says what addresses (hexadecimal) of a process are: the "
		   "object or block around each, and whether it is allocated. "
		   "A core file can take the place of the process.",
	.run = run,
	.help = help,
};
