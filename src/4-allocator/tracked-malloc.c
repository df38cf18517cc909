/* SPDX-License-Identifier: MIT */
/*
 * tracked-malloc.c: blocks that remember their size.
 *
 *	|  size  |........| what the program got ... |
 *	 `-- header: PORTER_ALIGNMENT bytes
 *
 * The size stands right before the block, on the line that the C library's
 * own header is on and that its free will read anyway; and it is the size
 * asked for, where malloc_usable_size() would give a rounded one.
 */
#include "4-allocator/tracked.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = PORTER_ALIGNMENT };

static void *block_of(char *base, size_t size)
{
	*(size_t *)(void *)base = size;
	return base + HEADER;
}

static char *base_of(const void *ptr)
{
	return (char *)(uintptr_t)ptr - HEADER;
}

static size_t size_of(const void *ptr)
{
	return *(const size_t *)(const void *)base_of(ptr);
}

static bool too_large(size_t size)
{
	return unlikely(size > (size_t)PTRDIFF_MAX - HEADER);
}

static SEPARATE void *malloc_over(porter_tracked *t, size_t size)
{
	porter_allocator *a = t->underlying;
	char *base;

	if (too_large(size))
		return porter__tracked_failed(t);
	if (unlikely(centre_of(t))) {
		base = porter__centred_allocate(t, HEADER, size,
						PORTER_ALIGNMENT);
		return base ? block_of(base, size) : NULL;
	}
	base = a->vtable->allocate(a, HEADER + size, PORTER_ALIGNMENT);
	if (!base)
		return porter__tracked_failed(t);
	charge(t, size);
	return block_of(base, size);
}

static SLOW_PATH void *malloced_without_cell(porter_tracked *t, char *base,
					     size_t size)
{
	if (!base)
		return porter__tracked_failed(t);
	charge(t, size);
	return block_of(base, size);
}

static SEPARATE void mfree_over(porter_tracked *t, void *ptr)
{
	porter_allocator *a = t->underlying;
	size_t size = size_of(ptr);

	if (unlikely(centre_of(t))) {
		porter__centred_free(t, HEADER, base_of(ptr), size,
				     PORTER_ALIGNMENT);
		return;
	}
	refund(t, size);
	a->vtable->free(a, base_of(ptr), HEADER + size, PORTER_ALIGNMENT);
}

void *porter_malloc(porter_tracked *t, size_t size)
{
	struct cell *cell;
	char *base;

	if (!served_by_malloc(t, PORTER_ALIGNMENT) || too_large(size))
		return malloc_over(t, size);
	base = malloc(HEADER + size);
	cell = own_cell_fast(t->counter.at);
	if (unlikely(!base) || unlikely(!cell))
		return malloced_without_cell(t, base, size);
	charge_cell(cell, size);
	return block_of(base, size);
}

void porter_mfree(porter_tracked *t, void *ptr)
{
	struct cell *cell = own_cell_fast(t->counter.at);

	if (unlikely(!ptr))
		return;
	if (!served_by_malloc(t, PORTER_ALIGNMENT) || unlikely(!cell)) {
		mfree_over(t, ptr);
		return;
	}
	refund_cell(cell, size_of(ptr));
	free(base_of(ptr));
}

void *porter_calloc(porter_tracked *t, size_t count, size_t size)
{
	size_t total;
	char *base;
	void *block;

	if (__builtin_mul_overflow(count, size, &total) || too_large(total))
		return porter__tracked_failed(t);
	if (!served_by_malloc(t, PORTER_ALIGNMENT)) {
		block = malloc_over(t, total);
		return block ? memset(block, 0, total) : NULL;
	}
	/* calloc() knows which pages are fresh and need no zeroing. */
	base = calloc(1, HEADER + total);
	if (!base)
		return porter__tracked_failed(t);
	charge(t, total);
	return block_of(base, total);
}

void *porter_realloc(porter_tracked *t, void *ptr, size_t size)
{
	porter_allocator *a = t->underlying;
	size_t old_size;
	char *base;

	if (!ptr || size == 0) {
		void *block = porter_malloc(t, size);

		if (block)
			porter_mfree(t, ptr);
		return block;
	}
	if (too_large(size))
		return porter__tracked_failed(t);
	old_size = size_of(ptr);
	if (unlikely(centre_of(t))) {
		base = porter__centred_reallocate(t, HEADER, base_of(ptr),
						  old_size, size,
						  PORTER_ALIGNMENT);
		return base ? block_of(base, size) : NULL;
	}
	base = a->vtable->reallocate(a, base_of(ptr), HEADER + old_size,
				     HEADER + size, PORTER_ALIGNMENT);
	if (!base)
		return porter__tracked_failed(t);
	charge_resize(t, old_size, size);
	return block_of(base, size);
}

size_t porter_msize(porter_tracked *t, const void *ptr)
{
	(void)t;
	return ptr ? size_of(ptr) : 0;
}
