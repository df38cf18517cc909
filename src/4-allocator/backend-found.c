/* SPDX-License-Identifier: MIT */
/*
 * backend-found.c: jemalloc and mimalloc, where the machine has them.
 *
 * Found at run time, so that the library is linked with neither: first among
 * what the program has loaded, then as a shared library, opened without
 * putting its malloc in front of the program's.
 */
#include "4-allocator/backend.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* ---- Finding ---- */

/*
 * Function pointers from dlsym(), which ISO C knows as data pointers only.
 * RTLD_DEFAULT is NULL: where no library was found, this finds nothing.
 */
static bool find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static void *look_up_library(const char *symbol, const char *file)
{
	void *unused;

	if (find(RTLD_DEFAULT, symbol, &unused))
		return RTLD_DEFAULT;
	/* Never closed: its blocks may live as long as the process. */
	return dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

/* ---- jemalloc ---- */

static struct {
	void *(*mallocx)(size_t size, int flags);
	void *(*rallocx)(void *ptr, size_t size, int flags);
	void (*sdallocx)(void *ptr, size_t size, int flags);
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

static void *je_allocate(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self;
	return je_allocate_with(size, alignment, 0);
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

static porter_allocator jemalloc = { .vtable = NULL };

static void look_up_jemalloc(void)
{
	void *library = look_up_library("mallocx", "libjemalloc.so.2");

	if (find(library, "mallocx", &je.mallocx) &&
	    find(library, "rallocx", &je.rallocx) &&
	    find(library, "sdallocx", &je.sdallocx) &&
	    find(library, "mallctl", &je.mallctl))
		jemalloc.vtable = &je_vtable;
}

porter_allocator *porter__jemalloc(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look_up_jemalloc);
	return jemalloc.vtable ? &jemalloc : NULL;
}

/* ---- mimalloc ---- */

static struct {
	void *(*malloc_aligned)(size_t size, size_t alignment);
	void *(*zalloc_aligned)(size_t size, size_t alignment);
	void *(*realloc_aligned)(void *ptr, size_t size, size_t alignment);
	void (*free)(void *ptr);
	void (*collect)(bool force);
} mi;

static void *mi_allocate(porter_allocator *self, size_t size, size_t alignment)
{
	void *block = mi.malloc_aligned(size, alignment);

	(void)self;
	if (!block)
		errno = ENOMEM;
	return block;
}

static void *mi_allocate_zeroed(porter_allocator *self, size_t size,
				size_t alignment)
{
	void *block = mi.zalloc_aligned(size, alignment);

	(void)self;
	if (!block)
		errno = ENOMEM;
	return block;
}

static void *mi_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			   size_t new_size, size_t alignment)
{
	void *block = mi.realloc_aligned(ptr, new_size, alignment);

	(void)self;
	(void)old_size;
	if (!block)
		errno = ENOMEM;
	return block;
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

static porter_allocator mimalloc = { .vtable = NULL };

static void look_up_mimalloc(void)
{
	void *library =
		look_up_library("mi_malloc_aligned", "libmimalloc.so.2");

	if (find(library, "mi_malloc_aligned", &mi.malloc_aligned) &&
	    find(library, "mi_zalloc_aligned", &mi.zalloc_aligned) &&
	    find(library, "mi_realloc_aligned", &mi.realloc_aligned) &&
	    find(library, "mi_free", &mi.free) &&
	    find(library, "mi_collect", &mi.collect))
		mimalloc.vtable = &mi_vtable;
}

porter_allocator *porter__mimalloc(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look_up_mimalloc);
	return mimalloc.vtable ? &mimalloc : NULL;
}
