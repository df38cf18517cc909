/* SPDX-License-Identifier: MIT */
/*
 * vtable.c: looking into a table that may be of another version.
 */
#include "4-allocator/vtable.h"

/* A table may end after free: release_unused may be NULL or not there. */
#define HAS(vtable, member)                                                   \
	((vtable)->size >= offsetof(struct porter_allocator_vtable, member) + \
				   sizeof((vtable)->member) &&                \
	 (vtable)->member)

bool porter__is_allocator(const porter_allocator *a)
{
	const struct porter_allocator_vtable *v = a->vtable;

	return v && HAS(v, allocate) && HAS(v, reallocate) && HAS(v, free);
}

void porter_release_unused(porter_allocator *a)
{
	if (HAS(a->vtable, release_unused))
		a->vtable->release_unused(a);
}
