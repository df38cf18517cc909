/* SPDX-License-Identifier: MIT */
/*
 * early.c: blocks are cut off a stretch of pages, one after the other, and never
 * used again. They are few, and in one thread: the others wait for what it looks
 * for.
 */
#include "4-allocator/early.h"

#include "0-machine/platform.h"
#include "4-allocator/vtable.h"

#include <string.h>

/* Pages that nobody touches cost nothing. */
enum { PAGES_SIZE = 16 * 1024 * 1024 };

static struct {
	char *pages; /* or NULL: nobody has asked */
	size_t used;
	porter_allocator *next; /* or NULL: not found yet */
} early;

static bool is_early(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)early.pages < PAGES_SIZE;
}

static void *cut_off(size_t size, size_t alignment)
{
	size_t begin;

	if (!early.pages)
		early.pages = porter__map_pages(PAGES_SIZE);
	begin = (early.used + alignment - 1) & ~(alignment - 1);
	if (!early.pages || begin >= PAGES_SIZE || size >= PAGES_SIZE - begin) {
		errno = ENOMEM;
		return NULL;
	}
	/* At least a byte, so that each has an address of its own. */
	early.used = begin + size + (size == 0);
	return early.pages + begin;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self;
	return early.next ? early.next->vtable->allocate(early.next, size,
							 alignment) :
			    cut_off(size, alignment);
}

static void *allocate_zeroed(porter_allocator *self, size_t size,
			     size_t alignment)
{
	(void)self;
	return early.next ?
		       porter__allocate_zeroed(early.next, size, alignment) :
		       cut_off(size, alignment);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	void *block;

	if (!is_early(ptr))
		return early.next->vtable->reallocate(early.next, ptr, old_size,
						      new_size, alignment);
	block = allocate(self, new_size, alignment);
	if (block)
		memcpy(block, ptr, old_size < new_size ? old_size : new_size);
	return block;
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self;
	if (!is_early(ptr))
		early.next->vtable->free(early.next, ptr, size, alignment);
}

static void release_unused(porter_allocator *self)
{
	(void)self;
	if (early.next)
		porter_release_unused(early.next);
}

static struct porter_allocator_vtable vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "early",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
	.release_unused = release_unused,
	.allocate_zeroed = allocate_zeroed,
};

porter_allocator porter__early = { .vtable = &vtable };

bool porter__early_was_asked(void)
{
	return early.pages;
}

void porter__early_goes_on_with(porter_allocator *found)
{
	early.next = found;
	vtable.name = found->vtable->name;
}
