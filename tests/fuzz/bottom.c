/* SPDX-License-Identifier: MIT */
/*
 * bottom.c: the allocator at the bottom; see bottom.h.
 */
#include "bottom.h"
#include "fuzz.h"

#include <errno.h>

bool bottom_fails;
size_t bottom_blocks;

static void *from_bottom(void *block, size_t size, size_t alignment)
{
	CHECK(size <= PTRDIFF_MAX);
	CHECK(alignment && (alignment & (alignment - 1)) == 0);
	if (block)
		bottom_blocks++;
	else
		errno = ENOMEM;
	return block;
}

static void *bottom_allocate(porter_allocator *self, size_t size,
			     size_t alignment)
{
	porter_allocator *system = porter_backend("system");

	(void)self;
	return from_bottom(bottom_fails ? NULL :
					  system->vtable->allocate(system, size,
								   alignment),
			   size, alignment);
}

static void *bottom_allocate_zeroed(porter_allocator *self, size_t size,
				    size_t alignment)
{
	porter_allocator *system = porter_backend("system");

	(void)self;
	return from_bottom(bottom_fails ? NULL :
					  system->vtable->allocate_zeroed(
						  system, size, alignment),
			   size, alignment);
}

static void *bottom_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	porter_allocator *system = porter_backend("system");

	(void)self;
	CHECK(ptr && new_size && new_size <= PTRDIFF_MAX);
	CHECK(alignment && (alignment & (alignment - 1)) == 0);
	if (bottom_fails) {
		errno = ENOMEM;
		return NULL;
	}
	return system->vtable->reallocate(system, ptr, old_size, new_size,
					  alignment);
}

static void bottom_free(porter_allocator *self, void *ptr, size_t size,
			size_t alignment)
{
	porter_allocator *system = porter_backend("system");

	(void)self;
	CHECK(ptr && bottom_blocks > 0);
	bottom_blocks--;
	system->vtable->free(system, ptr, size, alignment);
}

static const struct porter_allocator_vtable bottom_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "bottom",
	.allocate = bottom_allocate,
	.reallocate = bottom_reallocate,
	.free = bottom_free,
	.allocate_zeroed = bottom_allocate_zeroed,
};

porter_allocator bottom = { .vtable = &bottom_vtable };
