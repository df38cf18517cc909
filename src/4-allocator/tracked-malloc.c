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
#include "4-allocator/block.h"

#include <stdlib.h>

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

/* The short path is the one of tracked-unbounded.c. */
static bool takes_short_path(const porter_tracked *t)
{
	return served_by_malloc(t, PORTER_ALIGNMENT) && likely(!is_bounded(t));
}

static SEPARATE void *malloc_slowly(porter_tracked *t, size_t size,
				    enum zeroed zeroed)
{
	char *base;

	if (too_large(size))
		return porter__failed(t);
	base = porter__block_allocate(t, HEADER, size, PORTER_ALIGNMENT,
				      zeroed);
	return base ? block_of(base, size) : NULL;
}

static SLOW_PATH void *count_slowly(porter_tracked *t, char *base, size_t size)
{
	if (!base)
		return porter__failed(t);
	count(&t->account, size);
	counter_add(&t->counter, ALLOCATIONS, 1);
	return block_of(base, size);
}

static SEPARATE void *settled(porter_tracked *t, struct cell *cell, void *block)
{
	porter__settle_with_lock(&t->account, cell);
	return block;
}

void *porter_malloc(porter_tracked *t, size_t size)
{
	struct cell *cell;
	char *base;
	void *block;

	if (!takes_short_path(t) || too_large(size))
		return malloc_slowly(t, size, ANY_BYTES);
	base = malloc(HEADER + size);
	cell = this_cell_fast(t->counter.at);
	if (unlikely(!base) || unlikely(!cell))
		return count_slowly(t, base, size);
	word_add(&cell->word[ALLOCATED], size);
	word_add(&cell->word[ALLOCATIONS], 1);
	block = block_of(base, size);
	if (is_overdrawn(cell))
		return settled(t, cell, block);
	return block;
}

static SEPARATE void free_slowly(porter_tracked *t, void *ptr, size_t size)
{
	porter__block_free(t, base_of(ptr), HEADER, size, PORTER_ALIGNMENT);
}

static SEPARATE void free_settled(porter_tracked *t, struct cell *cell,
				  void *ptr)
{
	porter__settle(&t->account, cell);
	free(base_of(ptr));
}

void porter_mfree_sized(porter_tracked *t, void *ptr, size_t size)
{
	struct cell *cell = this_cell_fast(t->counter.at);

	if (unlikely(!ptr))
		return;
	if (!takes_short_path(t) || unlikely(!cell)) {
		free_slowly(t, ptr, size);
		return;
	}
	word_add_release(&cell->word[FREED], size);
	word_add_release(&cell->word[FREES], 1);
	if (is_above_cap(cell)) {
		free_settled(t, cell, ptr);
		return;
	}
	free(base_of(ptr));
}

void porter_mfree(porter_tracked *t, void *ptr)
{
	if (likely(ptr))
		porter_mfree_sized(t, ptr, size_of(ptr));
}

/* What the underlying allocator knows to be zero already is not written. */
void *porter_calloc(porter_tracked *t, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return porter__failed(t);
	return malloc_slowly(t, total, ZEROED);
}

void *porter_realloc(porter_tracked *t, void *ptr, size_t size)
{
	char *base;

	if (!ptr || size == 0) {
		void *block = porter_malloc(t, size);

		if (block)
			porter_mfree(t, ptr);
		return block;
	}
	if (too_large(size))
		return porter__failed(t);
	base = porter__block_reallocate(t, base_of(ptr), HEADER, size_of(ptr),
					size, PORTER_ALIGNMENT);
	return base ? block_of(base, size) : NULL;
}

size_t porter_msize(porter_tracked *t, const void *ptr)
{
	(void)t;
	return ptr ? size_of(ptr) : 0;
}
