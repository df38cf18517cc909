/* SPDX-License-Identifier: MIT */
/*
 * backend.c: the backends by name.
 */
#include "4-allocator/backend.h"

#include "4-allocator/early.h"

#include <string.h>

bool porter__is_backend(const porter_allocator *a)
{
	return a == &porter__system || a == &porter__early ||
	       a == &porter__je || a == &porter__mi;
}

struct direct porter__direct(const porter_allocator *a)
{
	if (a == &porter__system)
		return porter__system_direct();
	if (a == &porter__je)
		return porter__je_direct;
	if (a == &porter__mi)
		return porter__mi_direct;
	return (struct direct){ NULL, NULL };
}

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
