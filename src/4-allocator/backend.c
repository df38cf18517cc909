/* SPDX-License-Identifier: MIT */
/*
 * backend.c: the backends by name.
 */
#include "4-allocator/backend.h"

#include <string.h>

porter_allocator *porter_backend(const char *name)
{
	if (!name) {
		errno = EINVAL;
		return NULL;
	}
	if (strcmp(name, "system") == 0)
		return &porter__system;
	if (strcmp(name, "jemalloc") == 0)
		return porter__jemalloc();
	if (strcmp(name, "mimalloc") == 0)
		return porter__mimalloc();
	errno = ENOENT;
	return NULL;
}
