/* SPDX-License-Identifier: MIT */
/*
 * nested.c: an allocator that comes back to the program; see nested.h.
 *
 * malloc and its relatives are wrapped by the linker, in the library as well.
 */
#include "nested.h"

#include <string.h>

bool (*nested_visit)(size_t size);

static bool visit(size_t size)
{
	bool good = !nested_visit || nested_visit(size);

	if (!good)
		errno = ENOMEM;
	return good;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void __real_free(void *ptr);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void __wrap_free(void *ptr);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	return visit(size) ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return visit(count * size) ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *ptr, size_t size)
{
	return visit(size) ? __real_realloc(ptr, size) : NULL;
}

void __wrap_free(void *ptr)
{
	if (!ptr)
		return;
	visit(0);
	__real_free(ptr);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return visit(size) ? __real_aligned_alloc(alignment, size) : NULL;
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
	return visit(size) ? __real_posix_memalign(out, alignment, size) :
			     ENOMEM;
}

/* ---- The same as a table ---- */

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	void *block = NULL;

	(void)self;
	if (!visit(size))
		return NULL;
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	return __real_posix_memalign(&block, alignment, size) ? NULL : block;
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self;
	(void)size;
	(void)alignment;
	visit(0);
	__real_free(ptr);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	void *block = allocate(self, new_size, alignment);

	if (!block)
		return NULL;
	memcpy(block, ptr, old_size < new_size ? old_size : new_size);
	__real_free(ptr);
	return block;
}

static const struct porter_allocator_vtable table = {
	.size = sizeof(table),
	.name = "nested",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
};

static porter_allocator over_table = { .vtable = &table };

porter_allocator *nested_over(bool over_malloc)
{
	return over_malloc ? NULL : &over_table;
}
