/* SPDX-License-Identifier: MIT */
/*
 * A program of someone else's that is linked with Pagoda, and so has it as its
 * malloc, without LD_PRELOAD.
 *
 *	foreign VERSION
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagoda/kmem.h>
#include <pagoda/mempool.h>

struct thing {
	struct thing *self;
};

static void construct(void *obj)
{
	struct thing *t = obj;

	t->self = t;
}

/* NULL: all is well. */
static const char *use(void)
{
	struct pagoda_kmem_cache *things = pagoda_kmem_cache_create(
		"thing", sizeof(struct thing), 0, 0, construct);
	struct pagoda_mempool *pool;
	struct thing *t;

	if (!things)
		return "no cache";
	pool = pagoda_mempool_create_slab_pool(3, things);
	if (!pool)
		return "no pool";
	t = pagoda_mempool_alloc(pool, PAGODA_GFP_KERNEL);
	if (t->self != t)
		return "not constructed";
	pagoda_mempool_free(t, pool);
	pagoda_mempool_destroy(pool);
	return pagoda_kmem_cache_destroy(things) ? "not destroyed" : NULL;
}

static const char *whose_malloc(void)
{
	Dl_info info;
	const char *name;

	if (!dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info))
		return "unknown";
	name = strrchr(info.dli_fname, '/');
	return name ? name + 1 : info.dli_fname;
}

int main(int argc, char **argv)
{
	const char *wrong = NULL;

	if (getenv("LD_PRELOAD"))
		wrong = "LD_PRELOAD is set";
	else if (!pagoda_available())
		wrong = "not available";
	else if (argc < 2 || strcmp(argv[1], pagoda_version()))
		wrong = pagoda_version();
	else if (strncmp(whose_malloc(), "libpagoda.so", 12))
		wrong = whose_malloc();
	else
		wrong = use();
	if (!wrong)
		return 0;
	fprintf(stderr, "foreign: %s\n", wrong);
	return 1;
}
