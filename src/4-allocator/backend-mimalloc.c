/* SPDX-License-Identifier: MIT */
/*
 * backend-mimalloc.c: mimalloc, where the machine has it.
 *
 * Its functions without an alignment are the faster ones, and align to 16 from 16
 * bytes on.
 */
#include "4-allocator/backend.h"
#include "4-allocator/found.h"

static struct {
	void *(*malloc)(size_t size);
	void *(*zalloc)(size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void *(*malloc_aligned)(size_t size, size_t alignment);
	void *(*zalloc_aligned)(size_t size, size_t alignment);
	void *(*realloc_aligned)(void *ptr, size_t size, size_t alignment);
	void (*free)(void *ptr);
	void (*collect)(bool force);
} mi;

/* Without an alignment a block of up to 8 bytes is aligned to 8 only. */
static size_t mi_size(size_t size, size_t alignment)
{
	return size < alignment ? alignment : size;
}

static void *or_no_memory(void *block)
{
	if (!block)
		errno = ENOMEM;
	return block;
}

static void *mi_allocate(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self;
	return or_no_memory(alignment > PORTER_ALIGNMENT ?
				    mi.malloc_aligned(size, alignment) :
				    mi.malloc(mi_size(size, alignment)));
}

static void *mi_allocate_zeroed(porter_allocator *self, size_t size,
				size_t alignment)
{
	(void)self;
	return or_no_memory(alignment > PORTER_ALIGNMENT ?
				    mi.zalloc_aligned(size, alignment) :
				    mi.zalloc(mi_size(size, alignment)));
}

static void *mi_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			   size_t new_size, size_t alignment)
{
	(void)self;
	(void)old_size;
	return or_no_memory(
		alignment > PORTER_ALIGNMENT ?
			mi.realloc_aligned(ptr, new_size, alignment) :
			mi.realloc(ptr, mi_size(new_size, alignment)));
}

static void mi_free(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self;
	(void)size;
	(void)alignment;
	mi.free(ptr);
}

static void mi_release_unused(porter_allocator *self)
{
	(void)self;
	mi.collect(true);
}

static const struct porter_allocator_vtable mi_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "mimalloc",
	.allocate = mi_allocate,
	.reallocate = mi_reallocate,
	.free = mi_free,
	.release_unused = mi_release_unused,
	.allocate_zeroed = mi_allocate_zeroed,
};

porter_allocator porter__mi = { .vtable = NULL };
struct direct porter__mi_direct;

static void *malloc_aligned(size_t size)
{
	return mi.malloc(mi_size(size, PORTER_ALIGNMENT));
}

static struct search search = SEARCH_INIT;

static void look_up(void)
{
	void *library;

	search_begin(&search);
	library = porter__find_library("mi_malloc_aligned", "libmimalloc.so.2");
	if (porter__find(library, "mi_malloc", &mi.malloc) &&
	    porter__find(library, "mi_zalloc", &mi.zalloc) &&
	    porter__find(library, "mi_realloc", &mi.realloc) &&
	    porter__find(library, "mi_malloc_aligned", &mi.malloc_aligned) &&
	    porter__find(library, "mi_zalloc_aligned", &mi.zalloc_aligned) &&
	    porter__find(library, "mi_realloc_aligned", &mi.realloc_aligned) &&
	    porter__find(library, "mi_free", &mi.free) &&
	    porter__find(library, "mi_collect", &mi.collect)) {
		porter__mi.vtable = &mi_vtable;
		porter__mi_direct = (struct direct){ malloc_aligned, mi.free };
	}
	search_end(&search);
}

porter_allocator *porter__mimalloc(void)
{
	return porter__find_once(&search, look_up, &porter__mi);
}
