/* SPDX-License-Identifier: MIT */
/*
 * allocator.c: the symbols of the inline functions of allocator.h, what they
 * call when a rule is broken, and the backends by name.
 */
#include "3-allocator/tracked.h"

#include <portermem/version.h>

#include <string.h>

extern inline void *porter_allocate(porter_allocator *a, size_t size);
extern inline void *porter_reallocate(porter_allocator *a, void *ptr,
				      size_t old_size, size_t new_size);
extern inline void porter_free(porter_allocator *a, void *ptr, size_t size);
extern inline void *porter_allocate_aligned(porter_allocator *a, size_t size,
					    size_t alignment);
extern inline void *porter_reallocate_aligned(porter_allocator *a, void *ptr,
					      size_t old_size, size_t new_size,
					      size_t alignment);
extern inline void porter_free_aligned(porter_allocator *a, void *ptr,
				       size_t size, size_t alignment);

void *porter_refuse(porter_allocator *a, int error)
{
	porter_tracked *t = porter_tracked_cast(a);

	if (t)
		porter__tracked_failed(t);
	errno = error;
	return NULL;
}

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

const char *porter_version_string(void)
{
	return PORTER_VERSION_STRING;
}
