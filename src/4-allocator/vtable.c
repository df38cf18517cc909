/* SPDX-License-Identifier: MIT */
/*
 * vtable.c: looking into a table that may be of another version.
 */
#include "4-allocator/vtable.h"

#include <string.h>

/* A table may end after free: what comes later may be NULL or not there. */
#define HAS(vtable, member)                                                   \
	((vtable)->size >= offsetof(struct porter_allocator_vtable, member) + \
				   sizeof((vtable)->member) &&                \
	 (vtable)->member)

bool porter__is_allocator(const porter_allocator *a)
{
	const struct porter_allocator_vtable *v = a->vtable;

	return v && HAS(v, allocate) && HAS(v, reallocate) && HAS(v, free);
}

void *porter__allocate_zeroed(porter_allocator *a, size_t size,
			      size_t alignment)
{
	void *block;

	if (HAS(a->vtable, allocate_zeroed))
		return a->vtable->allocate_zeroed(a, size, alignment);
	block = a->vtable->allocate(a, size, alignment);
	return block ? memset(block, 0, size) : NULL;
}

void porter_release_unused(porter_allocator *a)
{
	if (HAS(a->vtable, release_unused))
		a->vtable->release_unused(a);
}
