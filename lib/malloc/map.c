/* SPDX-License-Identifier: MIT */
/* map.c - the functions of include/pagoda/map.h. */
#include <pagoda/map.h>

#include "malloc/internal.h"
#include "vma/map.h"

EXPORT void *pagoda_map(size_t size, const struct pagoda_vm_operations *ops,
			void *private_data, unsigned int flags)
{
	void *addr = NULL;
	int err = malloc_start() ?
			  vm_map(size, ops, private_data, flags, &addr) :
			  -EAGAIN;

	if (err)
		errno = -err;
	return addr;
}

EXPORT int pagoda_unmap(void *addr, size_t size)
{
	int err = vm_unmap(addr, size);

	if (!err)
		return 0;
	errno = -err;
	return -1;
}
