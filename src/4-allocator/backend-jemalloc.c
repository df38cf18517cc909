/* SPDX-License-Identifier: MIT */
/*
 * backend-jemalloc.c: jemalloc, where the machine has it.
 *
 * Its malloc() is faster than its mallocx(): a fifth of an allocation.
 */
#include "4-allocator/backend.h"
#include "4-allocator/found.h"

static struct {
	void *(*malloc)(size_t size);
	void *(*mallocx)(size_t size, int flags);
	void *(*rallocx)(void *ptr, size_t size, int flags);
	void (*sdallocx)(void *ptr, size_t size, int flags);
	void (*free)(void *ptr);
	int (*mallctl)(const char *name, void *old, size_t *old_size, void *new,
		       size_t new_size);
} je;

/* MALLOCX_ZERO of jemalloc(3). */
enum { JE_ZERO = 0x40 };

/* MALLOCX_ALIGN() of jemalloc(3): the logarithm; 0 means malloc's alignment. */
static int je_flags(size_t alignment)
{
	return alignment <= PORTER_ALIGNMENT ? 0 : __builtin_ctzl(alignment);
}

/*
 * jemalloc's sizes must not be 0; and without the flag a block of up to 8 bytes
 * is aligned to 8 only. From 16 bytes on all its blocks are aligned to 16.
 */
static size_t je_size(size_t size, size_t alignment)
{
	size_t least = alignment <= PORTER_ALIGNMENT ? alignment : 1;

	return size < least ? least : size;
}

static void *je_allocate_with(size_t size, size_t alignment, int flags)
{
	void *block = je.mallocx(je_size(size, alignment),
				 je_flags(alignment) | flags);

	if (!block)
		errno = ENOMEM;
	return block;
}

/* What jemalloc's own malloc is where that cannot be told for certain. */
static void *je_malloc(size_t size)
{
	return je.mallocx(size, 0);
}

static void *je_allocate(porter_allocator *self, size_t size, size_t alignment)
{
	void *block;

	(void)self;
	if (alignment > PORTER_ALIGNMENT)
		return je_allocate_with(size, alignment, 0);
	block = je.malloc(je_size(size, alignment));
	if (!block)
		errno = ENOMEM;
	return block;
}

static void *je_allocate_zeroed(porter_allocator *self, size_t size,
				size_t alignment)
{
	(void)self;
	return je_allocate_with(size, alignment, JE_ZERO);
}

static void *je_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			   size_t new_size, size_t alignment)
{
	void *block = je.rallocx(ptr, je_size(new_size, alignment),
				 je_flags(alignment));

	(void)self;
	(void)old_size;
	if (!block)
		errno = ENOMEM;
	return block;
}

static void je_free(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self;
	je.sdallocx(ptr, je_size(size, alignment), je_flags(alignment));
}

static void je_release_unused(porter_allocator *self)
{
	(void)self;
	/* 4096 is MALLCTL_ARENAS_ALL. */
	je.mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
}

static const struct porter_allocator_vtable je_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "jemalloc",
	.allocate = je_allocate,
	.reallocate = je_reallocate,
	.free = je_free,
	.release_unused = je_release_unused,
	.allocate_zeroed = je_allocate_zeroed,
};

porter_allocator porter__je = { .vtable = NULL };
struct direct porter__je_direct;

static void *malloc_aligned(size_t size)
{
	return je.malloc(je_size(size, PORTER_ALIGNMENT));
}

static struct search search = SEARCH_INIT;

static void look_up(void)
{
	void *library;

	search_begin(&search);
	library = porter__find_library("mallocx", "libjemalloc.so.2");
	if (porter__find_beside(library, "malloc", &je.malloc, "mallocx") &&
	    porter__find_beside(library, "free", &je.free, "mallocx"))
		porter__je_direct = (struct direct){ malloc_aligned, je.free };
	else
		je.malloc = je_malloc;
	if (porter__find(library, "mallocx", &je.mallocx) &&
	    porter__find(library, "rallocx", &je.rallocx) &&
	    porter__find(library, "sdallocx", &je.sdallocx) &&
	    porter__find(library, "mallctl", &je.mallctl))
		porter__je.vtable = &je_vtable;
	search_end(&search);
}

porter_allocator *porter__jemalloc(void)
{
	return porter__find_once(&search, look_up, &porter__je);
}
