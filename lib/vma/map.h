/* SPDX-License-Identifier: MIT */
/*
 * map.h - mappings with pagers of the program's own: what include/pagoda/map.h
 * promises, without errno.
 */
#ifndef PAGODA_VMA_MAP_H
#define PAGODA_VMA_MAP_H

#include <pagoda/map.h>

#include "base/compiler.h"

MUST_CHECK int vm_map(size_t size, const struct pagoda_vm_operations *ops,
		      void *private_data, unsigned int flags, void **ret_addr);
MUST_CHECK int vm_unmap(void *addr, size_t size);

/* Quiet mode: no thread is started, vm_map() is refused. Once, by start-up. */
void pager_forbid(void);

/* munmap(): the same if @addr is in the pager's window; 1: it is not. */
MUST_CHECK int vm_unmap_if_ours(void *addr, size_t size);

/*
 * Around a fork: the child must find the areas consistent; it starts without any.
 * mm_fork_prepare() returns false if the caller is in the middle of a change
 * itself; then the others are not to be called.
 */
MUST_CHECK bool mm_fork_prepare(void);
void mm_fork_parent(void);
void mm_fork_child(void);

#endif
