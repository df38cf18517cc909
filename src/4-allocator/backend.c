/* SPDX-License-Identifier: MIT */
/*
 * backend.c: the backends by name.
 */
#include "4-allocator/backend.h"

#include <string.h>

porter_allocator *porter_backend(const char *name)
{
	porter_allocator *a = NULL;

	if (!name) {
		errno = EINVAL;
		return NULL;
	}
	if (strcmp(name, "system") == 0)
		a = &porter__system;
	else if (strcmp(name, "jemalloc") == 0)
		a = porter__jemalloc();
	else if (strcmp(name, "mimalloc") == 0)
		a = porter__mimalloc();
	if (!a)
		errno = ENOENT;
	return a;
}
