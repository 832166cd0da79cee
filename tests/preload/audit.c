/* SPDX-License-Identifier: MIT */
/*
 * The smallest LD_AUDIT module. Its presence alone gives the program a second
 * namespace with a libc of its own and makes the loader resolve symbols by
 * other ways.
 */
#include <link.h>

__attribute__((visibility("default"))) unsigned int la_version(unsigned int v)
{
	return v;
}

__attribute__((visibility("default"))) unsigned int
la_objopen(struct link_map *map, Lmid_t id, uintptr_t *cookie)
{
	(void)map;
	(void)id;
	(void)cookie;
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
